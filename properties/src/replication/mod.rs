//! The properties of replication.

pub mod crdt;
pub mod raft;
