//! Bounded staleness: the staleness of the worst read, and of each read.
//!
//! - In **writes**: a history is *k-atomic* (Aiyer, Alvisi and Bazzi, "On the availability of non-strict quorum systems",
//!   2005) if it has a linearisation in which each read returns one of the last k writes. Atomic is 1. [`least_k`].
//! - In **time**: it is *Δ-atomic* (Golab, Li and Shah, "Analyzing consistency properties for fun and profit", 2011,
//!   section 3.1) if it becomes linearizable once each read is taken to have begun Δ earlier. Atomic is 0.
//!   [`least_delta`].
//!
//! Both search for an order of the writes. If the order is known, because one node decides it, [`Staleness`] measures
//! each read as it comes and keeps the distribution; [`Bounded`] refuses reads beyond a bound.

mod atomic;
mod measured;

pub use atomic::{least_delta, least_k};
pub use measured::{Bounded, Event, Stale, Staleness};
