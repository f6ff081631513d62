//! Caching: coherence of caches, the programs that tell memory models apart, and distributed locks.

pub mod coherence;
pub mod litmus;
pub mod lock;
