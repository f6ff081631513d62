//! Replicated logs and replicated data types.

mod crdt;
mod crdt_differential;
mod crdt_laws;
mod crdt_sessions;
mod raft;

#[path = "../oracles/mod.rs"]
mod oracles;
