//! `#[derive(Roles)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{DeriveInput, Error, Fields, Ident, LitStr, Result, Token, Type};

use crate::words::{attribute, sim, snake_case, variants, wrapped};

/// How a hosted role is hosted: `#[roles("commit")]`, `#[roles("commit", answers)]`.
struct Hosting {
    name: LitStr,
    /// Whether operations of the world's clients are for it.
    answers: bool,
}

impl Parse for Hosting {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.parse()?;
        if input.is_empty() {
            return Ok(Hosting { name, answers: false });
        }
        input.parse::<Token![,]>()?;
        let word: Ident = input.parse()?;
        if word != "answers" {
            return Err(Error::new_spanned(word, "write `answers`, or only the name"));
        }
        Ok(Hosting { name, answers: true })
    }
}

/// The arms of one variant in the dispatch of each event.
struct Arms {
    start: TokenStream,
    message: TokenStream,
    timer: TokenStream,
    synced: TokenStream,
    invoke: TokenStream,
}

/// A role that says, waits for and writes what the node does.
fn own(node: &Ident, variant: &Ident) -> Arms {
    Arms {
        start: quote!(#node::#variant(role) => role.start(&mut ctx.as_role()),),
        message: quote!(#node::#variant(role) => role.message(&mut ctx.as_role(), from, message),),
        timer: quote!(#node::#variant(role) => role.timer(&mut ctx.as_role(), timer),),
        synced: quote!(#node::#variant(role) => role.synced(&mut ctx.as_role()),),
        invoke: quote!(#node::#variant(role) => role.invoke(&mut ctx.as_role(), op, input),),
    }
}

/// A role with messages, timers and records of its own.
fn hosted(node: &Ident, variant: &Ident, Hosting { name, answers }: &Hosting) -> Arms {
    let sim = sim();
    let host =
        if *answers { quote!(#sim::Hosted::named(#name).answering()) } else { quote!(#sim::Hosted::named(#name)) };
    let unwrapped = |what: &Ident| {
        quote!(::std::convert::TryInto::try_into(#what).unwrap_or_else(|other| ::std::panic!(
            "nothing for a node that hosts {}: {other:?}", #name
        )))
    };
    let (message, timer, input) = (format_ident!("message"), format_ident!("timer"), format_ident!("input"));
    let (message, timer, input) = (unwrapped(&message), unwrapped(&timer), unwrapped(&input));
    Arms {
        start: quote!(#node::#variant(role) => {
            ctx.host(#host, |ctx| role.start(ctx));
        }),
        message: quote!(#node::#variant(role) => {
            let message = #message;
            ctx.host(#host, |ctx| role.message(ctx, from, message));
        }),
        timer: quote!(#node::#variant(role) => {
            let timer = #timer;
            ctx.host(#host, |ctx| role.timer(ctx, timer));
        }),
        synced: quote!(#node::#variant(role) => {
            ctx.host(#host, |ctx| role.synced(ctx));
        }),
        invoke: if *answers {
            quote!(#node::#variant(role) => {
                let input = #input;
                ctx.host(#host, |ctx| role.invoke(ctx, op, input));
            })
        } else {
            quote!(#node::#variant(_) => ::std::panic!(
                "operations are for clients: {op:?} {input:?} came to a node that hosts {}", #name
            ),)
        },
    }
}

/// A node that does nothing.
fn idle(node: &Ident, variant: &Ident) -> Arms {
    let name = node.to_string();
    Arms {
        start: quote!(#node::#variant => {}),
        message: quote!(#node::#variant => ::std::panic!(
            "{}: an idle node is sent nothing: {from} sent {message:?}", #name
        ),),
        timer: quote!(#node::#variant => ::std::panic!("{}: an idle node has no timers: {timer:?}", #name),),
        synced: quote!(#node::#variant => {}),
        invoke: quote!(#node::#variant => ::std::panic!("{}: an idle node is asked nothing: {op:?} {input:?}", #name),),
    }
}

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
    let mut arms = Vec::new();
    let mut size = None;
    for variant in variants(input)? {
        let ident = &variant.ident;
        if matches!(variant.fields, Fields::Unit) {
            arms.push(idle(name, ident));
            continue;
        }
        let role = wrapped(variant)?;
        let accessor = format_ident!("{}", snake_case(&ident.to_string()));
        let told = format!("The {}, if this node is one.", snake_case(&ident.to_string()).replace('_', " "));
        accessors.push(quote! {
            #[doc = #told]
            #[allow(dead_code)]
            pub fn #accessor(&self) -> ::std::option::Option<&#role> {
                match self {
                    #name::#ident(role) => ::std::option::Option::Some(role),
                    #[allow(unreachable_patterns)]
                    _ => ::std::option::Option::None,
                }
            }
        });
        match attribute(&variant.attrs, "roles") {
            Some(attribute) => arms.push(hosted(name, ident, &attribute.parse_args()?)),
            None => {
                // All roles that are not hosted send the same messages, so the first knows how large they are.
                size.get_or_insert_with(|| {
                    quote! {
                        fn size(message: &Self::Message) -> u64 {
                            <#role as #sim::Process>::size(message)
                        }
                    }
                });
                arms.push(own(name, ident));
            }
        }
    }
    let start = arms.iter().map(|arms| &arms.start);
    let on_message = arms.iter().map(|arms| &arms.message);
    let on_timer = arms.iter().map(|arms| &arms.timer);
    let synced = arms.iter().map(|arms| &arms.synced);
    let invoke = arms.iter().map(|arms| &arms.invoke);
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
                    #(#start)*
                }
            }
            fn message(&mut self, ctx: &mut #sim::Context<'_, Self>, from: #sim::NodeId, message: Self::Message) {
                match self {
                    #(#on_message)*
                }
            }
            fn timer(&mut self, ctx: &mut #sim::Context<'_, Self>, timer: Self::Timer) {
                match self {
                    #(#on_timer)*
                }
            }
            fn synced(&mut self, ctx: &mut #sim::Context<'_, Self>) {
                match self {
                    #(#synced)*
                }
            }
            fn invoke(&mut self, ctx: &mut #sim::Context<'_, Self>, op: #sim::OpId, input: Self::Op) {
                match self {
                    #(#invoke)*
                }
            }
            #size
        }
    })
}
