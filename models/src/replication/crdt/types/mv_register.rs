//! Multi-value register: what was assigned and not overwritten by an assignment that has seen it (Shapiro and others,
//! INRIA report 7506, 2011; as a dot store in Almeida, Shoker and Baquero 2018).

use crate::replication::crdt::clock::Dot;
use crate::replication::crdt::dots::{Causal, CausalType, Change, DotFun, DotStore, Observed};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{Item, RegisterOp, Value};

/// The assignments that stand, side by side if they were concurrent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MvRegister;

impl CausalType for MvRegister {
    type Store = DotFun<Item>;
    type Update = RegisterOp;

    fn change(store: &Self::Store, RegisterOp::Assign(item): &RegisterOp, dot: Dot) -> Option<Change<Self::Store>> {
        Some(Change { removes: store.dots(), adds: DotFun([(dot, *item)].into()) })
    }

    fn value(store: &Self::Store) -> Value {
        Value::Items(store.0.values().copied().collect())
    }
}

impl DataType for MvRegister {
    type Update = RegisterOp;
    type State = Causal<MvRegister>;
    type Payload = Observed<MvRegister>;
}
