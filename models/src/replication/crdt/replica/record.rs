//! What replicas have on disk.

use crate::replication::crdt::clock::ReplicaId;
use crate::replication::crdt::ghost::Updates;
use crate::replication::crdt::messages::{Snapshot, Update};
use crate::replication::crdt::replica::author::Identity;
use crate::replication::crdt::types::State;

/// A record on a replica's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// State-based: all of it.
    State(StateCheckpoint),
    /// Delta style: all of it.
    Delta(DeltaCheckpoint),
    /// Operation-based: one entry of the log.
    Operation(Entry),
}

/// What a state-based replica has on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StateCheckpoint {
    pub(super) identity: Identity,
    pub(super) state: State,
    pub(super) seen: Updates,
}

/// What a replica of the delta style has on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeltaCheckpoint {
    pub(super) identity: Identity,
    /// The others that it knows: what it hears late of their nodes' earlier replicas does not count.
    pub(super) known: Vec<ReplicaId>,
    pub(super) state: State,
    pub(super) sequence: u64,
    pub(super) seen: Updates,
}

/// What is in the log of an operation-based replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The replica was born.
    Born(ReplicaId),
    /// It counts another, and none of that node's earlier ones.
    Counts(ReplicaId),
    /// It has delivered an update.
    Delivered(Update),
    /// It is counted by all.
    Member,
    /// It goes on from here: what stands before is in this.
    Snapshot(Identity, Box<Snapshot>),
}
