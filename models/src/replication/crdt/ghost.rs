//! What properties know of a run and no replica looks at: which updates a state contains, and what was done to it.
//!
//! These are auxiliary variables (Owicki and Gries 1976): messages carry [`Updates`] beside the states that they bring,
//! so that "what was delivered to this replica" does not depend on the dots, vectors and sequence numbers that are to
//! be judged.

use std::fmt;

use seedbed_sim::OpId;

use crate::replication::crdt::clock::{Dot, ReplicaId, Stamp};
use crate::replication::crdt::vocabulary::Op;

/// A set of updates, by the operations that they are.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Updates {
    /// A bit an operation; no zero at the end.
    bits: Vec<u64>,
}

impl Updates {
    /// Whether an update is in it.
    pub fn contains(&self, op: OpId) -> bool {
        let word = self.bits.get((op.0 / 64) as usize).copied().unwrap_or(0);
        word >> (op.0 % 64) & 1 == 1
    }

    /// Adds an update.
    pub fn insert(&mut self, op: OpId) {
        let word = (op.0 / 64) as usize;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (op.0 % 64);
    }

    /// Adds all updates of another set.
    pub fn join(&mut self, other: &Updates) {
        if self.bits.len() < other.bits.len() {
            self.bits.resize(other.bits.len(), 0);
        }
        self.bits.iter_mut().zip(&other.bits).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Whether all updates of another set are in it.
    pub fn includes(&self, other: &Updates) -> bool {
        other.bits.iter().enumerate().all(|(n, bits)| self.bits.get(n).copied().unwrap_or(0) & bits == *bits)
    }

    /// Its updates, ascending.
    pub fn iter(&self) -> impl Iterator<Item = OpId> + '_ {
        let ops = (0..self.bits.len() as u64 * 64).map(OpId);
        ops.filter(|op| self.contains(*op))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|op| op.0)).finish()
    }
}

/// What a replica did, in this life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// It made an update.
    Made {
        /// Which operation that is.
        op: OpId,
        /// What was asked.
        update: Op,
        /// What it calls it.
        stamp: Stamp,
        /// Which updates it had.
        sees: Updates,
    },
    /// It refused an update.
    Refused {
        /// Which operation that is.
        op: OpId,
        /// What was asked.
        update: Op,
    },
    /// It joined what another replica sent with its own.
    Joined {
        /// Who sent it.
        from: ReplicaId,
        /// Which updates the sender had.
        had: Updates,
    },
    /// It applied an operation.
    Applied(OpId),
    /// It went on from all that another had, or from nothing.
    WentOn,
    /// It forgot tombstones, or messages that it kept for others, of these updates.
    Forgot(Vec<Dot>),
}

/// A replica's journal of this life, and the updates that its state contains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// What it did, oldest first.
    pub journal: Vec<Entry>,
    /// The updates that its state contains.
    pub seen: Updates,
}

impl Ghost {
    /// The replica makes an update.
    pub fn made(&mut self, op: OpId, update: &Op, stamp: &Stamp) {
        self.journal.push(Entry::Made { op, update: update.clone(), stamp: *stamp, sees: self.seen.clone() });
        self.seen.insert(op);
    }

    /// The replica refuses an update.
    pub fn refused(&mut self, op: OpId, update: &Op) {
        self.journal.push(Entry::Refused { op, update: update.clone() });
    }

    /// The replica applies an operation.
    pub fn applied(&mut self, op: OpId) {
        self.journal.push(Entry::Applied(op));
        self.seen.insert(op);
    }

    /// The replica joins what another sent.
    pub fn joined(&mut self, from: ReplicaId, had: &Updates) {
        self.journal.push(Entry::Joined { from, had: had.clone() });
        self.seen.join(had);
    }

    /// The replica drops all that it was given.
    pub fn started_again(&mut self) {
        self.journal.push(Entry::WentOn);
        self.seen = Updates::default();
    }

    /// The replica goes on from what another had.
    pub fn went_on_from(&mut self, had: &Updates) {
        self.journal.push(Entry::WentOn);
        self.seen.join(had);
    }
}
