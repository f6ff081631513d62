//! What nodes say to each other.

use std::fmt;

use seedbed_sim::kinds;

use crate::caching::lock::by_messages::Speech;
use crate::caching::lock::on_raft::{Locks, Revision};
use crate::parts::link::Segment;
use crate::parts::redis;
use crate::replication::raft;

/// A fencing token: of two holders, the later has the greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// One turn of holding the lock: the operation that wanted it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turn(pub u64);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.0)
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "turn {}", self.0)
    }
}

/// A message.
#[derive(Clone, Debug, Hash)]
pub enum Message {
    /// A holder uses the resource.
    Write {
        /// In which turn.
        turn: Turn,
        /// Which write of the turn.
        n: u8,
        /// With which token.
        token: Token,
    },
    /// The resource answers.
    Written {
        /// In which turn.
        turn: Turn,
        /// Which write of the turn.
        n: u8,
        /// Whether it took effect.
        accepted: bool,
    },
    /// A waiter wants to hear when a key is gone.
    Watch {
        /// The key that was created with this revision.
        revision: Revision,
    },
    /// The key is gone.
    Gone {
        /// Which.
        revision: Revision,
    },
    /// Between clients and Redis servers.
    Redis(redis::Message),
    /// Between clients and a Raft group.
    Raft(raft::messages::Message<Locks>),
    /// Between clients that agree by themselves.
    Peer(Segment<Speech>),
}
kinds!(Message: Write, Written, Watch, Gone; hosts Redis(redis::Message), Raft(raft::messages::Message<Locks>), Peer(Segment<Speech>));
