//! The common part of registers with and without compare-and-set.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use super::cas_register::{Access, Answer};
use crate::checkers::linearizability::gibbons_korach::{self, UniqueWrites};
use crate::checkers::linearizability::specification::{Decider, Specification, Step};

/// A register of values of type `V`; `D` defines its operations.
#[derive(Clone, Debug)]
pub struct Cell<V, D> {
    initial: V,
    dialect: PhantomData<fn() -> D>,
}

impl<V, D> Cell<V, D> {
    /// A register that first holds `initial`.
    pub fn new(initial: V) -> Self {
        Cell { initial, dialect: PhantomData }
    }
}

/// The operations of a register: a subset of [`Access`], with the same names.
pub trait Dialect<V>: Clone + Debug {
    /// Operations with their arguments.
    type Access: Clone + Debug + Ord + Hash;
    /// Answers to operations.
    type Answer: Clone + Debug + Ord + Hash;

    /// The operation as an [`Access`].
    fn access(op: &Self::Access) -> Access<&V>;
    /// The answer as one to an [`Access`].
    fn answer(ret: &Self::Answer) -> Answer<&V>;
    /// The answer to a read.
    fn value(value: V) -> Self::Answer;
    /// The answer to anything else: to a write, or whether a compare-and-set found what it expected.
    fn done(swapped: Option<bool>) -> Self::Answer;
}

impl<V: Clone + Debug + Ord + Hash, D: Dialect<V>> Specification for Cell<V, D> {
    type State = V;
    type Op = D::Access;
    type Ret = D::Answer;
    type Undo = V;
    type Key = ();

    fn initial(&self) -> V {
        self.initial.clone()
    }

    fn apply(&self, state: &mut V, op: &D::Access, ret: Option<&D::Answer>) -> Step<V> {
        match (D::access(op), ret.map(D::answer)) {
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

    fn undo(&self, state: &mut V, _: &D::Access, old: V) {
        *state = old;
    }

    fn answer(&self, state: &V, op: &D::Access) -> Option<D::Answer> {
        Some(match D::access(op) {
            Access::Read => D::value(state.clone()),
            Access::Write(_) => D::done(None),
            Access::Cas(expected, _) => D::done(Some(expected == state)),
        })
    }

    fn read_only(&self, op: &D::Access, ret: Option<&D::Answer>) -> bool {
        match D::access(op) {
            Access::Read => true,
            Access::Write(_) => false,
            Access::Cas(..) => ret.map(D::answer) == Some(Answer::Swapped(false)),
        }
    }

    fn attainable<'a>(
        &self,
        state: &V,
        op: &D::Access,
        ret: Option<&D::Answer>,
        mut means: impl Iterator<Item = &'a D::Access>,
    ) -> bool
    where
        Self: 'a,
    {
        let sets = |op: &'a D::Access| match D::access(op) {
            Access::Read => None,
            Access::Write(v) | Access::Cas(_, v) => Some(v),
        };
        match (D::access(op), ret.map(D::answer)) {
            (Access::Read, Some(Answer::Value(v))) | (Access::Cas(v, _), Some(Answer::Swapped(true))) => {
                v == state || means.any(|op| sets(op) == Some(v))
            }
            (Access::Cas(v, _), Some(Answer::Swapped(false))) => {
                v != state || means.any(|op| sets(op).is_some_and(|set| set != v))
            }
            _ => true,
        }
    }

    fn answer_matters(&self, op: &D::Access, ret: Option<&D::Answer>) -> bool {
        !matches!(
            (D::access(op), ret.map(D::answer)),
            (Access::Read, _) | (Access::Write(_), None | Some(Answer::Written))
        )
    }

    fn decider<'a>(&'a self, operations: &[(&'a D::Access, Option<&'a D::Answer>)]) -> Option<Box<dyn Decider + 'a>> {
        let accesses = operations.iter().map(|(op, ret)| match (D::access(op), ret.map(D::answer)) {
            (Access::Write(v), None | Some(Answer::Written)) => Some(gibbons_korach::Access::Write(v)),
            (Access::Read, Some(Answer::Value(v))) => Some(gibbons_korach::Access::Read(v)),
            (Access::Read, None) => Some(gibbons_korach::Access::BlindRead),
            _ => None,
        });
        let accesses = accesses.collect::<Option<Vec<_>>>()?;
        Some(Box::new(UniqueWrites::new(&self.initial, accesses)?))
    }
}
