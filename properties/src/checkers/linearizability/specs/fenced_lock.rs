//! A lock whose grants carry fencing tokens (Kleppmann, "How to do distributed locking", 2016), with the resource that
//! checks them.

use crate::checkers::linearizability::specification::{Specification, Step};

/// A lock that grants increasing tokens, and a resource that refuses tokens older than the newest it has seen.
#[derive(Clone, Copy, Debug)]
pub struct FencedLock {
    leased: bool,
}

impl FencedLock {
    /// A lock that is granted only while it is free, for mutual exclusion.
    pub fn exclusive() -> Self {
        FencedLock { leased: false }
    }

    /// A lock whose leases may expire at any time, so that it may be granted while another client believes to hold it.
    /// Guaranteed are increasing tokens, and that the resource refuses old ones.
    pub fn leased() -> Self {
        FencedLock { leased: true }
    }
}

/// An operation of the lock or of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// Acquires the lock for this client.
    Acquire(u64),
    /// Releases the lock of this client.
    Release(u64),
    /// Uses the resource with this token.
    Use(u64),
}

/// The answer of the lock or of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// To an acquire: granted, with this token.
    Granted(u64),
    /// To an acquire: another client holds it.
    Refused,
    /// To a release: whether the client still held the lock.
    Released(bool),
    /// To a use: whether the token was accepted.
    Used(bool),
}

/// The state of the lock and of the resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    holder: Option<u64>,
    /// A lower bound on the last granted token. (A grant with an unknown token took at least the next one; assuming no
    /// more excludes no history.)
    token: u64,
    /// The newest token that the resource has seen.
    seen: u64,
}

impl Specification for FencedLock {
    type State = State;
    type Op = Request;
    type Ret = Answer;
    type Undo = State;
    type Key = ();

    fn initial(&self) -> State {
        State::default()
    }

    fn apply(&self, state: &mut State, op: &Request, ret: Option<&Answer>) -> Step<State> {
        let next = match (op, ret) {
            (Request::Acquire(client), None) => {
                if self.leased || state.holder.is_none() {
                    State { holder: Some(*client), token: state.token + 1, ..*state }
                } else {
                    *state
                }
            }
            (Request::Acquire(client), Some(Answer::Granted(token))) => {
                let free = self.leased || state.holder.is_none();
                if !free || *token <= state.token {
                    return Step::Illegal;
                }
                State { holder: Some(*client), token: *token, ..*state }
            }
            (Request::Acquire(_), Some(Answer::Refused)) => return Step::same(state.holder.is_some()),
            (Request::Release(client), None) => {
                if state.holder == Some(*client) {
                    State { holder: None, ..*state }
                } else {
                    *state
                }
            }
            (Request::Release(client), Some(Answer::Released(held))) => {
                let holds = state.holder == Some(*client);
                if holds != *held {
                    return Step::Illegal;
                }
                if holds { State { holder: None, ..*state } } else { *state }
            }
            (Request::Use(token), None) => State { seen: state.seen.max(*token), ..*state },
            (Request::Use(token), Some(Answer::Used(accepted))) => {
                let new = *token >= state.seen;
                if new != *accepted {
                    return Step::Illegal;
                }
                State { seen: state.seen.max(*token), ..*state }
            }
            _ => return Step::Illegal,
        };
        if next == *state { Step::Same } else { Step::Changed(std::mem::replace(state, next)) }
    }

    fn undo(&self, state: &mut State, _: &Request, old: State) {
        *state = old;
    }

    fn read_only(&self, _: &Request, ret: Option<&Answer>) -> bool {
        matches!(ret, Some(Answer::Refused | Answer::Released(false) | Answer::Used(false)))
    }
}
