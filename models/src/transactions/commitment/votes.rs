//! The votes that a coordinator collects in the first phase of every protocol.

use std::collections::BTreeSet;

use seedbed_sim::NodeId;

/// The votes on one transaction. One no is enough to abort, so that none is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Votes {
    missing: BTreeSet<NodeId>,
    yes: BTreeSet<NodeId>,
}

impl Votes {
    /// No votes yet of these participants.
    pub fn of(participants: impl IntoIterator<Item = NodeId>) -> Self {
        Votes { missing: participants.into_iter().collect(), yes: BTreeSet::new() }
    }

    /// A participant has voted yes. Ignored if its vote is not missing.
    pub fn yes(&mut self, from: NodeId) {
        if self.missing.remove(&from) {
            self.yes.insert(from);
        }
    }

    /// A participant has voted yes and need not be told the decision. Ignored if its vote is not missing.
    pub fn read_only(&mut self, from: NodeId) {
        self.missing.remove(&from);
    }

    /// A participant has voted no. Whether its vote was missing.
    pub fn no(&mut self, from: NodeId) -> bool {
        self.missing.remove(&from)
    }

    /// Whether all have voted, and none of them no.
    pub fn all_yes(&self) -> bool {
        self.missing.is_empty()
    }

    /// Whether some have voted and some have not.
    pub fn partial(&self) -> bool {
        !self.missing.is_empty() && !self.yes.is_empty()
    }

    /// Those that have to be told the decision: who has voted yes, and whose vote is missing. Who has voted no has aborted.
    pub fn to_be_told(&self) -> BTreeSet<NodeId> {
        self.yes.union(&self.missing).copied().collect()
    }
}
