//! What a node has said and decided in this life, for those who watch.
//!
//! An entry is made when what it tells can no longer be forgotten: a vote is cast and a decision is reached when its
//! record is on stable storage (the book, section 7.4: the distributed transaction log).

use std::collections::VecDeque;

use seedbed_sim::{Context, NodeId, Process};

use crate::transactions::TxId;

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// All of it.
    Commit,
    /// Nothing of it.
    Abort,
}

/// A participant's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// A coordinator asks these participants for their votes.
    Began {
        /// On what.
        tx: TxId,
        /// Whose votes are needed.
        participants: Vec<NodeId>,
    },
    /// A participant votes.
    Voted {
        /// On what.
        tx: TxId,
        /// What.
        vote: Vote,
    },
    /// A decision is reached, or learnt.
    Decided {
        /// On what.
        tx: TxId,
        /// What.
        decision: Decision,
    },
    /// Something did not come in time. Where nothing else failed, the network was slower than the protocol expects.
    TimedOut,
}

/// What this life of a node has said and decided, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Journal {
    entries: Vec<Entry>,
    /// What is told as soon as the write with this number is durable.
    awaiting: VecDeque<(u64, Entry)>,
}

impl Journal {
    /// What was told so far.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Tells something now: it follows from what is durable here or elsewhere.
    pub fn tell(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Tells something once all that was written up to now is durable. A crash before that is as if it had not been.
    pub fn tell_when_durable<P: Process>(&mut self, ctx: &Context<'_, P>, entry: Entry) {
        match ctx.written() <= ctx.durable_to() {
            true => self.entries.push(entry),
            false => self.awaiting.push_back((ctx.written(), entry)),
        }
    }

    /// Whether something about a transaction waits for the disk.
    pub fn awaits(&self, of: TxId) -> bool {
        self.awaiting.iter().any(|(_, entry)| entry.tx() == Some(of))
    }

    /// To be called from [`Process::synced`].
    pub fn synced<P: Process>(&mut self, ctx: &Context<'_, P>) {
        while let Some((written, _)) = self.awaiting.front()
            && *written <= ctx.durable_to()
        {
            let (_, entry) = self.awaiting.pop_front().expect("there is a first");
            self.entries.push(entry);
        }
    }
}

impl Entry {
    /// The transaction it is about.
    pub fn tx(&self) -> Option<TxId> {
        match self {
            Entry::Began { tx, .. } | Entry::Voted { tx, .. } | Entry::Decided { tx, .. } => Some(*tx),
            Entry::TimedOut => None,
        }
    }
}
