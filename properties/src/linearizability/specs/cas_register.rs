//! A register with compare-and-set.

use std::fmt::Debug;
use std::hash::Hash;

use crate::linearizability::gibbons_korach::{self, UniqueWrites};
use crate::linearizability::specification::{Decider, Specification, Step};

/// A register of values of type `V` that can be read, written, and set if it holds what one expects.
#[derive(Clone, Debug)]
pub struct CasRegister<V> {
    initial: V,
}

impl<V> CasRegister<V> {
    /// A register that first holds `initial`.
    pub fn new(initial: V) -> Self {
        CasRegister { initial }
    }
}

/// What one may ask of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<V> {
    /// What does it hold?
    Read,
    /// Let it hold this.
    Write(V),
    /// If it holds the first, let it hold the second.
    Cas(V, V),
}

/// What it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<V> {
    /// To a read: this.
    Value(V),
    /// To a write.
    Written,
    /// To a compare-and-set: whether it held what was expected.
    Swapped(bool),
}

impl<V: Clone + Debug + Ord + Hash> Specification for CasRegister<V> {
    type State = V;
    type Op = Access<V>;
    type Ret = Answer<V>;
    type Undo = V;
    type Key = ();

    fn initial(&self) -> V {
        self.initial.clone()
    }

    fn apply(&self, state: &mut V, op: &Access<V>, ret: Option<&Answer<V>>) -> Step<V> {
        match (op, ret) {
            (Access::Read, None) => Step::Same,
            (Access::Read, Some(Answer::Value(read))) => Step::same(read == state),
            (Access::Write(new), None | Some(Answer::Written)) => Step::Changed(std::mem::replace(state, new.clone())),
            (Access::Cas(expected, new), None | Some(Answer::Swapped(true))) if expected == state => {
                Step::Changed(std::mem::replace(state, new.clone()))
            }
            (Access::Cas(expected, _), None | Some(Answer::Swapped(false))) => Step::same(expected != state),
            _ => Step::Illegal,
        }
    }

    fn undo(&self, state: &mut V, _: &Access<V>, old: V) {
        *state = old;
    }

    fn read_only(&self, op: &Access<V>, ret: Option<&Answer<V>>) -> bool {
        match op {
            Access::Read => true,
            Access::Write(_) => false,
            Access::Cas(..) => ret == Some(&Answer::Swapped(false)),
        }
    }

    fn attainable<'a>(
        &self,
        state: &V,
        op: &Access<V>,
        ret: Option<&Answer<V>>,
        mut means: impl Iterator<Item = &'a Access<V>>,
    ) -> bool
    where
        V: 'a,
    {
        let sets = |op: &'a Access<V>| match op {
            Access::Read => None,
            Access::Write(v) | Access::Cas(_, v) => Some(v),
        };
        match (op, ret) {
            (Access::Read, Some(Answer::Value(v))) | (Access::Cas(v, _), Some(Answer::Swapped(true))) => {
                v == state || means.any(|op| sets(op) == Some(v))
            }
            (Access::Cas(v, _), Some(Answer::Swapped(false))) => {
                v != state || means.any(|op| sets(op).is_some_and(|set| set != v))
            }
            _ => true,
        }
    }

    fn answer_matters(&self, op: &Access<V>, ret: Option<&Answer<V>>) -> bool {
        !matches!((op, ret), (Access::Read, _) | (Access::Write(_), None | Some(Answer::Written)))
    }

    fn decider<'a>(&'a self, operations: &[(&'a Access<V>, Option<&'a Answer<V>>)]) -> Option<Box<dyn Decider + 'a>> {
        let accesses = operations.iter().map(|operation| match operation {
            (Access::Write(v), None | Some(Answer::Written)) => Some(gibbons_korach::Access::Write(v)),
            (Access::Read, Some(Answer::Value(v))) => Some(gibbons_korach::Access::Read(v)),
            (Access::Read, None) => Some(gibbons_korach::Access::BlindRead),
            _ => None,
        });
        let accesses = accesses.collect::<Option<Vec<_>>>()?;
        Some(Box::new(UniqueWrites::new(&self.initial, accesses)?))
    }
}
