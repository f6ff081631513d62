//! The rim of seedbed: the registry of components, the commands, the drawings, and the corpus of kept traces.
//!
//! Everything that has to do with terminals, files, clocks and threads stays in this crate.

pub mod atlas;
mod call;
mod cli;
pub mod commands;
pub mod component;
pub mod corpus;
pub mod draw;
pub mod failing;
pub mod files;
pub mod kept;
pub mod kills;
pub mod logs;
pub mod page;
pub mod pages;
mod program;
pub mod registry;
pub mod report;
pub mod say;
pub mod scaffold;
pub mod shard;

pub use cli::{Cli, cli};

/// The examples of the guide compile, and do what they say.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../docs/writing-a-property.md")]
    struct WritingAProperty;
}
