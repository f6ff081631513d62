//! Caches that agree, the memory models they give, and locks.

mod coherence;
mod coherence_exhaustive;
mod coherence_oracles;
mod litmus;
mod lock;

#[path = "../oracles/mod.rs"]
mod oracles;
