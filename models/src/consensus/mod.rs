//! Consensus: many nodes agree on one history.

pub mod raft;
