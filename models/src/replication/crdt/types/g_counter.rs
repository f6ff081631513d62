//! G-Counter: a counter that only grows ("G-Counter" in Shapiro and others, INRIA report 7506, 2011). One number a
//! replica; the value is their sum.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::replication::crdt::clock::{ReplicaId, Stamp};
use crate::replication::crdt::context::Context;
use crate::replication::crdt::style::{DeltaBased, Lattice, OperationBased, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{CounterOp, Value};

/// How much each replica has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GCounter(pub BTreeMap<ReplicaId, u64>);

impl GCounter {
    /// The state in which one replica has counted this, and no other anything.
    pub fn of(replica: ReplicaId, count: u64) -> Self {
        GCounter(BTreeMap::from([(replica, count)]))
    }

    /// What a replica has counted.
    pub fn get(&self, replica: &ReplicaId) -> u64 {
        self.0.get(replica).copied().unwrap_or(0)
    }

    /// What all have counted.
    pub fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    /// The delta of counting on.
    pub fn counted(&self, replica: ReplicaId, by: u8) -> Self {
        GCounter::of(replica, self.get(&replica) + u64::from(by))
    }
}

impl Lattice for GCounter {
    fn join(&mut self, other: &Self) {
        for (replica, count) in &other.0 {
            let mine = self.0.entry(*replica).or_insert(0);
            *mine = (*mine).max(*count);
        }
    }
}

impl DeltaBased for GCounter {
    type Update = CounterOp;

    fn delta(&self, update: &CounterOp, stamp: &Stamp) -> Option<Self> {
        match update {
            CounterOp::Increment(by) => Some(self.counted(stamp.dot.replica, *by)),
            CounterOp::Decrement(_) | CounterOp::Grant { .. } => None,
        }
    }

    fn value(&self) -> Value {
        Value::Number(self.sum() as i64)
    }

    fn weight(&self) -> Weight {
        Weight { live: self.0.len(), ..Weight::default() }
    }
}

/// The operation-based form is a number: each increment is added once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally(u64);

impl OperationBased for Tally {
    type Update = CounterOp;
    type Effect = u8;

    fn prepare(&self, update: &CounterOp, _: &Stamp) -> Option<u8> {
        match update {
            CounterOp::Increment(by) => Some(*by),
            CounterOp::Decrement(_) | CounterOp::Grant { .. } => None,
        }
    }

    fn effect(&mut self, by: &u8, _: &Context) {
        self.0 += u64::from(*by);
    }

    fn value(&self) -> Value {
        Value::Number(self.0 as i64)
    }

    fn weight(&self) -> Weight {
        Weight { live: 1, ..Weight::default() }
    }
}

impl DataType for GCounter {
    type Update = CounterOp;
    type State = GCounter;
    type Payload = Tally;

    fn updates(_: u16) -> BoxedStrategy<CounterOp> {
        (1u8..10).prop_map(CounterOp::Increment).boxed()
    }
}
