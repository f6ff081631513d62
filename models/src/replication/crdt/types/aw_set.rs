//! Add-wins OR-Set without tombstones (Bieniusa and others, "An optimized conflict-free replicated set", 2012; AWORSet
//! in Almeida, Shoker and Baquero 2018). A removal takes away the dots that it has seen; an addition that it
//! has not seen stays.

use crate::replication::crdt::clock::Dot;
use crate::replication::crdt::dots::{Causal, CausalType, Change, DotMap, DotSet, Observed};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{Item, SetOp, Value};

/// For each item the additions that nobody has removed or repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AwSet;

impl CausalType for AwSet {
    type Store = DotMap<Item, DotSet>;
    type Update = SetOp;

    fn change(store: &Self::Store, update: &SetOp, dot: Dot) -> Option<Change<Self::Store>> {
        let (item, adds) = match update {
            SetOp::Add(item) => (item, DotMap([(*item, DotSet([dot].into()))].into())),
            SetOp::Remove(item) => (item, DotMap::default()),
        };
        Some(Change { removes: store.dots_of(item), adds })
    }

    fn value(store: &Self::Store) -> Value {
        Value::Items(store.0.keys().copied().collect())
    }

    fn entries(store: &Self::Store) -> (usize, usize) {
        (store.0.len(), 0)
    }
}

impl DataType for AwSet {
    type Update = SetOp;
    type State = Causal<AwSet>;
    type Payload = Observed<AwSet>;
}
