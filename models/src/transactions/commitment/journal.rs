//! What a node has voted and decided since it last started: what the properties read.
//!
//! An entry is made when what it says can no longer be forgotten: a vote is cast and a decision is reached when its
//! record is on stable storage (the book, section 7.4: the distributed transaction log).

use std::collections::VecDeque;

use seedbed_sim::{Context, NodeId, Process};
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
    /// Something did not come in time. Where nothing else failed, the network was slower than the protocol expects.
    TimedOut,
}

/// What a node has voted and decided since it last started, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Journal {
    entries: Vec<Entry>,
    /// Each is entered as soon as the write with this number is durable.
    pending: VecDeque<(u64, Entry)>,
}

impl Journal {
    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Enters something now, because it follows from what is durable here or elsewhere.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Enters something once all that was written up to now is durable. A crash before that is as if it had not been.
    pub fn push_when_durable<P: Process>(&mut self, ctx: &Context<'_, P>, entry: Entry) {
        if ctx.written() <= ctx.durable_to() {
            self.entries.push(entry);
        } else {
            self.pending.push_back((ctx.written(), entry));
        }
    }

    /// Whether something about a transaction waits for the disk.
    pub fn is_pending(&self, of: TxId) -> bool {
        self.pending.iter().any(|(_, entry)| entry.tx() == Some(of))
    }

    /// To be called from [`Process::synced`].
    pub fn synced<P: Process>(&mut self, ctx: &Context<'_, P>) {
        let durable = self.pending.iter().take_while(|(written, _)| *written <= ctx.durable_to()).count();
        self.entries.extend(self.pending.drain(..durable).map(|(_, entry)| entry));
    }
}

impl Entry {
    /// The transaction that it is about.
    pub fn tx(&self) -> Option<TxId> {
        match self {
            Entry::Began(tx, _) | Entry::Voted(tx, _) | Entry::Decided(tx, _) => Some(*tx),
            Entry::TimedOut => None,
        }
    }
}
