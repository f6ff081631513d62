//! The command line tool of seedbed: the registry of components, the commands, the drawings, and the corpus of kept
//! traces.
//!
//! Only this crate uses terminals, files, wall clocks and threads.

pub mod atlas;
mod call;
pub mod cli;
pub mod commands;
pub mod component;
pub mod corpus;
pub mod draw;
mod escape;
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
pub mod signals;

pub use cli::{Cli, cli};

/// The examples of the guide are compiled and run as tests.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../docs/writing-a-property.md")]
    struct WritingAProperty;
}
