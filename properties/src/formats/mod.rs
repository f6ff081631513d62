//! Histories recorded elsewhere: what `seedbed check` reads.

pub mod jsonl;
pub mod operations;
