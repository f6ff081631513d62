//! The specification of a sequential object.

use std::fmt::Debug;
use std::hash::Hash;

/// The effect of an operation on a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<U> {
    /// It is not possible here, or not with this answer; the state is unchanged.
    Illegal,
    /// It is possible, and changes nothing.
    Same,
    /// It was applied; this undoes it.
    Changed(U),
}

impl<U> Step<U> {
    /// [`Step::Same`] where `legal`.
    pub fn same(legal: bool) -> Self {
        if legal { Step::Same } else { Step::Illegal }
    }
}

/// A sequential object: its states, and the answers that an operation may give in each.
///
/// State, operation and answer determine the next state. Three methods make a specification
/// ([`initial`](Self::initial), [`apply`](Self::apply), [`undo`](Self::undo)); the others make the checker faster.
pub trait Specification {
    /// Compared and hashed by the checker.
    type State: Clone + Debug + Eq + Hash;
    /// With their arguments.
    type Op: Clone + Debug + Eq + Hash;
    /// Of completed operations.
    type Ret: Clone + Debug + Eq + Hash;
    /// Undoes a change.
    type Undo;
    /// Identifies an independent part, such as a key.
    type Key: Clone + Debug + Ord;

    /// The initial state.
    fn initial(&self) -> Self::State;

    /// Applies an operation in place. Without an answer (`ret` is `None`) any answer is right; the operation may still
    /// be impossible in this state, such as the release of a lock that is free.
    fn apply(&self, state: &mut Self::State, op: &Self::Op, ret: Option<&Self::Ret>) -> Step<Self::Undo>;

    /// Undoes the last operation that was applied.
    fn undo(&self, state: &mut Self::State, op: &Self::Op, undo: Self::Undo);

    /// The answer of an operation in this state, if it is determined; for explanations.
    fn answer(&self, state: &Self::State, op: &Self::Op) -> Option<Self::Ret> {
        let _ = (state, op);
        None
    }

    /// The part of the object that an operation concerns. A history is linearizable if and only if its parts are
    /// (Herlihy and Wing's locality; P-compositionality in Horn and Kroening 2015). `None` if it concerns more than
    /// one, so that the history is checked as a whole.
    fn partition(&self, op: &Self::Op) -> Option<Self::Key> {
        let _ = op;
        None
    }

    /// Whether an operation with this answer is read-only: it changes no state. Without an answer it must also be
    /// possible in every state. Read-only operations need no search: they are ordered as soon as they are possible.
    fn read_only(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> bool {
        let _ = (op, ret);
        false
    }

    /// Whether some of the operations `means` (each at most once, in any order, with any answers) may lead from this
    /// state to one in which `op` returns `ret`. `true` when in doubt: `false` cuts the search.
    fn attainable<'a>(
        &self,
        state: &Self::State,
        op: &Self::Op,
        ret: Option<&Self::Ret>,
        means: impl Iterator<Item = &'a Self::Op>,
    ) -> bool
    where
        Self: 'a,
    {
        let _ = (state, op, ret, means);
        true
    }

    /// A number for each operation, in the order of invocation: the search tries candidates with low numbers first. If
    /// empty, operations that block others come first. The verdict does not depend on it.
    fn precedence(&self, operations: &[Spanned<'_, Self::Op, Self::Ret>]) -> Vec<u32> {
        let _ = operations;
        Vec::new()
    }

    /// Whether an unknown answer would allow an operation more effects, or in more states. Readers have no effects and
    /// need not be counted. If `false`, the search for the first wrong response is shorter.
    fn answer_matters(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> bool {
        let _ = (op, ret);
        true
    }

    /// A polynomial algorithm for such a history, given its operations with the answers of those that returned; `None`
    /// if the search is needed.
    fn decider<'a>(&'a self, operations: &[(&'a Self::Op, Option<&'a Self::Ret>)]) -> Option<Box<dyn Decider + 'a>> {
        let _ = operations;
        None
    }
}

/// A polynomial algorithm for a history and each of its prefixes.
pub trait Decider {
    /// Decides the history of the first operations, in the order of invocation. A pending one may give any answer,
    /// whatever was known when the decider was created.
    fn decide(&self, spans: &[Span]) -> Decision;
}

/// The time span of an operation, in ranks of events. All events of a history are numbered in order, invocations before
/// responses of the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The rank of its invocation.
    pub call: u32,
    /// The rank of its response; [`Span::PENDING`] if there was none.
    pub end: u32,
}

impl Span {
    /// The rank of a missing response: after all others.
    pub const PENDING: u32 = u32::MAX;
}

/// An operation, its answer if known, and its time span.
pub type Spanned<'a, O, R> = (&'a O, Option<&'a R>, Span);

/// The decision of a polynomial algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Linearizable, in this order of indices; pending operations without effect may be left out.
    Linearizable(Vec<u32>),
    /// Not linearizable, for this reason.
    Violation(String),
}
