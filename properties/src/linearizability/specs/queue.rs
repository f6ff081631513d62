//! A queue: first in, first out.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

use crate::linearizability::specification::{Span, Spanned, Specification, Step};

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

    /// What leaves first should enter first: an enqueue goes by the response of the dequeue that takes its item. Of equal
    /// items, a dequeue takes the one whose enqueue returns first, among those invoked in time.
    fn precedence(&self, operations: &[Spanned<'_, Request<T>, Answer<T>>]) -> Vec<u32> {
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
