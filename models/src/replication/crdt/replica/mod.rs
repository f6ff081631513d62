//! A replica, in one of the three styles.

pub mod author;
mod client;
pub mod delta;
pub mod operation;
pub mod record;
pub mod rounds;
pub mod settings;
pub mod state;

use seedbed_sim::Roles;

use crate::replication::crdt::clock::ReplicaId;
use crate::replication::crdt::ghost::Ghost;
use crate::replication::crdt::messages::{Message, Timer};
use crate::replication::crdt::vocabulary::{Op, Ret, Value};

use self::delta::DeltaReplica;
use self::operation::OperationReplica;
use self::record::Record;
use self::state::StateReplica;

pub use self::settings::{FILE, Settings};

/// A replica. It has its style for life.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Replica {
    /// It gossips its whole state.
    State(StateReplica),
    /// It broadcasts operations.
    Operation(OperationReplica),
    /// It sends deltas.
    Delta(DeltaReplica),
}

impl Replica {
    /// Who it is; nobody before its birth.
    pub fn id(&self) -> Option<ReplicaId> {
        match self {
            Replica::State(replica) => replica.author().id(),
            Replica::Operation(replica) => replica.author().id(),
            Replica::Delta(replica) => replica.author().id(),
        }
    }

    /// What properties know of it.
    pub fn ghost(&self) -> &Ghost {
        match self {
            Replica::State(replica) => replica.ghost(),
            Replica::Operation(replica) => replica.ghost(),
            Replica::Delta(replica) => replica.ghost(),
        }
    }

    /// What a client reads there.
    pub fn value(&self) -> Value {
        match self {
            Replica::State(replica) => replica.state().value(),
            Replica::Operation(replica) => replica.payload().value(),
            Replica::Delta(replica) => replica.state().value(),
        }
    }

    /// How much of what it has is not known to be with the others: of a state, how many of them; of operations, how many
    /// of those.
    pub fn untold(&self) -> u64 {
        match self {
            Replica::State(replica) => replica.untold(),
            Replica::Operation(replica) => replica.untold(),
            Replica::Delta(replica) => replica.untold(),
        }
    }

    /// Whether it takes updates.
    pub fn is_member(&self) -> bool {
        match self {
            Replica::State(_) | Replica::Delta(_) => self.id().is_some(),
            Replica::Operation(replica) => replica.is_member(),
        }
    }
}
