//! 2P-Set: what was removed once can never be added again ("2P-Set" in Shapiro and others, INRIA report 7506, 2011). A
//! G-Set of what was added and one of what was removed; the tombstones are what the type means, so no causal stability
//! lets them go.

use crate::replication::crdt::clock::Stamp;
use crate::replication::crdt::style::{DeltaBased, Forgets, Joined, Lattice, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::types::g_set::GSet;
use crate::replication::crdt::vocabulary::{SetOp, Value};

/// What was added, and what of it was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TwoPhaseSet {
    /// A.
    pub added: GSet,
    /// R.
    pub removed: GSet,
}

impl Lattice for TwoPhaseSet {
    fn join(&mut self, other: &Self) {
        self.added.join(&other.added);
        self.removed.join(&other.removed);
    }
}

impl DeltaBased for TwoPhaseSet {
    type Update = SetOp;

    /// A removal has the precondition that the item is there.
    fn delta(&self, update: &SetOp, _: &Stamp) -> Option<Self> {
        let one = |item: &_| GSet([*item].into());
        match update {
            SetOp::Add(item) => Some(TwoPhaseSet { added: one(item), ..TwoPhaseSet::default() }),
            SetOp::Remove(item) => {
                let there = self.added.0.contains(item) && !self.removed.0.contains(item);
                there.then(|| TwoPhaseSet { removed: one(item), ..TwoPhaseSet::default() })
            }
        }
    }

    fn value(&self) -> Value {
        Value::Items(self.added.0.difference(&self.removed.0).copied().collect())
    }

    fn weight(&self) -> Weight {
        let live = self.added.0.difference(&self.removed.0).count();
        Weight { live, tombstones: self.removed.0.len(), dots: 0 }
    }
}

impl Forgets for TwoPhaseSet {}

impl DataType for TwoPhaseSet {
    type Update = SetOp;
    type State = TwoPhaseSet;
    type Payload = Joined<TwoPhaseSet>;
}
