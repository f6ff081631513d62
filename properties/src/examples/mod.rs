//! Properties of the models to learn from.

pub mod echo;
pub mod tutorial;
