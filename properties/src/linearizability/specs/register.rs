//! A register: reads return what was written last.

use std::fmt::Debug;
use std::hash::Hash;

use crate::linearizability::gibbons_korach::{self, UniqueWrites};
use crate::linearizability::specification::{Decider, Specification, Step};

/// A register of values of type `V`.
#[derive(Clone, Debug)]
pub struct Register<V> {
    initial: V,
}

impl<V> Register<V> {
    /// A register that first holds `initial`.
    pub fn new(initial: V) -> Self {
        Register { initial }
    }
}

/// What one may ask of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<V> {
    /// What does it hold?
    Read,
    /// Let it hold this.
    Write(V),
}

/// What a register answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<V> {
    /// To a read: this.
    Value(V),
    /// To a write.
    Written,
}

impl<V: Clone + Debug + Ord + Hash> Specification for Register<V> {
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
            _ => Step::Illegal,
        }
    }

    fn undo(&self, state: &mut V, _: &Access<V>, old: V) {
        *state = old;
    }

    fn read_only(&self, op: &Access<V>, _: Option<&Answer<V>>) -> bool {
        matches!(op, Access::Read)
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
        match (op, ret) {
            (Access::Read, Some(Answer::Value(read))) => {
                read == state || means.any(|op| matches!(op, Access::Write(written) if written == read))
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
