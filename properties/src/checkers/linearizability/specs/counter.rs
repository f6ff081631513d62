//! A counter.

use crate::checkers::linearizability::specification::{Specification, Step};

/// A counter with the initial value 0, which wraps around at the limits of `i64`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter;

/// An operation of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// Returns the value.
    Read,
    /// Adds to the value.
    Add(i64),
    /// Adds to the value and returns the sum.
    AddAndGet(i64),
}

/// The answer of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// To a read or an add-and-get: the value.
    Value(i64),
    /// To an addition.
    Added,
}

impl Request {
    fn amount(self) -> i64 {
        match self {
            Request::Read => 0,
            Request::Add(n) | Request::AddAndGet(n) => n,
        }
    }
}

impl Specification for Counter {
    type State = i64;
    type Op = Request;
    type Ret = Answer;
    type Undo = i64;
    type Key = ();

    fn initial(&self) -> i64 {
        0
    }

    fn apply(&self, state: &mut i64, op: &Request, ret: Option<&Answer>) -> Step<i64> {
        let sum = state.wrapping_add(op.amount());
        let legal = match (op, ret) {
            (_, None) => true,
            (Request::Read | Request::AddAndGet(_), Some(Answer::Value(n))) => *n == sum,
            (Request::Add(_), Some(Answer::Added)) => true,
            _ => false,
        };
        if legal && sum != *state { Step::Changed(std::mem::replace(state, sum)) } else { Step::same(legal) }
    }

    fn undo(&self, state: &mut i64, _: &Request, old: i64) {
        *state = old;
    }

    fn answer(&self, state: &i64, op: &Request) -> Option<Answer> {
        Some(match op {
            Request::Add(_) => Answer::Added,
            Request::Read | Request::AddAndGet(_) => Answer::Value(state.wrapping_add(op.amount())),
        })
    }

    fn read_only(&self, op: &Request, _: Option<&Answer>) -> bool {
        op.amount() == 0
    }

    /// The value must be between the present one minus all open decrements and plus all open increments.
    fn attainable<'a>(
        &self,
        state: &i64,
        op: &Request,
        ret: Option<&Answer>,
        means: impl Iterator<Item = &'a Request>,
    ) -> bool {
        let Some(Answer::Value(wanted)) = ret else { return true };
        let (mut least, mut most) = (i128::from(*state), i128::from(*state));
        for amount in means.copied().chain([*op]).map(|op| i128::from(op.amount())) {
            least += amount.min(0);
            most += amount.max(0);
        }
        let wraps = least < i64::MIN.into() || most > i64::MAX.into();
        wraps || (least..=most).contains(&i128::from(*wanted))
    }
}
