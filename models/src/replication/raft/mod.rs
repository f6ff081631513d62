//! Raft: Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm* (2014), "the paper"; and Ongaro's
//! thesis, *Consensus: Bridging Theory and Practice* (2014), "the thesis".
//!
//! A group of servers replicates a log of commands. Time is cut into terms; in each, at most one server leads. The
//! leader appends commands to its log and sends them to the others; what a majority has is committed, and every server
//! applies committed commands in log order to its state machine. Who has a log that lacks a committed entry is not
//! elected.
//!
//! Read it in the paper's order: [`server`] (Figure 2: state, rules for all) with its [`role`] (Figure 4), `election` (§5.2,
//! §5.4.1), `replication` (§5.3, §5.4.2), `persistence`, `compaction` (§7), then the thesis's chapter 6: `apply`, [`sessions`],
//! `read_index`, `lease`; chapter 4: `reconfigure`; §3.10: `transfer`. [`quorum`], [`progress`], [`membership`] and [`log`] are
//! pure. A client's side is [`session_client`]. [`bugs`] breaks one rule at a time.
//!
//! [`Server`] is a process over any [`StateMachine`], and [`SessionClient`] its client; other components host them. [`Raft`] is
//! the model: such servers over a key-value map, with clients.
//!
//! What differs from the paper: a snapshot travels in one message; AppendEntries and its answers carry the round of
//! heartbeats that reads wait for; the answer to AppendEntries is two messages, for yes and no.

mod apply;
pub mod bugs;
pub mod client;
mod compaction;
mod election;
pub mod entry;
pub mod kv;
pub mod leader_hint;
mod lease;
pub mod log;
pub mod machine;
pub mod marks;
pub mod membership;
pub mod messages;
pub mod model;
mod persistence;
pub mod progress;
pub mod quorum;
mod read_index;
mod reconfigure;
pub mod record;
mod replication;
pub mod role;
pub mod server;
pub mod session_client;
pub mod sessions;
pub mod settings;
pub mod snapshot;
mod transfer;
pub mod types;
mod workload;

pub use bugs::Bug;
pub use entry::{Entry, Payload};
pub use kv::Kv;
pub use machine::StateMachine;
pub use membership::Membership;
pub use messages::Message;
pub use model::{Node, Raft};
pub use record::Record;
pub use server::Server;
pub use session_client::SessionClient;
pub use settings::{Settings, Timer};
pub use types::{Index, Term};
