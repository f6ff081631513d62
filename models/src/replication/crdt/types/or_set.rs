//! OR-Set with tombstones, as it was first defined ("OR-Set" in Shapiro and others, INRIA report 7506, 2011): every
//! addition has a name, and a removal names the additions that it has seen, for ever. An addition that it has not seen
//! wins.

use std::collections::{BTreeMap, BTreeSet};

use crate::replication::crdt::clock::{Dot, Stamp};
use crate::replication::crdt::context::Context;
use crate::replication::crdt::style::{DeltaBased, Forgets, Joined, Lattice, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{Item, SetOp, Value};

/// All additions, and which of them were removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrSet {
    /// The additions, by name.
    pub added: BTreeMap<Dot, Item>,
    /// The tombstones: additions that were removed, and by which update; by the one of the least name, if by several.
    pub removed: BTreeMap<Dot, Dot>,
}

impl OrSet {
    fn there(&self) -> impl Iterator<Item = (Dot, Item)> + '_ {
        let there = self.added.iter().filter(|(dot, _)| !self.removed.contains_key(dot));
        there.map(|(dot, item)| (*dot, *item))
    }
}

impl Lattice for OrSet {
    fn join(&mut self, other: &Self) {
        self.added.extend(&other.added);
        for (dot, by) in &other.removed {
            let mine = self.removed.entry(*dot).or_insert(*by);
            *mine = (*mine).min(*by);
        }
    }
}

impl DeltaBased for OrSet {
    type Update = SetOp;

    fn delta(&self, update: &SetOp, stamp: &Stamp) -> Option<Self> {
        match update {
            SetOp::Add(item) => Some(OrSet { added: [(stamp.dot, *item)].into(), ..OrSet::default() }),
            SetOp::Remove(item) => {
                let seen: BTreeMap<_, _> =
                    self.there().filter(|(_, there)| there == item).map(|(dot, _)| (dot, stamp.dot)).collect();
                (!seen.is_empty()).then(|| OrSet { removed: seen, ..OrSet::default() })
            }
        }
    }

    fn value(&self) -> Value {
        Value::Items(self.there().map(|(_, item)| item).collect::<BTreeSet<_>>())
    }

    fn weight(&self) -> Weight {
        let dots = self.added.len() + self.removed.len();
        Weight { live: self.there().count(), tombstones: self.removed.len(), dots }
    }
}

impl Forgets for OrSet {
    /// An addition goes with its tombstone: nobody will hear of it again.
    fn forget(&mut self, stable: &Context) -> Vec<Dot> {
        let mut forgotten = BTreeSet::new();
        let added = &mut self.added;
        self.removed.retain(|dot, by| {
            let goes = stable.contains(by);
            if goes {
                added.remove(dot);
                forgotten.insert(*by);
            }
            !goes
        });
        forgotten.into_iter().collect()
    }
}

impl DataType for OrSet {
    type Update = SetOp;
    type State = OrSet;
    type Payload = Joined<OrSet>;
}
