//! The protocols: one folder a family, one file or folder a component. No checks in here: what must be true of a
//! protocol stands in `seedbed-properties`.

pub mod coherence;
pub mod consensus;
pub mod crdt;
pub mod examples;
pub mod link;
pub mod litmus;
pub mod lock;
pub mod store;
pub mod transactions;
pub mod wal;
