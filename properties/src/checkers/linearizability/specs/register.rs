//! A register: reads return what was written last.

use std::fmt::Debug;
use std::hash::Hash;

use super::cas_register;
use super::cell::{Cell, Dialect};

/// A register of values of type `V`.
pub type Register<V> = Cell<V, ReadWrite>;

/// Reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct ReadWrite;

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
