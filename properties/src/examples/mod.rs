//! Properties of the models to learn from.

pub mod tutorial;
