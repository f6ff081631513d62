//! What clients, servers and the sentinel send each other, their timers, and what is on their disks.

use std::sync::Arc;

use seedbed_sim::{Kinded, NodeId};

use crate::parts::redis::command::{Command, Reply, RequestId};
use crate::parts::redis::dataset::{Dataset, Effect};

/// Counts the failovers: the *configuration epoch* of Redis Sentinel.
pub type Epoch = u64;

/// The *replication offset*: how many effects of the epoch a server has.
pub type Offset = u64;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Message {
    /// A client's command.
    Request(RequestId, Command),
    /// A master's reply, and the epoch in which it is one.
    Answer(RequestId, Reply, Epoch),
    /// The server is a replica and executes no commands (`-READONLY`).
    ReadOnly(RequestId),
    /// A client asks the sentinel for the master (`SENTINEL get-master-addr-by-name`).
    WhoIsMaster,
    /// The sentinel's reply: the master since this epoch.
    Master(NodeId, Epoch),
    /// An effect of the master's replication stream, with its offset in the epoch, from one on.
    Stream {
        /// The master's epoch.
        epoch: Epoch,
        /// The offset of this effect.
        offset: Offset,
        /// What the master did.
        effect: Effect,
    },
    /// A master's epoch and offset, for replicas to see what they have missed.
    Ping(Epoch, Offset),
    /// A replica has missed effects (`PSYNC`).
    Psync,
    /// A master's whole dataset (`FULLRESYNC`).
    FullResync {
        /// The master's epoch.
        epoch: Epoch,
        /// The offset up to which the data has all effects.
        offset: Offset,
        /// The dataset.
        data: Arc<Dataset>,
    },
    /// The sentinel checks whether a server is up, and tells it the master since this epoch.
    Watch(NodeId, Epoch),
    /// A server is up: the epoch that it knows, and its offset in it; no offset, if it is a replica that waits for a full
    /// resynchronisation.
    Alive(Epoch, Option<Offset>),
}

/// The timers of servers and of the sentinel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// The time to live of a key of the master is over.
    Expire,
    /// The master pings its replicas, the sentinel checks all servers.
    Ping,
}

/// A record on the disk of a server or of the sentinel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The server has been started before.
    Started,
    /// The effect of a command.
    Effect(Effect),
    /// The master since this epoch.
    Master(NodeId, Epoch),
    /// The dataset of a full resynchronisation, and the offset up to which it has all effects.
    Data(Offset, Arc<Dataset>),
}
