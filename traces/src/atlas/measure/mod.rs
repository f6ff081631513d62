//! Measurements: many worlds, each with a fault-free twin, and their aggregate.
//!
//! The cache's key includes these files, so a change of them invalidates all cached results.

pub mod bound;
pub mod cell;
pub mod sample;
