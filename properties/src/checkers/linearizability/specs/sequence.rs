//! The common part of queues and stacks: items are added at one end, and removed at one end.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use crate::checkers::linearizability::specification::{Spanned, Specification, Step};

/// A sequence of items of type `T`, initially empty. Items are added at the back; `D` defines the end at which they are
/// removed, and the operations.
#[derive(Clone, Debug)]
pub struct Sequence<T, D>(PhantomData<fn() -> (T, D)>);

impl<T, D> Sequence<T, D> {
    /// An empty sequence.
    pub fn new() -> Self {
        Sequence(PhantomData)
    }
}

impl<T, D> Default for Sequence<T, D> {
    fn default() -> Self {
        Sequence::new()
    }
}

/// The end at which items are removed, and the operations.
pub trait Discipline<T>: Clone + Debug {
    /// Operations with their arguments.
    type Request: Clone + Debug + Ord + Hash;
    /// Answers to operations.
    type Answer: Clone + Debug + Ord + Hash;
    /// Whether the oldest item is removed, and not the newest.
    const OLDEST_FIRST: bool;

    /// The item that an operation adds; `None` if it removes one.
    fn put(op: &Self::Request) -> Option<&T>;
    /// The item that was removed, if there was one; `None` for the answer to an addition.
    fn taken(ret: &Self::Answer) -> Option<Option<&T>>;
    /// The answer to a removal.
    fn take(item: Option<T>) -> Self::Answer;
    /// The answer to an addition.
    fn done() -> Self::Answer;

    /// See [`Specification::precedence`].
    fn precedence(operations: &[Spanned<'_, Self::Request, Self::Answer>]) -> Vec<u32> {
        let _ = operations;
        Vec::new()
    }
}

impl<T: Clone + Debug + Ord + Hash, D: Discipline<T>> Specification for Sequence<T, D> {
    /// The oldest first.
    type State = VecDeque<T>;
    type Op = D::Request;
    type Ret = D::Answer;
    /// The item that was removed; `None` for an addition.
    type Undo = Option<T>;
    type Key = ();

    fn initial(&self) -> VecDeque<T> {
        VecDeque::new()
    }

    fn apply(&self, state: &mut VecDeque<T>, op: &D::Request, ret: Option<&D::Answer>) -> Step<Option<T>> {
        let ret = ret.map(D::taken);
        match (D::put(op), ret) {
            (Some(item), None | Some(None)) => {
                state.push_back(item.clone());
                Step::Changed(None)
            }
            (None, Some(Some(taken))) if taken != next::<T, D>(state) => Step::Illegal,
            (None, None | Some(Some(_))) => {
                let item = if D::OLDEST_FIRST { state.pop_front() } else { state.pop_back() };
                item.map_or(Step::Same, |item| Step::Changed(Some(item)))
            }
            _ => Step::Illegal,
        }
    }

    fn undo(&self, state: &mut VecDeque<T>, _: &D::Request, taken: Option<T>) {
        match taken {
            Some(item) if D::OLDEST_FIRST => state.push_front(item),
            Some(item) => state.push_back(item),
            None => drop(state.pop_back()),
        }
    }

    fn answer(&self, state: &VecDeque<T>, op: &D::Request) -> Option<D::Answer> {
        let take = || D::take(next::<T, D>(state).cloned());
        Some(D::put(op).map_or_else(take, |_| D::done()))
    }

    fn read_only(&self, op: &D::Request, ret: Option<&D::Answer>) -> bool {
        D::put(op).is_none() && ret.and_then(D::taken) == Some(None)
    }

    fn precedence(&self, operations: &[Spanned<'_, D::Request, D::Answer>]) -> Vec<u32> {
        D::precedence(operations)
    }

    fn answer_matters(&self, op: &D::Request, ret: Option<&D::Answer>) -> bool {
        D::put(op).is_none() || ret.and_then(D::taken).is_some()
    }

    fn attainable<'a>(
        &self,
        state: &VecDeque<T>,
        op: &D::Request,
        ret: Option<&D::Answer>,
        mut means: impl Iterator<Item = &'a D::Request>,
    ) -> bool
    where
        Self: 'a,
    {
        let (None, Some(Some(wanted))) = (D::put(op), ret.map(D::taken)) else {
            return true;
        };
        let in_the_way = match wanted {
            Some(wanted) if D::OLDEST_FIRST => state.iter().position(|item| item == wanted),
            Some(wanted) => state.iter().rev().position(|item| item == wanted),
            None => Some(state.len()),
        };
        let Some(in_the_way) = in_the_way else {
            return means.any(|op| D::put(op) == wanted);
        };
        // Items before it must be removed by other operations, or the item is added once more.
        let mut takers = 0;
        for op in means {
            match D::put(op) {
                None => takers += 1,
                item if item == wanted => return true,
                Some(_) => {}
            }
        }
        takers >= in_the_way
    }
}

/// The item that would be removed next.
fn next<T, D: Discipline<T>>(state: &VecDeque<T>) -> Option<&T> {
    if D::OLDEST_FIRST { state.front() } else { state.back() }
}
