//! A register with compare-and-set.

use std::fmt::Debug;
use std::hash::Hash;

use super::cell::{Cell, Dialect};

/// A register of values of type `V` that can be read, written, and set if it holds what one expects.
pub type CasRegister<V> = Cell<V, WithCas>;

/// Reads, writes and compare-and-set.
#[derive(Clone, Copy, Debug)]
pub struct WithCas;

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

impl<V: Clone + Debug + Ord + Hash> Dialect<V> for WithCas {
    type Access = Access<V>;
    type Answer = Answer<V>;

    fn access(op: &Access<V>) -> Access<&V> {
        match op {
            Access::Read => Access::Read,
            Access::Write(v) => Access::Write(v),
            Access::Cas(expected, new) => Access::Cas(expected, new),
        }
    }

    fn answer(ret: &Answer<V>) -> Answer<&V> {
        match ret {
            Answer::Value(v) => Answer::Value(v),
            Answer::Written => Answer::Written,
            Answer::Swapped(swapped) => Answer::Swapped(*swapped),
        }
    }

    fn value(value: V) -> Answer<V> {
        Answer::Value(value)
    }

    fn done(swapped: Option<bool>) -> Answer<V> {
        swapped.map_or(Answer::Written, Answer::Swapped)
    }
}
