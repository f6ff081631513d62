//! A partitioned, replicated log: the semantics of Kafka 4.
//!
//! - **Logs** ([`log`], [`record`], [`epochs`], [`producers`]): a partition is a log of batches, which one leader appends to and followers
//!   fetch. Leader epochs tell what a new leader does not have (KIP-101), sequence numbers what was sent twice (KIP-98).
//! - **Controllers** ([`controller`]) agree, by C11's Raft, on who leads which partition and which replicas are in sync (KIP-500, KIP-497,
//!   KIP-966). Every broker is a controller too (`process.roles=broker,controller`), and reads what is agreed on from its own server.
//! - **Brokers** ([`broker`]) have replicas of partitions, lead them or follow.
//! - **Clients** ([`client`]) send records in batches, to partitions of their choice ([`partitioner`]), and read.
//! - **The cleaner** ([`cleaner`]): retention and compaction, as functions that no broker calls yet.
//! - **Groups** ([`groups`]): brokers coordinate groups of consumers, which divide the partitions among themselves; what coordinators remember is
//!   in the partitions of `__consumer_offsets`. **Consumers** ([`consumer`]) read, process and commit how far they are.

pub mod broker;
pub mod bugs;
pub mod cleaner;
pub mod client;
pub mod consumer;
pub mod controller;
pub mod epochs;
pub mod groups;
pub mod log;
pub mod marks;
pub mod messages;
pub mod model;
pub mod names;
pub mod numbers;
pub mod partitioner;
pub mod producers;
pub mod record;
pub mod requests;
pub mod settings;
pub mod transactions;
mod variants;
mod workload;

pub use bugs::Bug;
pub use model::{LogBroker, Node};
