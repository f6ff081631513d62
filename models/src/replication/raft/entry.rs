//! The entries of the log.

use seedbed_sim::Time;

use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::types::{RequestId, Session, Term};

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Payload<S: StateMachine> {
    /// Nothing. A leader begins its term with one, for it may commit older entries only behind one of its own
    /// (paper §5.4.2 and §8).
    Noop,
    /// Opens a session for a client. Its index is the session's name.
    Register,
    /// A command for the state machine. Commands of a hosting process have no id: they are not retried.
    Command {
        /// What makes a retry known.
        id: Option<RequestId>,
        /// What the state machine is to do.
        command: S::Command,
    },
    /// A client that asks for nothing else wants to keep its session (thesis §6.3).
    KeepAlive(Session),
    /// The group is this from here on, as soon as the entry is in the log (thesis §4.1).
    Config(Membership),
}

/// An entry of the log. Its index is its place.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Entry<S: StateMachine> {
    /// The term in which a leader received it.
    pub term: Term,
    /// That leader's clock when it did (thesis §6.3): the log's own time is the latest up to a place.
    pub time: Time,
    /// What it says.
    pub payload: Payload<S>,
}
