//! What the Raft group replicates: one sequence of messages.

use crate::communication::ordering::envelope::{Envelope, MessageId};
use crate::replication::raft::machine::StateMachine;

/// The sequence that the group agrees on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sequence {
    messages: Vec<Envelope>,
}

impl Sequence {
    /// The messages, in order.
    pub fn messages(&self) -> &[Envelope] {
        &self.messages
    }

    /// Whether it has a message.
    pub fn has(&self, id: MessageId) -> bool {
        self.messages.iter().any(|message| message.id == id)
    }
}

impl StateMachine for Sequence {
    type Command = Envelope;
    /// Whether the message was not in the sequence before.
    type Output = bool;

    fn apply(&mut self, message: &Envelope) -> bool {
        let new = !self.has(message.id);
        if new {
            self.messages.push(message.clone());
        }
        new
    }
}
