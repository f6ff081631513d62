//! Flags: of an enabling and a disabling at once the one or the other wins (Almeida, Shoker and Baquero 2018, "Causal
//! CRDTs"). The enable-wins flag keeps the dots of enablings alone, the disable-wins flag is a remove-wins set of one
//! item.

use crate::replication::crdt::clock::Dot;
use crate::replication::crdt::context::Context;
use crate::replication::crdt::dots::{Causal, CausalType, Change, DotFun, DotSet, DotStore, Observed};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::types::rw_set::{self, Ballot};
use crate::replication::crdt::vocabulary::{FlagOp, Value};

/// Up, if some enabling was not seen by a disabling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EwFlag;

impl CausalType for EwFlag {
    type Store = DotSet;
    type Update = FlagOp;

    fn change(store: &DotSet, update: &FlagOp, dot: Dot) -> Option<Change<DotSet>> {
        let adds = match update {
            FlagOp::Enable => DotSet([dot].into()),
            FlagOp::Disable => DotSet::default(),
        };
        Some(Change { removes: store.dots(), adds })
    }

    fn value(store: &DotSet) -> Value {
        Value::Flag(!store.is_empty())
    }
}

impl DataType for EwFlag {
    type Update = FlagOp;
    type State = Causal<EwFlag>;
    type Payload = Observed<EwFlag>;
}

/// Up, if it was enabled and every disabling was seen by an enabling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DwFlag;

impl CausalType for DwFlag {
    type Store = Ballot;
    type Update = FlagOp;

    fn change(store: &Ballot, update: &FlagOp, dot: Dot) -> Option<Change<Ballot>> {
        Some(Change { removes: store.dots(), adds: DotFun([(dot, *update == FlagOp::Enable)].into()) })
    }

    fn value(store: &Ballot) -> Value {
        Value::Flag(rw_set::carried(store))
    }

    fn entries(store: &Ballot) -> (usize, usize) {
        if rw_set::carried(store) { (1, 0) } else { (0, store.0.len()) }
    }

    fn supersede(store: &mut Ballot, _: &Ballot, after: &Context) {
        store.0.retain(|dot, _| !after.contains(dot));
    }

    fn forget(store: &mut Ballot, stable: &Context) -> Vec<Dot> {
        let mut forgotten = Vec::new();
        rw_set::forget(store, stable, &mut forgotten);
        forgotten
    }
}

impl DataType for DwFlag {
    type Update = FlagOp;
    type State = Causal<DwFlag>;
    type Payload = Observed<DwFlag>;
}
