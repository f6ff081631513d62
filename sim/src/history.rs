//! The history that checkers judge: operations with their answers and times.

use serde::{Deserialize, Serialize};

use crate::process::{NodeId, OpId};
use crate::time::Time;

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<R> {
    /// It returned an answer.
    Returned {
        /// The answer.
        ret: R,
        /// On the world's clock.
        at: Time,
    },
    /// It had no effect and never will.
    Failed {
        /// As the process gave it.
        reason: String,
        /// When the client learnt of it.
        at: Time,
    },
    /// Its outcome is not known: it may have had its effect, may have it later, or never. (Jepsen's `info`.)
    Unknown,
}

/// One operation that was invoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Invocation<O, R> {
    /// Its place in the scenario's list of operations.
    pub id: OpId,
    /// Which node is the client.
    pub client: NodeId,
    /// With its arguments.
    pub op: O,
    /// On the world's clock.
    pub invoked: Time,
    /// [`Outcome::Unknown`] until it ends.
    pub outcome: Outcome<R>,
    /// Whether the client gave it up: its outcome stays unknown, whatever comes later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
}

impl<O, R> Invocation<O, R> {
    /// The answer, if it returned.
    pub fn returned(&self) -> Option<&R> {
        match &self.outcome {
            Outcome::Returned { ret, .. } => Some(ret),
            _ => None,
        }
    }

    /// When it ended; `None` if its outcome is unknown.
    pub fn ended(&self) -> Option<Time> {
        match &self.outcome {
            Outcome::Returned { at, .. } | Outcome::Failed { at, .. } => Some(*at),
            Outcome::Unknown => None,
        }
    }
}

/// All operations that were invoked, in the order of their invocation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct History<O, R> {
    invocations: Vec<Invocation<O, R>>,
}

impl<O, R> Default for History<O, R> {
    fn default() -> Self {
        History { invocations: Vec::new() }
    }
}

impl<O, R> FromIterator<Invocation<O, R>> for History<O, R> {
    fn from_iter<T: IntoIterator<Item = Invocation<O, R>>>(invocations: T) -> Self {
        History { invocations: invocations.into_iter().collect() }
    }
}

impl<O, R> History<O, R> {
    /// The invocations, in order.
    pub fn invocations(&self) -> &[Invocation<O, R>] {
        &self.invocations
    }

    /// The answers, in the order of the invocations that they are to.
    pub fn returned(&self) -> impl Iterator<Item = &R> {
        self.invocations.iter().filter_map(Invocation::returned)
    }

    pub(crate) fn invoke(&mut self, id: OpId, client: NodeId, op: O, invoked: Time) {
        self.invocations.push(Invocation { id, client, op, invoked, outcome: Outcome::Unknown, given_up: false });
    }

    /// Ends an operation. `false`, and no change, if it had ended already.
    pub(crate) fn end(&mut self, id: OpId, outcome: Outcome<R>) -> bool {
        let open = self.invocations.iter_mut().rev().find(|invocation| invocation.id == id);
        match open {
            Some(Invocation { outcome: old @ Outcome::Unknown, given_up: false, .. }) => {
                *old = outcome;
                true
            }
            _ => false,
        }
    }

    /// Lets an operation be unknown for good. `false`, and no change, if it had ended already.
    pub(crate) fn give_up(&mut self, id: OpId) -> bool {
        let open = self.invocations.iter_mut().rev().find(|invocation| invocation.id == id);
        match open {
            Some(Invocation { outcome: Outcome::Unknown, given_up, .. }) => !std::mem::replace(given_up, true),
            _ => false,
        }
    }
}
