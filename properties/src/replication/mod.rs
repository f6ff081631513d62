//! What must be true of replication.

pub mod crdt;
pub mod raft;
