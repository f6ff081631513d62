//! The rim of seedbed: the registry of components, the commands, the drawings, and the corpus of kept traces.
//!
//! Everything that has to do with terminals, files, clocks and threads stays in this crate.

pub mod commands;
pub mod component;
pub mod corpus;
pub mod draw;
pub mod failing;
pub mod kills;
pub mod logs;
pub mod registry;
pub mod report;
pub mod say;
