//! G-Set: a set that only grows ("G-Set" in Shapiro and others, INRIA report 7506, 2011).

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::replication::crdt::clock::Stamp;
use crate::replication::crdt::style::{DeltaBased, Forgets, Joined, Lattice, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{Item, SetOp, Value};

/// What was added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GSet(pub BTreeSet<Item>);

impl Lattice for GSet {
    fn join(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }
}

impl DeltaBased for GSet {
    type Update = SetOp;

    fn delta(&self, update: &SetOp, _: &Stamp) -> Option<Self> {
        match update {
            SetOp::Add(item) => Some(GSet(BTreeSet::from([*item]))),
            SetOp::Remove(_) => None,
        }
    }

    fn value(&self) -> Value {
        Value::Items(self.0.clone())
    }

    fn weight(&self) -> Weight {
        Weight { live: self.0.len(), ..Weight::default() }
    }
}

impl Forgets for GSet {}

impl DataType for GSet {
    type Update = SetOp;
    type State = GSet;
    type Payload = Joined<GSet>;

    fn updates(_: u16) -> BoxedStrategy<SetOp> {
        (0u8..12).prop_map(SetOp::Add).boxed()
    }
}
