//! Single steps that are rare in worlds: one process on a bench, one command of a state machine, one operation that comes from
//! a file. Raft, two- and three-phase commit and Redis have programs of their own beside this one.

mod amounts;
mod arbiter;
mod lock_store;
mod order;
mod replicas;
mod servers;
