//! A mutex: at most one holder at a time.

use crate::checkers::linearizability::specification::{Specification, Step};

/// A mutex, initially free. Holders are numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutex;

/// An operation of a mutex, with the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// Waits until it is free, and acquires it.
    Acquire(u64),
    /// Acquires it if it is free.
    TryAcquire(u64),
    /// Releases it.
    Release(u64),
}

/// The answer of a mutex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// To an acquire or a release.
    Done,
    /// To a try: whether it acquired it.
    Took(bool),
}

impl Specification for Mutex {
    type State = Option<u64>;
    type Op = Request;
    type Ret = Answer;
    type Undo = Option<u64>;
    type Key = ();

    fn initial(&self) -> Option<u64> {
        None
    }

    fn apply(&self, holder: &mut Option<u64>, op: &Request, ret: Option<&Answer>) -> Step<Option<u64>> {
        match (op, ret) {
            (Request::Acquire(who), None | Some(Answer::Done))
            | (Request::TryAcquire(who), None | Some(Answer::Took(true)))
                if holder.is_none() =>
            {
                Step::Changed(holder.replace(*who))
            }
            (Request::TryAcquire(_), None | Some(Answer::Took(false))) => Step::same(holder.is_some()),
            (Request::Release(who), None | Some(Answer::Done)) if *holder == Some(*who) => Step::Changed(holder.take()),
            _ => Step::Illegal,
        }
    }

    fn undo(&self, holder: &mut Option<u64>, _: &Request, old: Option<u64>) {
        *holder = old;
    }

    fn read_only(&self, op: &Request, ret: Option<&Answer>) -> bool {
        matches!((op, ret), (Request::TryAcquire(_), Some(Answer::Took(false))))
    }

    fn attainable<'a>(
        &self,
        holder: &Option<u64>,
        op: &Request,
        ret: Option<&Answer>,
        mut means: impl Iterator<Item = &'a Request>,
    ) -> bool {
        match (op, ret) {
            (Request::TryAcquire(_), Some(Answer::Took(false))) => {
                holder.is_some() || means.any(|op| !matches!(op, Request::Release(_)))
            }
            (Request::Acquire(_), _) | (Request::TryAcquire(_), Some(Answer::Took(true))) => match holder {
                None => true,
                Some(holder) => means.any(|op| matches!(op, Request::Release(who) if who == holder)),
            },
            (Request::Release(who), _) => {
                let acquires = |op: &Request| match op {
                    Request::Acquire(other) | Request::TryAcquire(other) => other == who,
                    Request::Release(_) => false,
                };
                *holder == Some(*who) || means.any(acquires)
            }
            _ => true,
        }
    }
}
