//! What members send each other, what clients ask, and what is on disk.

use seedbed_sim::{Hosts, Kinded};
use serde::{Deserialize, Serialize};

use crate::communication::ordering::clocks::Stamp;
use crate::communication::ordering::dissemination::Digest;
use crate::communication::ordering::envelope::{Envelope, MessageId};
use crate::communication::ordering::sequence::Sequence;
use crate::replication::raft;

/// What clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Tell this to all members.
    Broadcast(u32),
}

/// What clients are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// The member of the client has delivered it.
    Delivered,
}

/// What members send each other.
#[derive(Clone, Debug, Hash, Kinded, Hosts)]
pub enum Message {
    /// A message that is broadcast, from its sender or from another who has it.
    Data(Envelope),
    /// What the sender has; answered with what it lacks, and with what the receiver has.
    Have(Digest),
    /// The answer: what the sender has; answered with what it lacks, and with nothing else, so that members whose digests overtake
    /// each other do not answer answers without end.
    HaveToo(Digest),
    /// The sequencer's numbers: these messages have the numbers from `first` on.
    Numbers {
        /// The number of the first; the first of all is 0.
        first: u64,
        /// The messages.
        ids: Vec<MessageId>,
    },
    /// To the leader of the Raft group: append this to the sequence.
    Submit(Envelope),
    /// Between servers of the Raft group.
    #[hosts]
    Raft(raft::messages::Message<Sequence>),
}

/// The timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded, Hosts)]
pub enum Timer {
    /// A member tells the others what it has, or submits its messages to the leader again.
    Repair,
    /// A timer of a server of the Raft group.
    #[hosts]
    Raft(raft::settings::Timer),
}

/// An event of a member, as its disk has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// What happened.
    pub what: What,
    /// When, by its clocks.
    pub stamp: Stamp,
}

/// What can happen at a member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// It broadcasts a message.
    Broadcast(Envelope),
    /// It receives another's message.
    Receive(Envelope),
    /// It delivers a message.
    Deliver(MessageId),
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash, Hosts)]
pub enum Record {
    /// An event.
    Event(Event),
    /// The next number is that of this message.
    Number(MessageId),
    /// Of the Raft group's server.
    #[hosts]
    Raft(raft::record::Record<Sequence>),
}
