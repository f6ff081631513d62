//! OR-Map: a map from keys to add-wins sets, all in one context (the map of Almeida, Shoker and Baquero 2018, "Causal
//! CRDTs"). Removing a key removes what was seen under it; what is added there at the same time stays, and the key with
//! it.

use std::collections::BTreeMap;

use crate::replication::crdt::clock::Dot;
use crate::replication::crdt::dots::{Causal, CausalType, Change, DotMap, DotSet, Observed};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::types::aw_set::AwSet;
use crate::replication::crdt::vocabulary::{Item, Key, MapOp, SetOp, Value};

/// A set a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrMap;

impl CausalType for OrMap {
    type Store = DotMap<Key, DotMap<Item, DotSet>>;
    type Update = MapOp;

    fn change(store: &Self::Store, update: &MapOp, dot: Dot) -> Option<Change<Self::Store>> {
        let (key, update) = match update {
            MapOp::Add(key, item) => (key, SetOp::Add(*item)),
            MapOp::Drop(key, item) => (key, SetOp::Remove(*item)),
            MapOp::Remove(key) => return Some(Change { removes: store.dots_of(key), adds: DotMap::default() }),
        };
        let nothing = DotMap::default();
        let Change { removes, adds } = AwSet::change(store.0.get(key).unwrap_or(&nothing), &update, dot)?;
        let adds = if adds.0.is_empty() { DotMap::default() } else { DotMap([(*key, adds)].into()) };
        Some(Change { removes, adds })
    }

    fn value(store: &Self::Store) -> Value {
        let sets = store.0.iter().map(|(key, set)| (*key, set.0.keys().copied().collect()));
        Value::Keyed(sets.collect::<BTreeMap<_, _>>())
    }

    fn entries(store: &Self::Store) -> (usize, usize) {
        (store.0.values().map(|set| set.0.len()).sum(), 0)
    }
}

impl DataType for OrMap {
    type Update = MapOp;
    type State = Causal<OrMap>;
    type Payload = Observed<OrMap>;
}
