//! Replication: one history that many nodes agree on (consensus), and replicas that need not agree on one.

pub mod crdt;
pub mod raft;
