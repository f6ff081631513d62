//! A stack: last in, first out.

use std::fmt::Debug;
use std::hash::Hash;

use super::sequence::{Discipline, Sequence};

/// A stack of items of type `T`, empty at first.
pub type Stack<T> = Sequence<T, Lifo>;

/// Last in, first out.
#[derive(Clone, Copy, Debug)]
pub struct Lifo;

/// What one may ask of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request<T> {
    /// Put this on top.
    Push(T),
    /// Take what is on top.
    Pop,
}

/// What a stack answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<T> {
    /// To a push.
    Pushed,
    /// To a pop: this was on top, or the stack was empty.
    Popped(Option<T>),
}

impl<T: Clone + Debug + Ord + Hash> Discipline<T> for Lifo {
    type Request = Request<T>;
    type Answer = Answer<T>;
    const OLDEST_FIRST: bool = false;

    fn put(op: &Request<T>) -> Option<&T> {
        match op {
            Request::Push(item) => Some(item),
            Request::Pop => None,
        }
    }

    fn taken(ret: &Answer<T>) -> Option<Option<&T>> {
        match ret {
            Answer::Pushed => None,
            Answer::Popped(item) => Some(item.as_ref()),
        }
    }

    fn take(item: Option<T>) -> Answer<T> {
        Answer::Popped(item)
    }

    fn done() -> Answer<T> {
        Answer::Pushed
    }
}
