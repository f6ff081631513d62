//! What a node votes and decides: what the properties read.

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

use crate::transactions::TxId;

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// All of it takes effect.
    Commit,
    /// Nothing of it takes effect.
    Abort,
}

/// A participant's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// It can do either, now and after any crash.
    Yes,
    /// It has aborted.
    No,
    /// Yes, and it does not matter to it what is decided, for it changes nothing (Mohan et al., section 3.1).
    ReadOnly,
}

/// Something that a node did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A coordinator asks for the votes of these participants.
    Began(TxId, Vec<NodeId>),
    /// A participant votes.
    Voted(TxId, Vote),
    /// A decision is reached, or learnt.
    Decided(TxId, Decision),
    /// Something of this transaction did not come in time. Where nothing else failed, the network was slower than the protocol
    /// expects.
    TimedOut(TxId),
}

/// What a node has voted and decided since it last started: a vote is cast and a decision is reached when its record is on
/// stable storage.
pub type Journal = crate::transactions::journal::Journal<Entry>;

impl Entry {
    /// The transaction that it is about.
    pub fn tx(&self) -> TxId {
        match self {
            Entry::Began(tx, _) | Entry::Voted(tx, _) | Entry::Decided(tx, _) | Entry::TimedOut(tx) => *tx,
        }
    }
}
