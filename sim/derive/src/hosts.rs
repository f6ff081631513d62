//! `#[derive(Hosts)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result};

use crate::words::{attribute, variants, wrapped};

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let all = variants(input)?;
    let mut conversions = Vec::new();
    for variant in all.iter().filter(|variant| attribute(&variant.attrs, "hosts").is_some()) {
        let (ident, inner) = (&variant.ident, wrapped(variant)?);
        // Where nothing else is there, nothing else can come out.
        let others = (all.len() > 1).then(|| quote!(other => ::std::result::Result::Err(other),));
        conversions.push(quote! {
            impl #impl_generics ::std::convert::From<#inner> for #name #type_generics #where_clause {
                fn from(inner: #inner) -> Self {
                    Self::#ident(inner)
                }
            }
            impl #impl_generics ::std::convert::TryFrom<#name #type_generics> for #inner #where_clause {
                type Error = #name #type_generics;
                fn try_from(outer: #name #type_generics) -> ::std::result::Result<Self, #name #type_generics> {
                    match outer {
                        #name::#ident(inner) => ::std::result::Result::Ok(inner),
                        #others
                    }
                }
            }
        });
    }
    if conversions.is_empty() {
        return Err(Error::new_spanned(name, "mark the variants that wrap what a hosted process says with #[hosts]"));
    }
    Ok(quote!(#(#conversions)*))
}
