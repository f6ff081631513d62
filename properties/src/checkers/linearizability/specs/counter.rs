//! A counter.

use crate::checkers::linearizability::specification::{Specification, Step};

/// A counter with the initial value 0. Its value is exact: it does not wrap around, so an answer that did is wrong.
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
    fn amount(self) -> i128 {
        match self {
            Request::Read => 0,
            Request::Add(n) | Request::AddAndGet(n) => n.into(),
        }
    }
}

impl Specification for Counter {
    /// Wide enough for the sum of more operations than a history can have.
    type State = i128;
    type Op = Request;
    type Ret = Answer;
    type Undo = i128;
    type Key = ();

    fn initial(&self) -> i128 {
        0
    }

    fn apply(&self, state: &mut i128, op: &Request, ret: Option<&Answer>) -> Step<i128> {
        let sum = *state + op.amount();
        let legal = match (op, ret) {
            (_, None) => true,
            (Request::Read | Request::AddAndGet(_), Some(Answer::Value(n))) => i128::from(*n) == sum,
            (Request::Add(_), Some(Answer::Added)) => true,
            _ => false,
        };
        if legal && sum != *state { Step::Changed(std::mem::replace(state, sum)) } else { Step::same(legal) }
    }

    fn undo(&self, state: &mut i128, _: &Request, old: i128) {
        *state = old;
    }

    /// `None` for a value that no answer can have.
    fn answer(&self, state: &i128, op: &Request) -> Option<Answer> {
        match op {
            Request::Add(_) => Some(Answer::Added),
            Request::Read | Request::AddAndGet(_) => i64::try_from(state + op.amount()).ok().map(Answer::Value),
        }
    }

    fn read_only(&self, op: &Request, _: Option<&Answer>) -> bool {
        op.amount() == 0
    }

    /// The value must be between the present one minus all open decrements and plus all open increments.
    fn attainable<'a>(
        &self,
        state: &i128,
        op: &Request,
        ret: Option<&Answer>,
        means: impl Iterator<Item = &'a Request>,
    ) -> bool {
        let Some(Answer::Value(wanted)) = ret else { return true };
        let (mut least, mut most) = (*state, *state);
        for amount in means.copied().chain([*op]).map(Request::amount) {
            least += amount.min(0);
            most += amount.max(0);
        }
        (least..=most).contains(&i128::from(*wanted))
    }
}
