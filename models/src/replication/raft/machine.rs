//! What a Raft group replicates: a deterministic state machine. A process that hosts a group brings its own.

use std::fmt::Debug;
use std::hash::Hash;

use serde::{Serialize, de::DeserializeOwned};

/// A deterministic state machine: the same commands in the same order give the same state and the same answers.
///
/// Snapshots are values of the machine itself, shared and never changed; a machine that is large keeps its parts
/// behind `Arc`s.
pub trait StateMachine: Clone + Debug + Hash + PartialEq + Default + 'static {
    /// What it can be told to do.
    type Command: Clone + Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;
    /// What it answers.
    type Output: Clone + Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;

    /// Executes a command.
    fn apply(&mut self, command: &Self::Command) -> Self::Output;

    /// The parts that a snapshot is sent in, one or more to a message; [`StateMachine::join`] makes the machine of them. A
    /// machine that is small needs no more than one.
    fn parts(&self) -> Vec<Self> {
        vec![self.clone()]
    }

    /// Adds the next of the parts to a machine that was the default before the first.
    fn join(&mut self, part: Self) {
        *self = part;
    }

    /// Answers a command that changes nothing, without executing it; `None` if it could change something. Such
    /// commands may bypass the log (thesis §6.4).
    fn query(&self, command: &Self::Command) -> Option<Self::Output> {
        let _ = command;
        None
    }
}
