//! What nodes send each other, what clients ask and are answered, the timers, and what is on disk.

use std::fmt;

use seedbed_sim::{Hosts, Kinded, NodeId, Process};
use serde::{Deserialize, Serialize};

use crate::caching::lock::message_passing::messages::PeerMessage;
use crate::caching::lock::on_raft::machine::{Locks, Revision};
use crate::parts::link::Segment;
use crate::parts::redis;
use crate::replication::raft;

/// A fencing token: that of a later holder is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// One acquisition of the lock, named after the operation that asked for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acquisition(pub u64);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.0)
    }
}

impl fmt::Debug for Acquisition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "acquisition {}", self.0)
    }
}

/// What clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Acquire the lock, use the resource, release the lock.
    Work {
        /// How often the resource is written.
        writes: u8,
        /// How often the lock, which is reentrant, is entered.
        depth: u8,
    },
}

/// What clients are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// All writes are done.
    Done,
    /// The lease was over before.
    Lost,
    /// The resource has refused a write: it has seen a greater token.
    Fenced,
}

/// A message.
#[derive(Clone, Debug, Hash, Kinded, Hosts)]
pub enum Message {
    /// A holder writes to the resource.
    Write {
        /// The acquisition under which it writes.
        acquisition: Acquisition,
        /// The number of the write in this acquisition, from zero on.
        n: u8,
        /// The fencing token.
        token: Token,
    },
    /// The resource has accepted or refused a write.
    Written {
        /// The acquisition of the write.
        acquisition: Acquisition,
        /// The number of the write.
        n: u8,
        /// Whether it took effect.
        accepted: bool,
    },
    /// A client of the Raft group watches for the deletion of the key that this revision created.
    Watch(Revision),
    /// A watched key has been deleted.
    Gone(Revision),
    /// Between clients and Redis servers.
    #[hosts]
    Redis(redis::Message),
    /// Between clients and the servers of the Raft group.
    #[hosts]
    Raft(raft::messages::Message<Locks>),
    /// Between clients that exclude each other by messages.
    #[hosts]
    Peer(Segment<PeerMessage>),
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded, Hosts)]
pub enum Timer {
    /// A holder has done a step of its work.
    Step,
    /// A holder sends its write again.
    Again,
    /// A holder's lease ceases to be valid.
    LeaseOver,
    /// An attempt to acquire the lock on Redis has failed.
    Timeout,
    /// A client of Redis makes another attempt.
    Retry,
    /// The watchdog of a holder on Redis extends the lease.
    Renew,
    /// A client of the Raft group keeps its lease alive.
    KeepAlive,
    /// A client of the Raft group asks another server to watch a key.
    Watch,
    /// A client of the Raft group sends its command again.
    Session(SessionId),
    /// The leader of the Raft group revokes the leases that have expired.
    Expire,
    /// A client sends again what this one has not acknowledged.
    Resend(NodeId),
    /// A timer of a Redis server or of the sentinel.
    #[hosts]
    Redis(redis::Timer),
    /// A timer of a server of the Raft group.
    #[hosts]
    Raft(raft::settings::Timer),
}

/// The sessions of a client of the Raft group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionId {
    /// Of the commands that concern keys.
    Keys,
    /// Of keep-alives, which must not wait behind other commands.
    KeepAlive,
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash, Hosts)]
pub enum Record {
    /// Of the resource.
    Accepted(Accepted),
    /// Of a Redis server or of the sentinel.
    #[hosts]
    Redis(redis::Record),
    /// Of a server of the Raft group.
    #[hosts]
    Raft(raft::record::Record<Locks>),
}

/// A write that the resource has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Accepted {
    /// The client that wrote.
    pub by: NodeId,
    /// The acquisition under which it wrote.
    pub acquisition: Acquisition,
    /// The number of the write in this acquisition, from zero on.
    pub n: u8,
    /// The fencing token.
    pub token: Token,
}

/// A process that sends these messages and waits for these timers: the clients' sides of the locks are written for any.
pub trait LockProcess: Process<Message = Message, Timer = Timer> {}

impl<P: Process<Message = Message, Timer = Timer>> LockProcess for P {}
