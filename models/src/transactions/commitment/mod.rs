//! What the protocols of atomic commitment share: a transaction touches several participants, each with its own store and
//! its own write-ahead log, and in the end all of them keep its effects or none does (Bernstein, Hadzilacos & Goodman,
//! *Concurrency Control and Recovery in Database Systems*, 1987, chapter 7, "the book").
//!
//! This is all but the phases. A [`protocol`] adds those: its messages, and two roles that are processes of their own. In
//! reading order:
//!
//! - [`work`]: the transactions that clients ask for; [`requests`]: how they ask, and are answered;
//! - [`transaction_manager`]: the coordinator's bookkeeping, with a [`request_log`] that begins no request twice, and the
//!   [`votes`];
//! - [`ledger`]: a participant's store and the states of its transactions, pure; [`resource_manager`]: the ledger on a node
//!   with a disk;
//! - [`journal`]: what nodes have voted and decided, which the properties read;
//! - [`cluster`] and [`node`]: the world.
//!
//! The work is done before anybody is asked to prepare, and not together with it: a participant that only reads leaves
//! at its vote and lets its locks go, which is two-phase locking only if no lock is taken thereafter at any other
//! participant.

pub mod client;
pub mod cluster;
pub mod commits;
pub mod journal;
pub mod ledger;
pub mod marks;
pub mod node;
pub mod protocol;
pub mod request_log;
pub mod requests;
pub mod resource_manager;
pub mod transaction_manager;
pub mod votes;
pub mod work;

pub use cluster::Cluster;
pub use commits::Commits;
pub use journal::{Decision, Entry, Journal, Vote};
pub use ledger::{Ledger, Members, Reads, State};
pub use node::{Node, Roles};
pub(crate) use protocol::protocol;
pub use protocol::{Phase, Protocol};
pub use request_log::RequestLog;
pub use requests::{Incarnation, Reply, Request};
pub use resource_manager::{LOG, Report, ResourceManager, Write};
pub use transaction_manager::TransactionManager;
pub use votes::Votes;
pub use work::{Op, Ret};
