//! What a sequential object is.

use std::fmt::Debug;
use std::hash::Hash;

/// What became of an operation applied to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<U> {
    /// It cannot happen here, or not with this answer; the state is as it was.
    Illegal,
    /// It can, and changes nothing.
    Same,
    /// It can; this takes it back.
    Changed(U),
}

impl<U> Step<U> {
    /// [`Step::Same`] where `legal`.
    pub fn same(legal: bool) -> Self {
        if legal { Step::Same } else { Step::Illegal }
    }
}

/// A sequential object: its states, and which answers an operation may give in each.
///
/// Given the state, the operation and its answer, the next state is determined. Three methods make a specification
/// ([`initial`](Self::initial), [`apply`](Self::apply), [`undo`](Self::undo)); the others let the checker be fast.
pub trait Specification {
    /// The states.
    type State: Clone + Debug + Eq + Hash;
    /// The operations.
    type Op: Clone + Debug + Eq + Hash;
    /// The answers.
    type Ret: Clone + Debug + Eq + Hash;
    /// What takes a change back.
    type Undo;
    /// The names of independent parts, such as keys.
    type Key: Clone + Debug + Ord;

    /// The first state.
    fn initial(&self) -> Self::State;

    /// Applies an operation in place. Without an answer (`ret` is nothing) any will do; the operation may then still
    /// be impossible in this state, such as the release of a lock that is free.
    fn apply(&self, state: &mut Self::State, op: &Self::Op, ret: Option<&Self::Ret>) -> Step<Self::Undo>;

    /// Takes back the last operation that was applied.
    fn undo(&self, state: &mut Self::State, op: &Self::Op, undo: Self::Undo);

    /// What an operation would answer in this state, where that is determined; for explanations.
    fn answer(&self, state: &Self::State, op: &Self::Op) -> Option<Self::Ret> {
        let _ = (state, op);
        None
    }

    /// The part of the object that an operation concerns. A history is linearizable if and only if its parts are
    /// (Herlihy and Wing's locality; P-compositionality in Horn and Kroening 2015). Nothing: it concerns more than one,
    /// and the history is judged as a whole.
    fn partition(&self, op: &Self::Op) -> Option<Self::Key> {
        let _ = op;
        None
    }

    /// Whether an operation with this answer changes no state whatever. Without an answer it must moreover be possible
    /// in every state. Such operations are put in their place without a search: as soon as they can happen, they do.
    fn read_only(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> bool {
        let _ = (op, ret);
        false
    }

    /// Whether some of the operations `means` (each at most once, in any order, with any answers) may lead from this
    /// state to one where `op` returns `ret`. Say yes when in doubt: a no cuts the search.
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

    /// A number for each operation (they are in the order of invocation): of those that may come next, the search tries
    /// the one with the lowest number first. None at all: first what is in the way of others. This changes no verdict.
    fn precedence(&self, operations: &[Spanned<'_, Self::Op, Self::Ret>]) -> Vec<u32> {
        let _ = operations;
        Vec::new()
    }

    /// Whether an operation could do more, or in more states, if its answer were unknown. Readers do nothing and need
    /// not be counted. Where it could not, less must be searched to find the first response that is wrong.
    fn answer_matters(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> bool {
        let _ = (op, ret);
        true
    }

    /// What decides such a history in polynomial time, given its operations with the answers of those that returned;
    /// nothing: the search is needed.
    fn decider<'a>(&'a self, operations: &[(&'a Self::Op, Option<&'a Self::Ret>)]) -> Option<Box<dyn Decider + 'a>> {
        let _ = operations;
        None
    }
}

/// A polynomial algorithm with a history, of which it can judge each prefix.
pub trait Decider {
    /// Judges the history of the first so many operations, which are in the order of invocation. One that is pending
    /// may give any answer, whatever was known of it when the decider was made.
    fn decide(&self, spans: &[Span]) -> Decision;
}

/// When an operation happened: the ranks of its events, all events of a history being numbered in order, invocations
/// before responses of the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The invocation.
    pub call: u32,
    /// The response; [`Span::PENDING`] if there was none.
    pub end: u32,
}

impl Span {
    /// The rank of a response that never came: after all others.
    pub const PENDING: u32 = u32::MAX;
}

/// An operation, its answer where it is known, and when it happened.
pub type Spanned<'a, O, R> = (&'a O, Option<&'a R>, Span);

/// What a polynomial algorithm decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Linearizable, in this order (places in the list of operations; pending ones without effect may be left out).
    Linearizable(Vec<u32>),
    /// Not linearizable, for this reason, in words.
    Violation(String),
}
