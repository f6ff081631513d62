//! Properties of the models to learn from.

pub mod additions;
pub mod echo;
pub mod tutorial;

/// The text of `tutorial.rs`, of which scaffolds are made by renaming.
pub const TUTORIAL: &str = include_str!("tutorial.rs");
/// The text of its test, of which scaffolds are made by renaming.
pub const TUTORIAL_TEST: &str = include_str!("../../tests/examples/tutorial.rs");
