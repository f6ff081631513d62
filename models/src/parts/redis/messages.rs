//! What clients, servers and the sentinel say to each other.

use std::sync::Arc;

use seedbed_sim::{NodeId, kinds};

use crate::parts::redis::command::{Command, Reply};
use crate::parts::redis::dataset::{Dataset, Effect};

/// Counts the times that a replica was made the master: the sentinels' configuration epoch.
pub type Epoch = u64;

/// How much of the replication stream of an epoch a server has.
pub type Offset = u64;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A client asks a server.
    Request {
        /// The client's number for it.
        id: u64,
        /// What is asked.
        command: Command,
    },
    /// A server answers.
    Answer {
        /// The client's number.
        id: u64,
        /// The answer.
        reply: Reply,
        /// The epoch in which the server is a master.
        epoch: Epoch,
    },
    /// The server is a replica (`-READONLY`).
    ReadOnly {
        /// The client's number.
        id: u64,
    },
    /// A client asks the sentinel who is the master.
    WhoIsMaster,
    /// The sentinel answers.
    Master {
        /// Who.
        node: NodeId,
        /// Since which epoch.
        epoch: Epoch,
    },
    /// A master tells a replica what it did.
    Stream {
        /// The master's epoch.
        epoch: Epoch,
        /// Which effect of the epoch this is, from one on.
        offset: Offset,
        /// What it did.
        effect: Effect,
    },
    /// A master tells a replica how far it is.
    Ping {
        /// The master's epoch.
        epoch: Epoch,
        /// How far.
        offset: Offset,
    },
    /// A replica has missed something.
    Psync,
    /// The whole data of a master.
    FullResync {
        /// The master's epoch.
        epoch: Epoch,
        /// How far it is.
        offset: Offset,
        /// Its data.
        data: Arc<Dataset>,
    },
    /// The sentinel looks whether a server is there, and says who is the master.
    Watch {
        /// Who is the master.
        master: NodeId,
        /// Since which epoch.
        epoch: Epoch,
    },
    /// A server is there.
    Alive {
        /// The epoch it knows.
        epoch: Epoch,
        /// How far it is in it; nothing, if it is a replica that lacks data.
        offset: Option<Offset>,
    },
}
kinds!(Message: Request, Answer, ReadOnly, WhoIsMaster, Master, Stream, Ping, Psync, FullResync, Watch, Alive);
