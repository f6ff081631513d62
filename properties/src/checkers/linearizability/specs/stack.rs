//! A stack: last in, first out.

use std::fmt::Debug;
use std::hash::Hash;

use super::sequence::{Discipline, Sequence};

/// A stack of items of type `T`, initially empty.
pub type Stack<T> = Sequence<T, Lifo>;

/// Last in, first out.
#[derive(Clone, Copy, Debug)]
pub struct Lifo;

/// An operation of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request<T> {
    /// Adds an item on top.
    Push(T),
    /// Removes the top item.
    Pop,
}

/// The answer of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<T> {
    /// To a push.
    Pushed,
    /// To a pop: the item, or `None` if the stack was empty.
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
