//! What must be true of consensus.

pub mod raft;
