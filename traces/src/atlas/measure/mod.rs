//! What is measured: many worlds, each beside its twin without faults, and what they come to together.
//!
//! The cache's key covers these files: who changes what is measured changes the version of every component.

pub mod bound;
pub mod cell;
pub mod sample;
