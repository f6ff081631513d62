//! What nodes send, wait for and write: what two-phase commit does, and what Raft does.

use seedbed_sim::{Hosts, Kinded};

use crate::replication::raft;
use crate::transactions::two_phase_commit::messages as commit;
use crate::transactions::two_phase_commit::replicated::participant::Participant;

/// What nodes send each other.
#[derive(Clone, Debug, PartialEq, Hash, Kinded, Hosts)]
pub enum Message {
    /// Between coordinators, clients and proxies.
    #[hosts]
    Commit(commit::Message),
    /// Between the servers of a group and its proxy.
    #[hosts]
    Raft(raft::Message<Participant>),
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded, Hosts)]
pub enum Timer {
    /// Of coordinators and clients; and those of participants, which are their proxies'.
    #[hosts]
    Commit(commit::Timer),
    /// Of servers and of sessions with them.
    #[hosts]
    Raft(raft::Timer),
}

/// One record on a disk.
#[derive(Clone, Debug, PartialEq, Hash, Hosts)]
pub enum Record {
    /// A coordinator's.
    #[hosts]
    Commit(commit::Record),
    /// A server's.
    #[hosts]
    Raft(raft::Record<Participant>),
}
