//! What nodes send each other, their timers, what is on disk, what producers are asked and answer.

use std::sync::Arc;

use seedbed_sim::{Hosts, Kinded, NodeId, Process};
use serde::{Deserialize, Serialize};

use crate::communication::stream::command::Command;
use crate::communication::stream::effect::Effect;
use crate::communication::stream::id::Id;
use crate::communication::stream::keyspace::Keyspace;
use crate::communication::stream::reply::Reply;
use crate::parts::redis;
use crate::parts::redis::messages::{Epoch, Offset};

/// A client's number for an attempt to connect.
pub type Nonce = u64;

/// A server's number for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// The number of a request in its connection, from one on.
pub type Seq = u64;

/// The life of a master: its replication stream begins anew with each (the *replication ID*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded, Hosts)]
pub enum Message {
    /// A client connects.
    Connect(Nonce),
    /// A server has accepted a connection.
    Connected(Nonce, ConnectionId),
    /// A client's command.
    Request(ConnectionId, Seq, Command),
    /// The reply.
    Answer(ConnectionId, Seq, Reply),
    /// The server does not know this connection, or has closed it.
    Reset(ConnectionId),
    /// What one command of the master did, all or nothing (`MULTI` … `EXEC`).
    Stream {
        /// The master's epoch.
        epoch: Epoch,
        /// Its life.
        run: RunId,
        /// The number of the command in this life, from one on.
        offset: Offset,
        /// What it did.
        effects: Arc<[Effect]>,
    },
    /// A master's epoch, life and offset, for replicas to see what they have missed.
    Ping(Epoch, RunId, Offset),
    /// A replica has missed effects (`PSYNC`).
    Psync,
    /// All that a master has (`FULLRESYNC`).
    FullResync {
        /// The master's epoch.
        epoch: Epoch,
        /// Its life.
        run: RunId,
        /// Up to where the data has all effects.
        offset: Offset,
        /// The data.
        keys: Arc<Keyspace>,
    },
    /// To and from the sentinel.
    #[hosts]
    Sentinel(redis::Message),
}

/// A timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded, Hosts)]
pub enum Timer {
    /// A client's reply is late, or it connects again.
    Connection,
    /// A consumer has processed an entry.
    Work,
    /// A consumer looks for entries that have been idle.
    Recover,
    /// The time is over for a client that waits at a server.
    Unblock,
    /// The time to live of a key is over.
    Expire,
    /// A master pings its replicas.
    Ping,
    /// A server syncs its append-only file.
    Sync,
    /// Of the sentinel.
    #[hosts]
    Sentinel(redis::Timer),
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Hosts)]
pub enum Record {
    /// The server has been started before.
    Started,
    /// What one command did, all or nothing.
    Effects(Arc<[Effect]>),
    /// All before this is to be synced.
    Synced,
    /// The master since this epoch.
    Master(NodeId, Epoch),
    /// The data of a full resynchronisation: of which life of the master, and up to which offset.
    Data(RunId, Offset, Arc<Keyspace>),
    /// Of the sentinel.
    #[hosts]
    Sentinel(redis::Record),
}

/// What a producer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Add an entry.
    Add {
        /// Whether processing it fails, each time.
        poison: bool,
    },
    /// Delete one of the entries that the producer has added in this life: the last, if zero.
    Delete {
        /// How many places before the last.
        back: u8,
    },
    /// Trim the stream.
    Trim {
        /// How many entries remain.
        keep: u8,
        /// Whether the threshold is the identifier of the first that remains, and not the number.
        by_id: bool,
    },
}

/// What a producer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// The entry was added.
    Added(Id),
    /// So many entries were deleted.
    Deleted(u64),
    /// So many entries were trimmed.
    Trimmed(u64),
}

/// A process of this world: the client's side of a connection is written for any.
pub trait StreamProcess: Process<Message = Message, Timer = Timer, Record = Record, Ret = Ret> {}

impl<P: Process<Message = Message, Timer = Timer, Record = Record, Ret = Ret>> StreamProcess for P {}
