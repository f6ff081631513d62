//! Models to learn from and to measure with.

pub mod echo;
pub mod tutorial;
