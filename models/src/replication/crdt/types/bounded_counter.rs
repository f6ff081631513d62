//! Bounded counter: never below zero, though nobody asks anybody (Balegas and others, "Extending Eventually Consistent
//! Cloud Databases for Enforcing Numeric Invariants", SRDS 2015). Whoever counts up has the right to count down as far;
//! rights can be granted to others, and a replica counts down only by rights that it holds.
//!
//! Rights of a replica that is gone are gone with it, and so are those of one that goes by another name.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedbed_sim::NodeId;

use crate::replication::crdt::clock::{ReplicaId, Stamp};
use crate::replication::crdt::context::Context;
use crate::replication::crdt::style::{DeltaBased, Lattice, OperationBased, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::types::g_counter::GCounter;
use crate::replication::crdt::vocabulary::{CounterOp, Value};

/// The matrix R and the vector U of the paper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BoundedCounter {
    /// `R[i][j]`: the rights that i has granted to j; those to itself it got by counting up.
    pub rights: BTreeMap<(ReplicaId, ReplicaId), u64>,
    /// U: the rights that each has used by counting down.
    pub used: GCounter,
}

impl BoundedCounter {
    /// The rights that a replica holds: granted to it, by itself and others, less granted by it to others, less used.
    ///
    /// # Panics
    /// If it has given away or used what it did not have.
    pub fn rights_of(&self, replica: ReplicaId) -> u64 {
        let mut held = 0;
        let mut gone = self.used.get(&replica);
        for ((from, to), rights) in &self.rights {
            held += if *to == replica { *rights } else { 0 };
            gone += if *from == replica && *to != replica { *rights } else { 0 };
        }
        assert!(held >= gone, "a replica has used rights that it did not hold: {replica:?} in {self:?}");
        held - gone
    }

    fn granted(&self, from: ReplicaId, to: ReplicaId) -> u64 {
        self.rights.get(&(from, to)).copied().unwrap_or(0)
    }

    fn sum(&self) -> i64 {
        let made: u64 = self.rights.iter().filter(|((from, to), _)| from == to).map(|(_, rights)| rights).sum();
        made as i64 - self.used.sum() as i64
    }
}

impl Lattice for BoundedCounter {
    fn join(&mut self, other: &Self) {
        for (pair, rights) in &other.rights {
            let mine = self.rights.entry(*pair).or_insert(0);
            *mine = (*mine).max(*rights);
        }
        self.used.join(&other.used);
    }
}

impl DeltaBased for BoundedCounter {
    type Update = CounterOp;

    fn delta(&self, update: &CounterOp, stamp: &Stamp) -> Option<Self> {
        Some(match self.prepare(update, stamp)? {
            Change::Granted { from, to, rights } => {
                let rights = self.granted(from, to) + u64::from(rights);
                BoundedCounter { rights: BTreeMap::from([((from, to), rights)]), ..BoundedCounter::default() }
            }
            Change::Used { by, rights } => {
                BoundedCounter { used: self.used.counted(by, rights), ..BoundedCounter::default() }
            }
        })
    }

    fn value(&self) -> Value {
        Value::Number(self.sum())
    }

    fn weight(&self) -> Weight {
        Weight { live: self.rights.len() + self.used.0.len(), ..Weight::default() }
    }
}

/// What an update does to the rights.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Somebody has more.
    Granted {
        /// Who had them, or has made them.
        from: ReplicaId,
        /// Who has them now.
        to: ReplicaId,
        /// How many.
        rights: u8,
    },
    /// Somebody has fewer.
    Used {
        /// Who.
        by: ReplicaId,
        /// How many.
        rights: u8,
    },
}

/// The operation-based form keeps the same books, and adds to them.
impl OperationBased for BoundedCounter {
    type Update = CounterOp;
    type Effect = Change;

    fn prepare(&self, update: &CounterOp, stamp: &Stamp) -> Option<Change> {
        let me = stamp.dot.replica;
        let held = |rights: u8| self.rights_of(me) >= u64::from(rights);
        match *update {
            CounterOp::Increment(by) => Some(Change::Granted { from: me, to: me, rights: by }),
            CounterOp::Decrement(by) => held(by).then_some(Change::Used { by: me, rights: by }),
            CounterOp::Grant { rights, .. } => {
                let to = stamp.addressee.filter(|to| *to != me)?;
                held(rights).then_some(Change::Granted { from: me, to, rights })
            }
        }
    }

    fn effect(&mut self, effect: &Change, _: &Context) {
        match *effect {
            Change::Granted { from, to, rights } => {
                *self.rights.entry((from, to)).or_insert(0) += u64::from(rights);
            }
            Change::Used { by, rights } => *self.used.0.entry(by).or_insert(0) += u64::from(rights),
        }
    }

    fn value(&self) -> Value {
        DeltaBased::value(self)
    }

    fn weight(&self) -> Weight {
        DeltaBased::weight(self)
    }
}

impl DataType for BoundedCounter {
    type Update = CounterOp;
    type State = BoundedCounter;
    type Payload = BoundedCounter;

    fn updates(replicas: u16) -> BoxedStrategy<CounterOp> {
        let grant = (0..replicas, 1u8..6).prop_map(|(to, rights)| CounterOp::Grant { to: NodeId(to), rights });
        prop_oneof![
            3 => (1u8..10).prop_map(CounterOp::Increment),
            4 => (1u8..10).prop_map(CounterOp::Decrement),
            2 => grant,
        ]
        .boxed()
    }
}
