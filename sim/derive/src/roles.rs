//! `#[derive(Roles)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::punctuated::Punctuated;
use syn::{DeriveInput, Error, Fields, LitStr, Result, Token, Type};

use crate::words::{attribute, sim, snake_case, variants, wrapped};

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let (sim, name) = (sim(), &input.ident);
    let types = attribute(&input.attrs, "roles")
        .ok_or_else(|| Error::new_spanned(name, "name the types: #[roles(Message, Timer, Record, Op, Ret)]"))?;
    let types = types.parse_args_with(Punctuated::<Type, Token![,]>::parse_terminated)?;
    let Ok([message, timer, record, op, ret]) = <[Type; 5]>::try_from(types.into_iter().collect::<Vec<_>>()) else {
        return Err(Error::new_spanned(name, "five types are needed: #[roles(Message, Timer, Record, Op, Ret)]"));
    };
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let mut accessors = Vec::new();
    let mut roles = Vec::new();
    let mut hosted = Vec::new();
    let mut scopes = Vec::new();
    let mut idle = Vec::new();
    let mut sizes = None;
    for variant in variants(input)? {
        let ident = &variant.ident;
        if matches!(variant.fields, Fields::Unit) {
            idle.push(ident);
            continue;
        }
        let role = wrapped(variant)?;
        let accessor = format_ident!("{}", snake_case(&ident.to_string()));
        let told = format!("The {}, if this node is one.", snake_case(&ident.to_string()).replace('_', " "));
        accessors.push(quote! {
            #[doc = #told]
            pub fn #accessor(&self) -> ::std::option::Option<&#role> {
                match self {
                    #name::#ident(role) => ::std::option::Option::Some(role),
                    #[allow(unreachable_patterns)]
                    _ => ::std::option::Option::None,
                }
            }
        });
        // All roles send the same messages, so the first knows how large they are.
        sizes.get_or_insert_with(|| quote!(<#role as #sim::Process>::size(message)));
        match attribute(&variant.attrs, "roles") {
            None => roles.push(ident),
            Some(attribute) => {
                hosted.push(ident);
                scopes.push(attribute.parse_args::<LitStr>()?);
            }
        }
    }
    let sizes = sizes.ok_or_else(|| Error::new_spanned(name, "a node needs a role"))?;
    let named = name.to_string();
    Ok(quote! {
        impl #impl_generics #name #type_generics #where_clause {
            #(#accessors)*
        }

        impl #impl_generics #sim::Process for #name #type_generics #where_clause {
            type Message = #message;
            type Timer = #timer;
            type Record = #record;
            type Op = #op;
            type Ret = #ret;

            fn start(&mut self, ctx: &mut #sim::Context<'_, Self>) {
                match self {
                    #(#name::#roles(role) => role.start(&mut ctx.as_role()),)*
                    #(#name::#hosted(role) => {
                        ctx.host(#sim::Hosted::named(#scopes), |ctx| role.start(ctx));
                    })*
                    #(#name::#idle => {})*
                }
            }
            fn message(&mut self, ctx: &mut #sim::Context<'_, Self>, from: #sim::NodeId, message: Self::Message) {
                match self {
                    #(#name::#roles(role) => role.message(&mut ctx.as_role(), from, message),)*
                    #(#name::#hosted(role) => {
                        ctx.host(#sim::Hosted::named(#scopes), |ctx| role.message(ctx, from, message));
                    })*
                    #(#name::#idle => ::std::panic!(
                        "{}: an idle node is sent nothing: {from} sent {message:?}", #named
                    ),)*
                }
            }
            fn timer(&mut self, ctx: &mut #sim::Context<'_, Self>, timer: Self::Timer) {
                match self {
                    #(#name::#roles(role) => role.timer(&mut ctx.as_role(), timer),)*
                    #(#name::#hosted(role) => {
                        ctx.host(#sim::Hosted::named(#scopes), |ctx| role.timer(ctx, timer));
                    })*
                    #(#name::#idle => ::std::panic!("{}: an idle node has no timers: {timer:?}", #named),)*
                }
            }
            fn synced(&mut self, ctx: &mut #sim::Context<'_, Self>) {
                match self {
                    #(#name::#roles(role) => role.synced(&mut ctx.as_role()),)*
                    #(#name::#hosted(role) => {
                        ctx.host(#sim::Hosted::named(#scopes), |ctx| role.synced(ctx));
                    })*
                    #(#name::#idle => {})*
                }
            }
            fn invoke(&mut self, ctx: &mut #sim::Context<'_, Self>, op: #sim::OpId, input: Self::Op) {
                match self {
                    #(#name::#roles(role) => role.invoke(&mut ctx.as_role(), op, input),)*
                    #(#name::#hosted(_) => ::std::panic!(
                        "operations are for clients: {op:?} {input:?} came to a {}", #scopes
                    ),)*
                    #(#name::#idle => ::std::panic!("{}: an idle node is asked nothing: {op:?} {input:?}", #named),)*
                }
            }
            fn size(message: &Self::Message) -> u64 {
                #sizes
            }
        }
    })
}
