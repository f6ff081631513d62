//! What clients ask, what members say, the timers, and what is on disk.

use std::fmt;

use seedbed_sim::{File, Kinded, NodeId, Process};
use serde::{Deserialize, Serialize};

use crate::communication::gossip::swim::claim::Claim;

/// The name of a rumour: who has begun it, in which of its lives, and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RumourId {
    /// Who has begun it.
    pub origin: NodeId,
    /// The life of that member, by what it has drawn at its start and by its clock then.
    pub life: u64,
    /// From 1.
    pub number: u32,
}

/// `n1.2`.
impl fmt::Debug for RumourId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.origin, self.number)
    }
}

/// A rumour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rumour {
    /// Its name.
    pub id: RumourId,
    /// What it says.
    pub content: u32,
}

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Begin a rumour.
    Spread(u32),
    /// Leave: say so, and stop.
    Leave,
    /// Stop for good and say nothing, as a crash without a restart (SWIM §2, crash-stop).
    Stop,
}

/// What clients are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// It is begun.
    Begun,
    /// It has left, or stopped.
    Gone,
}

/// The number of a ping, unique in all lives of the one who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// What members say.
#[derive(Clone, Debug, PartialEq, Hash, Kinded)]
pub enum Message {
    /// Are you there? With claims (SWIM §4.1).
    Ping(Seq, Vec<Claim>),
    /// Yes. With claims.
    Ack(Seq, Vec<Claim>),
    /// Ping another for me. With claims.
    PingReq(Seq, NodeId, Vec<Claim>),
    /// The other has not answered (Lifeguard §IV-A).
    Nack(Seq),
    /// All claims that a member holds, and whether it asks for those of the other.
    Sync(Vec<Claim>, bool),
    /// Rumours.
    Push(Vec<Rumour>),
    /// What the sender has: it asks for the rest.
    Pull(Vec<RumourId>),
    /// Both: what the sender has.
    PushPull(Vec<Rumour>),
}

/// The timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// The next round of rumours.
    Round,
    /// The next protocol period.
    Period,
    /// A ping was not answered in time: helpers are asked.
    Indirect,
    /// A helper was not answered.
    Relay(Seq),
    /// The next exchange of all claims.
    Exchange,
    /// A suspicion ends.
    Suspicion(NodeId),
}

/// Where a member's incarnation is.
pub const LOG: File = File(0);

/// A record on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The member's incarnation.
    Incarnation(u64),
    /// The member has left or stopped, for good.
    Gone,
}

/// A member, to its parts.
pub trait GossipProcess: Process<Message = Message, Timer = Timer, Record = Record, Op = Op, Ret = Ret> {}

impl<P: Process<Message = Message, Timer = Timer, Record = Record, Op = Op, Ret = Ret>> GossipProcess for P {}
