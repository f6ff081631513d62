//! A queue: first in, first out.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

use crate::linearizability::specification::{Span, Specification, Step};

/// A queue of items of type `T`, empty at first.
#[derive(Clone, Debug)]
pub struct Queue<T>(std::marker::PhantomData<fn() -> T>);

impl<T> Queue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Queue(std::marker::PhantomData)
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue::new()
    }
}

/// What one may ask of a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request<T> {
    /// Put this at the end.
    Enqueue(T),
    /// Take what is first.
    Dequeue,
}

/// What a queue answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<T> {
    /// To an enqueue.
    Enqueued,
    /// To a dequeue: this was first, or the queue was empty.
    Dequeued(Option<T>),
}

impl<T: Clone + Debug + Ord + Hash> Specification for Queue<T> {
    type State = VecDeque<T>;
    type Op = Request<T>;
    type Ret = Answer<T>;
    /// What was taken.
    type Undo = Option<T>;
    type Key = ();

    fn initial(&self) -> VecDeque<T> {
        VecDeque::new()
    }

    fn apply(&self, state: &mut VecDeque<T>, op: &Request<T>, ret: Option<&Answer<T>>) -> Step<Option<T>> {
        match (op, ret) {
            (Request::Enqueue(item), None | Some(Answer::Enqueued)) => {
                state.push_back(item.clone());
                Step::Changed(None)
            }
            (Request::Dequeue, Some(Answer::Dequeued(taken))) if taken.as_ref() != state.front() => Step::Illegal,
            (Request::Dequeue, None | Some(Answer::Dequeued(_))) => match state.pop_front() {
                Some(item) => Step::Changed(Some(item)),
                None => Step::Same,
            },
            _ => Step::Illegal,
        }
    }

    fn undo(&self, state: &mut VecDeque<T>, _: &Request<T>, taken: Option<T>) {
        match taken {
            Some(item) => state.push_front(item),
            None => drop(state.pop_back()),
        }
    }

    fn read_only(&self, op: &Request<T>, ret: Option<&Answer<T>>) -> bool {
        matches!((op, ret), (Request::Dequeue, Some(Answer::Dequeued(None))))
    }

    /// What leaves first should enter first: an enqueue goes by the response of the dequeue that takes its item.
    fn precedence(&self, operations: &[(&Request<T>, Option<&Answer<T>>, Span)]) -> Vec<u32> {
        let mut taken: Vec<(&T, u32)> = Vec::new();
        for (_, ret, span) in operations {
            if let Some(Answer::Dequeued(Some(item))) = ret {
                taken.push((item, span.end));
            }
        }
        // Of equal items, the first enqueue goes with the first dequeue.
        taken.sort_unstable_by(|a, b| b.cmp(a));
        let mut precedence = Vec::with_capacity(operations.len());
        let mut left: BTreeMap<&T, Vec<u32>> = BTreeMap::new();
        taken
            .into_iter()
            .for_each(|(item, end)| left.entry(item).or_default().push(end));
        for (op, _, span) in operations {
            precedence.push(match op {
                Request::Enqueue(item) => left.get_mut(item).and_then(Vec::pop).unwrap_or(Span::PENDING),
                Request::Dequeue => span.end,
            });
        }
        precedence
    }

    fn answer_matters(&self, op: &Request<T>, ret: Option<&Answer<T>>) -> bool {
        !matches!((op, ret), (Request::Enqueue(_), None | Some(Answer::Enqueued)))
    }

    fn attainable<'a>(
        &self,
        state: &VecDeque<T>,
        op: &Request<T>,
        ret: Option<&Answer<T>>,
        mut means: impl Iterator<Item = &'a Request<T>>,
    ) -> bool
    where
        T: 'a,
    {
        let (Request::Dequeue, Some(Answer::Dequeued(wanted))) = (op, ret) else {
            return true;
        };
        let before = match wanted {
            Some(wanted) => match state.iter().position(|item| item == wanted) {
                Some(before) => before,
                None => return means.any(|op| matches!(op, Request::Enqueue(item) if item == wanted)),
            },
            None => state.len(),
        };
        // What is before it must be taken by others; or it is put in once more.
        let mut takers = 0;
        for op in means {
            match op {
                Request::Dequeue => takers += 1,
                Request::Enqueue(item) if Some(item) == wanted.as_ref() => return true,
                Request::Enqueue(_) => {}
            }
        }
        takers >= before
    }
}
