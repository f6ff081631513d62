//! What the derives share: the variants of an enum, names in snake case, and where the simulator is found.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Result, Token, Type, Variant};

/// The path of the simulator's crate. It names itself so too.
pub fn sim() -> TokenStream {
    quote!(::seedbed_sim)
}

/// The variants of an enum.
pub fn variants(input: &DeriveInput) -> Result<&Punctuated<Variant, Token![,]>> {
    match &input.data {
        Data::Enum(data) => Ok(&data.variants),
        _ => Err(Error::new_spanned(&input.ident, "this can be derived for an enum")),
    }
}

/// The one type that a variant wraps.
pub fn wrapped(variant: &Variant) -> Result<&Type> {
    match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(&fields.unnamed[0].ty),
        _ => Err(Error::new_spanned(variant, "this variant has to wrap one value")),
    }
}

/// The attribute of a name.
pub fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.path().is_ident(name))
}

/// Turns `AppendEntries` into `append_entries`.
pub fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
