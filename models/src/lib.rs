//! The protocols: one folder a family, one file or folder a component. No checks in here: what must be true of a
//! protocol stands in `seedbed-properties`.

pub mod caching;
pub mod communication;
pub mod examples;
pub mod parts;
pub mod replication;
pub mod transactions;
