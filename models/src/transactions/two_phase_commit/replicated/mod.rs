//! Participants that are replicated: each is a state machine over a Raft group, so it votes and remembers for as long as most of
//! its servers are up (Corbett et al., *Spanner: Google's Globally-Distributed Database*, OSDI 2012, section 4.2.1, "the paper":
//! two-phase commit over Paxos groups).
//!
//! What a participant on a node of its own forces to its log before it answers is here a command in the log of its group, and
//! the answer is the command's output. Read [`participant`], the state machine, and [`proxy`], by which a group is one node to
//! the coordinator; [`messages`] is what their nodes send, wait for and write. Coordinators
//! ([`super::Coordinator`]) and clients are those of any two-phase commit, servers those of any Raft group: a world hosts
//! them side by side, as `properties/tests/transactions/hosting/commitment_over_raft.rs` does.
//!
//! Guaranteed, whatever is lost, late, doubled, cut off or crashed: what is guaranteed of [`super`]. A participant makes progress
//! while most of its servers are up, and its proxy is.
//!
//! # What differs from the paper
//!
//! - The leader of a group is the participant there, and keeps its lock table to itself, so that a change of leaders aborts what
//!   is not prepared. Here the work is a command too: any server has the locks, and a change of leaders aborts nothing.
//! - The coordinator is the leader of a group there, and does not block. Here it is one node with a disk.
//! - Clients find leaders by location proxies there (section 2). Here each group has one proxy, which is the participant's name.
//!   All of it is volatile: when it starts, it asks its group what it has to wait for.
//!
//! # What differs from a participant that is one node
//!
//! - Who only reads votes yes like all others: its group has written a record of the work already.
//! - Nobody in doubt asks other participants (the cooperative termination protocol): only the coordinator.

pub mod messages;
pub mod participant;
pub mod proxy;

pub use messages::{Message, Record, Timer};
pub use participant::Participant;
pub use proxy::Proxy;
