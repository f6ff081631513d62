//! Remove-wins OR-Set (the remove-wins set of Almeida, Shoker and Baquero 2018, "Causal CRDTs"): additions and removals
//! both leave a dot and take away those that they have seen. An item is in the set if only additions are left.

use crate::replication::crdt::clock::Dot;
use crate::replication::crdt::context::Context;
use crate::replication::crdt::dots::{Causal, CausalType, Change, DotFun, DotMap, DotStore, Observed};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{Item, SetOp, Value};

/// For each item what was done with it and not since been seen by another who did something with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RwSet;

/// Additions are true, removals false.
pub(crate) type Ballot = DotFun<bool>;

/// Whether there is an addition and no removal.
pub(crate) fn carried(ballot: &Ballot) -> bool {
    !ballot.is_empty() && ballot.0.values().all(|added| *added)
}

/// Forgets a ballot that is lost and of which everybody knows. Whoever adds later has seen it, forgotten or not, and
/// takes it away where it is still kept ([`CausalType::supersede`]).
pub(crate) fn forget(ballot: &mut Ballot, stable: &Context, forgotten: &mut Vec<Dot>) {
    if !carried(ballot) && ballot.0.keys().all(|dot| stable.contains(dot)) {
        forgotten.extend(ballot.0.keys());
        ballot.0.clear();
    }
}

impl CausalType for RwSet {
    type Store = DotMap<Item, Ballot>;
    type Update = SetOp;

    fn change(store: &Self::Store, update: &SetOp, dot: Dot) -> Option<Change<Self::Store>> {
        let (item, added) = match update {
            SetOp::Add(item) => (item, true),
            SetOp::Remove(item) => (item, false),
        };
        let adds = DotMap([(*item, DotFun([(dot, added)].into()))].into());
        Some(Change { removes: store.dots_of(item), adds })
    }

    fn value(store: &Self::Store) -> Value {
        Value::Items(store.0.iter().filter(|(_, ballot)| carried(ballot)).map(|(item, _)| *item).collect())
    }

    fn entries(store: &Self::Store) -> (usize, usize) {
        let live = store.0.values().filter(|ballot| carried(ballot)).count();
        (live, store.0.len() - live)
    }

    fn supersede(store: &mut Self::Store, adds: &Self::Store, after: &Context) {
        for item in adds.0.keys() {
            if let Some(ballot) = store.0.get_mut(item) {
                ballot.0.retain(|dot, _| !after.contains(dot));
            }
        }
    }

    fn forget(store: &mut Self::Store, stable: &Context) -> Vec<Dot> {
        let mut forgotten = Vec::new();
        store.0.values_mut().for_each(|ballot| forget(ballot, stable, &mut forgotten));
        store.0.retain(|_, ballot| !ballot.is_empty());
        forgotten
    }
}

impl DataType for RwSet {
    type Update = SetOp;
    type State = Causal<RwSet>;
    type Payload = Observed<RwSet>;
}
