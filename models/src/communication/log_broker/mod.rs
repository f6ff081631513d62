//! A partitioned, replicated log with consumer groups (Kafka semantics): the parts that need no network. Partitioners
//! ([`partitioner`]), the group coordinator with its assignors ([`groups`]), retention and compaction ([`cleaner`]).

pub mod bugs;
pub mod groups;
pub mod names;
pub mod numbers;
pub mod partitioner;

pub use bugs::Bug;
