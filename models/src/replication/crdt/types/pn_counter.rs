//! PN-Counter: a counter that goes up and down ("PN-Counter" in Shapiro and others, INRIA report 7506, 2011). Two
//! G-Counters, for those who count up and for those who count down.

use crate::replication::crdt::clock::Stamp;
use crate::replication::crdt::context::Context;
use crate::replication::crdt::style::{DeltaBased, Lattice, OperationBased, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::types::g_counter::GCounter;
use crate::replication::crdt::vocabulary::{CounterOp, Value};

/// What was counted up, and what was counted down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PnCounter {
    /// Up.
    pub up: GCounter,
    /// Down.
    pub down: GCounter,
}

impl Lattice for PnCounter {
    fn join(&mut self, other: &Self) {
        self.up.join(&other.up);
        self.down.join(&other.down);
    }
}

impl DeltaBased for PnCounter {
    type Update = CounterOp;

    fn delta(&self, update: &CounterOp, stamp: &Stamp) -> Option<Self> {
        let me = stamp.dot.replica;
        match update {
            CounterOp::Increment(by) => Some(PnCounter { up: self.up.counted(me, *by), ..PnCounter::default() }),
            CounterOp::Decrement(by) => Some(PnCounter { down: self.down.counted(me, *by), ..PnCounter::default() }),
            CounterOp::Grant { .. } => None,
        }
    }

    fn value(&self) -> Value {
        Value::Number(self.up.sum() as i64 - self.down.sum() as i64)
    }

    fn weight(&self) -> Weight {
        Weight { live: self.up.0.len() + self.down.0.len(), ..Weight::default() }
    }
}

/// The operation-based form is a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Balance(i64);

impl OperationBased for Balance {
    type Update = CounterOp;
    type Effect = i64;

    fn prepare(&self, update: &CounterOp, _: &Stamp) -> Option<i64> {
        match update {
            CounterOp::Increment(by) => Some(i64::from(*by)),
            CounterOp::Decrement(by) => Some(-i64::from(*by)),
            CounterOp::Grant { .. } => None,
        }
    }

    fn effect(&mut self, by: &i64, _: &Context) {
        self.0 += by;
    }

    fn value(&self) -> Value {
        Value::Number(self.0)
    }

    fn weight(&self) -> Weight {
        Weight { live: 1, ..Weight::default() }
    }
}

impl DataType for PnCounter {
    type Update = CounterOp;
    type State = PnCounter;
    type Payload = Balance;
}
