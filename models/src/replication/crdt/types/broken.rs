//! Types with a planted bug, each beside the type that it is taken for.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::replication::crdt::clock::Stamp;
use crate::replication::crdt::context::Context;
use crate::replication::crdt::dots::{Causal, DotMap, DotStore};
use crate::replication::crdt::style::{DeltaBased, Lattice, OperationBased, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::types::aw_set::AwSet;
use crate::replication::crdt::types::g_counter::GCounter;
use crate::replication::crdt::vocabulary::{CounterOp, Item, SetOp, Value};

/// `merge-by-sum`: a G-Counter that joins by adding up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SummingCounter(GCounter);

impl Lattice for SummingCounter {
    fn join(&mut self, other: &Self) {
        for (replica, count) in &other.0.0 {
            *self.0.0.entry(*replica).or_insert(0) += count;
        }
    }
}

impl DeltaBased for SummingCounter {
    type Update = CounterOp;

    /// The delta is what is added, not what is then there.
    fn delta(&self, update: &CounterOp, stamp: &Stamp) -> Option<Self> {
        match update {
            CounterOp::Increment(by) => Some(SummingCounter(GCounter::of(stamp.dot.replica, u64::from(*by)))),
            CounterOp::Decrement(_) | CounterOp::Grant { .. } => None,
        }
    }

    fn value(&self) -> Value {
        DeltaBased::value(&self.0)
    }

    fn weight(&self) -> Weight {
        DeltaBased::weight(&self.0)
    }
}

impl DataType for SummingCounter {
    type Update = CounterOp;
    type State = SummingCounter;
    type Payload = super::g_counter::Tally;

    fn updates(replicas: u16) -> BoxedStrategy<CounterOp> {
        GCounter::updates(replicas)
    }
}

/// `remove-by-value`: an add-wins set whose removals take out the item, and not the additions that were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ForgetfulSet(<AwSet as crate::replication::crdt::dots::CausalType>::Store);

/// An effect of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ByValue {
    /// An addition, as it should be.
    Add(Causal<AwSet>),
    /// Whatever is there of this item.
    Remove(Item),
}

impl OperationBased for ForgetfulSet {
    type Update = SetOp;
    type Effect = ByValue;

    fn prepare(&self, update: &SetOp, stamp: &Stamp) -> Option<ByValue> {
        match update {
            SetOp::Add(item) => {
                let adds = DotMap([(*item, crate::replication::crdt::dots::DotSet([stamp.dot].into()))].into());
                Some(ByValue::Add(Causal::new(adds, [stamp.dot].into_iter().collect())))
            }
            SetOp::Remove(item) => Some(ByValue::Remove(*item)),
        }
    }

    fn effect(&mut self, effect: &ByValue, _: &Context) {
        match effect {
            ByValue::Add(Causal { store, context, .. }) => self.0.join(&Context::default(), store, context),
            ByValue::Remove(item) => _ = self.0.0.remove(item),
        }
    }

    fn value(&self) -> Value {
        Value::Items(self.0.0.keys().copied().collect::<BTreeSet<_>>())
    }

    fn weight(&self) -> Weight {
        Weight { live: self.0.0.len(), ..Weight::default() }
    }
}

/// Stands for the add-wins set in the operation-based style.
#[derive(Clone, Debug)]
pub struct RemoveByValue;

impl DataType for RemoveByValue {
    type Update = SetOp;
    type State = Causal<AwSet>;
    type Payload = ForgetfulSet;
}
