//! What must be true: checkers that judge histories, and invariants on the states of each component, in folders that
//! mirror `seedbed-models`. Tests in `tests/` bind them to the models.

pub mod atomic_commitment;
pub mod coherence;
pub mod commitment;
pub mod consensus;
pub mod conservation;
pub mod consistency;
pub mod crdt;
pub mod cuts;
pub mod delivery;
pub mod examples;
pub mod formats;
pub mod judge;
pub mod linearizability;
pub mod litmus;
pub mod lock;
pub mod mutual_exclusion;
pub mod rates;
pub mod transactions;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
