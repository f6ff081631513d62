//! The derive macros of `seedbed_sim`, which exports them and documents them by example. A derive writes what would
//! otherwise be written by hand in every protocol, in one way.

mod hosts;
mod kinded;
mod named;
mod roles;
mod words;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Names the variants of an enum of messages or timers, in snake case, as kinds. A variant that wraps the messages or timers
/// of a hosted process is marked `#[hosts]`: its kinds are paths, such as `raft/append_entries`; with `#[hosts(as_own)]`
/// they keep their own names. A struct has one kind, named after the type.
#[proc_macro_derive(Kinded, attributes(hosts))]
pub fn kinded(input: TokenStream) -> TokenStream {
    finish(kinded::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Converts between an enum and what its variants marked `#[hosts]` wrap: `From` into it, `TryFrom` out of it, which is what
/// `seedbed_sim::Hosted` needs of messages, timers and records. Each of them wraps one value, of a type of its own.
#[proc_macro_derive(Hosts, attributes(hosts))]
pub fn hosts(input: TokenStream) -> TokenStream {
    finish(hosts::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Makes a process of an enum of roles, each a process that says, waits for and writes the same: every event goes to the
/// role that the node has, and for each role there is an accessor of its name. The attribute names the types:
/// `#[roles(Message, Timer, Record, Op, Ret)]`. A variant without a value is a node that does nothing.
/// A role marked `#[roles("raft")]` is hosted under that name: its messages, timers and records are its own, and the node's
/// convert from and to them (`#[derive(Hosts)]`, or they are the same); its draws are named `raft/…`; its operations come from a
/// host and not from clients, unless it is marked `#[roles("raft", answers)]`: then the node's answers convert from its own.
#[proc_macro_derive(Roles, attributes(roles))]
pub fn roles(input: TokenStream) -> TokenStream {
    finish(roles::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Names a plain enum: `ALL`, `name`, `Display`, and `FromStr` whose error lists the names. Names are in snake case; with
/// `#[named(kebab)]` on the type in kebab case, with `#[named("…")]` on a variant as said there.
#[proc_macro_derive(Named, attributes(named))]
pub fn named(input: TokenStream) -> TokenStream {
    finish(named::derive(&parse_macro_input!(input as DeriveInput)))
}

fn finish(derived: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    derived.unwrap_or_else(syn::Error::into_compile_error).into()
}
