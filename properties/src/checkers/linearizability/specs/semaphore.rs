//! A counting semaphore.

use crate::checkers::linearizability::specification::{Specification, Step};

/// A semaphore with a number of permits, initially all free. No more can be released than were acquired.
#[derive(Clone, Copy, Debug)]
pub struct Semaphore {
    permits: u64,
}

impl Semaphore {
    /// A semaphore with this many permits, all free.
    pub fn new(permits: u64) -> Self {
        Semaphore { permits }
    }
}

/// An operation of a semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// Waits until this many permits are free, and acquires them.
    Acquire(u64),
    /// Acquires this many permits if they are free.
    TryAcquire(u64),
    /// Releases this many permits.
    Release(u64),
}

/// The answer of a semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// To an acquire or a release.
    Done,
    /// To a try: whether it acquired them.
    Took(bool),
}

impl Specification for Semaphore {
    /// The number of free permits.
    type State = u64;
    type Op = Request;
    type Ret = Answer;
    type Undo = u64;
    type Key = ();

    fn initial(&self) -> u64 {
        self.permits
    }

    fn apply(&self, free: &mut u64, op: &Request, ret: Option<&Answer>) -> Step<u64> {
        let left = match (op, ret) {
            (Request::Acquire(n), None | Some(Answer::Done)) => free.checked_sub(*n),
            (Request::TryAcquire(n), None) => Some(free.checked_sub(*n).unwrap_or(*free)),
            (Request::TryAcquire(n), Some(Answer::Took(true))) => free.checked_sub(*n),
            (Request::TryAcquire(n), Some(Answer::Took(false))) => (*free < *n).then_some(*free),
            (Request::Release(n), None | Some(Answer::Done)) => {
                free.checked_add(*n).filter(|&free| free <= self.permits)
            }
            _ => None,
        };
        match left {
            None => Step::Illegal,
            Some(left) if left == *free => Step::Same,
            Some(left) => Step::Changed(std::mem::replace(free, left)),
        }
    }

    fn undo(&self, free: &mut u64, _: &Request, old: u64) {
        *free = old;
    }

    fn read_only(&self, op: &Request, ret: Option<&Answer>) -> bool {
        matches!((op, ret), (Request::TryAcquire(_), Some(Answer::Took(false))))
    }

    fn attainable<'a>(
        &self,
        free: &u64,
        op: &Request,
        ret: Option<&Answer>,
        means: impl Iterator<Item = &'a Request>,
    ) -> bool {
        let (mut taken, mut released) = (0u64, 0u64);
        for op in means {
            match op {
                Request::Acquire(n) | Request::TryAcquire(n) => taken = taken.saturating_add(*n),
                Request::Release(n) => released = released.saturating_add(*n),
            }
        }
        match (op, ret) {
            (Request::Acquire(n), _) | (Request::TryAcquire(n), Some(Answer::Took(true))) => {
                free.saturating_add(released) >= *n
            }
            (Request::TryAcquire(n), Some(Answer::Took(false))) => free.saturating_sub(taken) < *n,
            (Request::Release(n), _) => free.saturating_sub(taken).saturating_add(*n) <= self.permits,
            _ => true,
        }
    }
}
