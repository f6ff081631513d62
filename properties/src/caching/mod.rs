//! The properties of cache coherence, of memory as programs see it, and of locks.

pub mod coherence;
pub mod litmus;
pub mod lock;
