//! A protocol, and what must be true of it.

pub mod model;
pub mod property;

pub use property::suite;
