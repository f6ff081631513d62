//! A register: reads return the last value written.

use std::fmt::Debug;
use std::hash::Hash;

use super::cas_register;
use super::cell::{Cell, Dialect};

/// A register of values of type `V`.
pub type Register<V> = Cell<V, ReadWrite>;

/// The operations of a register: reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct ReadWrite;

/// An operation of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<V> {
    /// Returns the value.
    Read,
    /// Sets the value.
    Write(V),
}

/// The answer of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<V> {
    /// To a read: the value.
    Value(V),
    /// To a write.
    Written,
}

impl<V: Clone + Debug + Ord + Hash> Dialect<V> for ReadWrite {
    type Access = Access<V>;
    type Answer = Answer<V>;

    fn access(op: &Access<V>) -> cas_register::Access<&V> {
        match op {
            Access::Read => cas_register::Access::Read,
            Access::Write(v) => cas_register::Access::Write(v),
        }
    }

    fn answer(ret: &Answer<V>) -> cas_register::Answer<&V> {
        match ret {
            Answer::Value(v) => cas_register::Answer::Value(v),
            Answer::Written => cas_register::Answer::Written,
        }
    }

    fn value(value: V) -> Answer<V> {
        Answer::Value(value)
    }

    fn done(swapped: Option<bool>) -> Answer<V> {
        assert_eq!(swapped, None, "a plain register has no compare-and-set: it answered one");
        Answer::Written
    }
}
