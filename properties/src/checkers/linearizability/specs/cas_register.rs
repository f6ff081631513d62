//! A register with compare-and-set.

use std::fmt::Debug;
use std::hash::Hash;

use super::cell::{Cell, Dialect};

/// A register of values of type `V` with read, write and compare-and-set.
pub type CasRegister<V> = Cell<V, WithCas>;

/// The operations of a register with compare-and-set.
#[derive(Clone, Copy, Debug)]
pub struct WithCas;

/// An operation of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<V> {
    /// Returns the value.
    Read,
    /// Sets the value.
    Write(V),
    /// Sets the value to the second if it is the first.
    Cas(V, V),
}

/// The answer of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<V> {
    /// To a read: the value.
    Value(V),
    /// To a write.
    Written,
    /// To a compare-and-set: whether the expected value was found.
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
