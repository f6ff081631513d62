//! What replicas say to each other, in all three styles.

use seedbed_sim::{Kinded, OpId, Time};

use crate::replication::crdt::broadcast;
use crate::replication::crdt::clock::ReplicaId;
use crate::replication::crdt::context::Context;
use crate::replication::crdt::ghost::Updates;
use crate::replication::crdt::types::{Effect, Payload, State};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Message {
    /// State-based: all that the sender has.
    State {
        /// The sender.
        from: ReplicaId,
        /// Its state.
        state: Box<State>,
        /// The latest instant that its clock has shown or seen.
        latest: Time,
        /// Ghost: the updates in its state.
        had: Updates,
    },
    /// Delta style: what the sender has done or learnt since something that the receiver has acknowledged.
    Delta {
        /// The sender.
        from: ReplicaId,
        /// Whose acknowledgement it builds upon; nobody's, if it is the sender's whole state.
        since_acked_by: Option<ReplicaId>,
        /// The join of a delta interval, or a state.
        delta: Box<State>,
        /// The sender's sequence number: the interval ends before it.
        upto: u64,
        /// The latest instant that its clock has shown or seen.
        latest: Time,
        /// Ghost: the updates in its state.
        had: Updates,
    },
    /// Delta style: the sender has all that the receiver had before it took this sequence number.
    Ack {
        /// The sender.
        from: ReplicaId,
        /// Whose sequence number it is.
        of: ReplicaId,
        /// The sequence number.
        upto: u64,
    },
    /// The receiver is supposed to have had a later replica than the one that it has spoken for.
    Outdated {
        /// Who was heard of.
        of: ReplicaId,
        /// The later one.
        later: ReplicaId,
    },
    /// Operation-based: an update.
    Update {
        /// The sender, who has made it.
        from: ReplicaId,
        /// The update.
        update: Update,
    },
    /// Operation-based: what the sender has delivered. Asks for what it lacks.
    Digest {
        /// The sender.
        from: ReplicaId,
        /// What it has delivered.
        delivered: Context,
    },
    /// Operation-based: what the receiver lacks.
    Missing {
        /// The sender.
        from: ReplicaId,
        /// Updates in causal order.
        updates: Vec<Update>,
    },
    /// Operation-based: the sender is new, and asks to be counted among those whom updates have to reach.
    Join {
        /// The sender.
        from: ReplicaId,
        /// What it has delivered so far.
        delivered: Context,
    },
    /// Operation-based: the receiver is counted from now on, and this is what it lacks.
    Welcome {
        /// The sender.
        from: ReplicaId,
        /// Who is welcome.
        to: ReplicaId,
        /// Whether the sender is a member, and does not only join.
        member: bool,
        /// What the sender has delivered.
        delivered: Context,
        /// What it lacks.
        news: News,
    },
}

/// The timers of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// A new replica is born.
    Birth,
    /// It is time to tell the next peer.
    Gossip,
    /// Operation-based: it is time to ask again to be let in.
    Join,
    /// Operation-based: it is time to forget what is stable.
    Forget,
}

/// An update in the broadcast.
pub type Update = broadcast::Message<Made>;

/// What an update does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Made {
    /// To a payload.
    pub effect: Effect,
    /// To the clocks of those who learn of it.
    pub time: Time,
    /// Ghost: which operation it is.
    pub op: OpId,
}

/// What a new replica is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// The updates that it lacks, in causal order.
    Updates(Vec<Update>),
    /// All: some of what it lacks is no longer kept one by one.
    Snapshot(Box<Snapshot>),
}

/// All that an operation-based replica has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// What the updates were applied to.
    pub payload: Payload,
    /// Which updates.
    pub delivered: Context,
    /// Those that somebody may still lack, in the order of delivery.
    pub log: Vec<Update>,
    /// Those that nobody lacks.
    pub pruned: Context,
    /// The latest instant that its clock has shown or seen.
    pub latest: Time,
    /// Ghost: the updates in it.
    pub had: Updates,
}
