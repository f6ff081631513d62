//! `#[derive(Kinded)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Data, DeriveInput, Error, Result, Variant};

use crate::words::{attribute, sim, snake_case, variants, wrapped};

/// How the kinds of a hosted process are named.
enum Naming {
    /// As paths: `raft/append_entries`.
    Path,
    /// As they are.
    AsOwn,
}

fn naming(attribute: &Attribute) -> Result<Naming> {
    if matches!(attribute.meta, syn::Meta::Path(_)) {
        return Ok(Naming::Path);
    }
    let word: syn::Ident = attribute.parse_args()?;
    if word == "as_own" { Ok(Naming::AsOwn) } else { Err(Error::new_spanned(word, "write `as_own`, or nothing")) }
}

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let (sim, name) = (sim(), &input.ident);
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    if matches!(input.data, Data::Struct(_)) {
        let kind = snake_case(&name.to_string());
        return Ok(quote! {
            impl #impl_generics #sim::Kinded for #name #type_generics #where_clause {
                fn kind(&self) -> u16 { 0 }
                fn kind_count() -> u16 { 1 }
                fn kind_name(_: u16) -> ::std::string::String { #kind.into() }
            }
        });
    }
    let (hosted, own): (Vec<&Variant>, Vec<&Variant>) =
        variants(input)?.iter().partition(|variant| attribute(&variant.attrs, "hosts").is_some());
    let own_count = own.len() as u16;
    let own_names = own.iter().map(|variant| snake_case(&variant.ident.to_string()));
    let own_arms = own.iter().enumerate().map(|(kind, variant)| {
        let (variant, kind) = (&variant.ident, kind as u16);
        quote!(Self::#variant { .. } => #kind,)
    });
    // The kinds of hosted processes stand one after the other, behind the own.
    let mut before = quote!(#own_count);
    let mut hosted_arms = Vec::new();
    let mut hosted_names = Vec::new();
    for variant in &hosted {
        let (ident, inner) = (&variant.ident, wrapped(variant)?);
        hosted_arms.push(quote!(Self::#ident(inner) => (#before) + #sim::Kinded::kind(inner),));
        let path = snake_case(&ident.to_string());
        let named = match naming(attribute(&variant.attrs, "hosts").expect("the variant was told apart by it"))? {
            Naming::Path => quote!(::std::format!("{}/{inner}", #path)),
            Naming::AsOwn => quote!(inner),
        };
        hosted_names.push(quote! {
            let first = #before;
            if kind < first + <#inner as #sim::Kinded>::kind_count() {
                let inner = <#inner as #sim::Kinded>::kind_name(kind - first);
                return #named;
            }
        });
        before = quote!(#before + <#inner as #sim::Kinded>::kind_count());
    }
    let count = before;
    let names = format_ident!("OWN");
    Ok(quote! {
        impl #impl_generics #sim::Kinded for #name #type_generics #where_clause {
            fn kind(&self) -> u16 {
                match self {
                    #(#own_arms)*
                    #(#hosted_arms)*
                }
            }
            fn kind_count() -> u16 {
                #count
            }
            fn kind_name(kind: u16) -> ::std::string::String {
                const #names: &[&str] = &[#(#own_names),*];
                if let Some(name) = #names.get(kind as usize) {
                    return (*name).into();
                }
                #(#hosted_names)*
                ::std::unreachable!("no kind {kind}")
            }
        }
    })
}
