//! Models to learn from and to measure with. `tutorial.rs` is the one to read first; a new model begins as its copy.

pub mod echo;
pub mod tutorial;

/// The text of `tutorial.rs`, of which scaffolds are made by renaming.
pub const TUTORIAL: &str = include_str!("tutorial.rs");
