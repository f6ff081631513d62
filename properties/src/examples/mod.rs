//! The properties of the example models.

pub mod additions;
pub mod echo;
pub mod tutorial;

/// The text of `tutorial.rs`, the template of new properties.
pub const TUTORIAL: &str = include_str!("tutorial.rs");
/// The text of its test, the template of new tests.
pub const TUTORIAL_TEST: &str = include_str!("../../tests/examples/tutorial.rs");
