//! `#[derive(Named)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Fields, LitStr, Result};

use crate::words::{attribute, snake_case, variants};

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let spelling: fn(&str) -> String = match attribute(&input.attrs, "named") {
        None => snake_case,
        Some(attribute) => {
            let word: syn::Ident = attribute.parse_args()?;
            match word.to_string().as_str() {
                "kebab" => |name| snake_case(name).replace('_', "-"),
                "as_written" => str::to_string,
                _ => return Err(Error::new_spanned(word, "write `kebab` or `as_written`, or leave the attribute out")),
            }
        }
    };
    let (mut idents, mut names) = (Vec::new(), Vec::new());
    for variant in variants(input)? {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(variant, "names are for variants without values"));
        }
        names.push(match attribute(&variant.attrs, "named") {
            Some(attribute) => attribute.parse_args::<LitStr>()?.value(),
            None => spelling(&variant.ident.to_string()),
        });
        idents.push(&variant.ident);
    }
    let count = idents.len();
    let known = names.join(", ");
    let what = snake_case(&name.to_string()).replace('_', " ");
    Ok(quote! {
        impl #name {
            /// All of them, in the order of their declaration.
            pub const ALL: [#name; #count] = [#(#name::#idents),*];

            /// All names, as the documentation of a setting lists them.
            pub const NAMES: &'static str = #known;

            /// The name on the command line and in files.
            pub const fn name(self) -> &'static str {
                match self {
                    #(#name::#idents => #names,)*
                }
            }
        }

        impl ::std::fmt::Display for #name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl ::std::str::FromStr for #name {
            type Err = ::std::string::String;
            fn from_str(text: &str) -> ::std::result::Result<Self, ::std::string::String> {
                Self::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| {
                    ::std::format!("'{text}' is not a {}: choose from {}", #what, #known)
                })
            }
        }
    })
}
