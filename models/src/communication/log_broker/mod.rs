//! A partitioned, replicated log: the semantics of Kafka 4.
//!
//! - **Logs** ([`log`], [`record`], [`epochs`], [`producers`]): a partition is a log of batches, which one leader appends to and followers
//!   fetch. Leader epochs tell what a new leader does not have (KIP-101), sequence numbers what was sent twice (KIP-98).
//! - **Controllers** ([`controller`]) agree, by C11's Raft, on who leads which partition and which replicas are in sync (KIP-500, KIP-497,
//!   KIP-966). Every broker is a controller too (`process.roles=broker,controller`), and reads what is agreed on from its own server.
//! - **Brokers** ([`broker`]) have replicas of partitions, lead them or follow; followers fetch in sessions ([`sessions`], KIP-227).
//! - **Transactions** ([`transactions`]): a coordinator with a log of its own, markers, and an epoch for each transaction (KIP-890).
//! - **Clients** ([`client`]) send records in batches, in transactions or not, to partitions of their choice ([`partitioner`]), and read.
//! - **The cleaner** ([`cleaner`]): retention and compaction, as functions that no broker calls yet.
//! - **Groups** ([`groups`]): brokers coordinate groups of consumers, which divide the partitions among themselves; what coordinators remember is
//!   in the partitions of `__consumer_offsets`. **Consumers** ([`consumer`]) read, process and commit how far they are.
//!
//! **Guaranteed**, whatever messages and clocks do: a record that all in-sync replicas have acknowledged, of which there were
//! `min.insync.replicas` at least, stays at its offset in the log of every replica that may lead. Below the high watermark, replicas
//! agree. The records of an idempotent producer are in its order, and each once. Who reads what is committed sees of a transaction in a
//! partition all or nothing.
//!
//! **Disks.** With [`Flush::Later`](settings::Flush), which is Kafka's default, nothing waits for the disk, and a crash takes what was not
//! written yet. The broker says so when it registers again, is neither in sync nor eligible from then on, and has to fetch what it has
//! lost (KIP-966, *unclean shutdown*): so no acknowledged record is lost as long as one replica that has it stays up, and where none
//! does, the partition has no leader rather than one that lacks something. With `Always` nothing is said of what is not on disk, and all
//! brokers may crash at once.
//!
//! **Not guaranteed**: that a record which only the leader has acknowledged is kept; that one that was given up is not in the log; that
//! what is read from a leader is all that is committed, for another may lead.
//!
//! **Different from Kafka**, besides what is said where it is so: there are no connections, so that requests overtake each other and come
//! twice, or late, which in Kafka only requests of a connection do that was given up; a broker that restarts is registered at once, and
//! does not wait for its session to end; the last leader of a partition without eligible replicas is not tried; a producer that gives up
//! a numbered batch gives up those behind it too, and does not send them again under other numbers; coordinators of transactions read their logs up to
//! the high watermark; preferred leaders are not elected again; metadata has no versions, and topics are neither created nor deleted by
//! clients.

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
pub mod sessions;
pub mod settings;
pub mod transactions;
mod variants;
mod workload;

pub use bugs::Bug;
pub use model::{LogBroker, Node};
