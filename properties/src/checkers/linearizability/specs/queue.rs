//! A queue: first in, first out.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;

use super::sequence::{Discipline, Sequence};
use crate::checkers::linearizability::specification::{Span, Spanned};

/// A queue of items of type `T`, initially empty.
pub type Queue<T> = Sequence<T, Fifo>;

/// First in, first out.
#[derive(Clone, Copy, Debug)]
pub struct Fifo;

/// An operation of a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request<T> {
    /// Adds an item at the end.
    Enqueue(T),
    /// Removes the first item.
    Dequeue,
}

/// The answer of a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<T> {
    /// To an enqueue.
    Enqueued,
    /// To a dequeue: the item, or `None` if the queue was empty.
    Dequeued(Option<T>),
}

impl<T: Clone + Debug + Ord + Hash> Discipline<T> for Fifo {
    type Request = Request<T>;
    type Answer = Answer<T>;
    const OLDEST_FIRST: bool = true;

    fn put(op: &Request<T>) -> Option<&T> {
        match op {
            Request::Enqueue(item) => Some(item),
            Request::Dequeue => None,
        }
    }

    fn taken(ret: &Answer<T>) -> Option<Option<&T>> {
        match ret {
            Answer::Enqueued => None,
            Answer::Dequeued(item) => Some(item.as_ref()),
        }
    }

    fn take(item: Option<T>) -> Answer<T> {
        Answer::Dequeued(item)
    }

    fn done() -> Answer<T> {
        Answer::Enqueued
    }

    /// Items that leave first should enter first: an enqueue is ordered by the response of the dequeue that takes its
    /// item. Of equal items, a dequeue takes the one whose enqueue returns first, among those invoked in time.
    fn precedence(operations: &[Spanned<'_, Request<T>, Answer<T>>]) -> Vec<u32> {
        let mut taken: Vec<(&T, u32)> = Vec::new();
        let mut put: Vec<(&T, u32, usize)> = Vec::new();
        for (n, (op, ret, span)) in operations.iter().enumerate() {
            match (op, ret) {
                (Request::Dequeue, Some(Answer::Dequeued(Some(item)))) => taken.push((item, span.end)),
                (Request::Dequeue, _) => {}
                (Request::Enqueue(item), _) => put.push((item, span.call, n)),
            }
        }
        taken.sort_unstable();
        put.sort_unstable();
        let mut precedence = vec![Span::PENDING; operations.len()];
        let mut put = put.into_iter().peekable();
        for of_item in taken.chunk_by(|a, b| a.0 == b.0) {
            let mut open = BTreeSet::new();
            for &(item, end) in of_item {
                while let Some((other, _, n)) = put.next_if(|&(other, call, _)| (other, call) < (item, end)) {
                    if other == item {
                        open.insert((operations[n].2.end, n));
                    }
                }
                if let Some((_, n)) = open.pop_first() {
                    precedence[n] = end;
                }
            }
        }
        for (place, (op, _, span)) in precedence.iter_mut().zip(operations) {
            if let Request::Dequeue = op {
                *place = span.end;
            }
        }
        precedence
    }
}
