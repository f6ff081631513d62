//! Properties: checkers that judge histories, and invariants on the states of each component, in folders that mirror
//! `seedbed-models`. Tests in `tests/` bind them to the models.

pub mod caching;
pub mod checkers;
pub mod communication;
pub mod examples;
pub mod formats;
pub mod registry;
pub mod replication;
pub mod transactions;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
