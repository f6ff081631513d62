//! Total order by a fixed sequencer: a message waits for its number, and for all that have smaller ones (Défago, Schiper &
//! Urbán, *Total Order Broadcast and Multicast Algorithms: Taxonomy and Survey*, 2004, §4.1, the variant in which both messages
//! and numbers are broadcast).

use std::collections::BTreeSet;

use crate::communication::ordering::envelope::MessageId;

/// What has come before its number, and numbers that have come before their messages.
#[derive(Clone, Debug, Default, Hash)]
pub struct Numbered {
    /// The messages by their numbers.
    numbers: Vec<MessageId>,
    /// How many are delivered.
    delivered: usize,
    waiting: BTreeSet<MessageId>,
}

impl Numbered {
    pub(super) fn arrived(&mut self, id: MessageId) {
        self.waiting.insert(id);
    }

    pub(super) fn numbered(&mut self, id: MessageId) {
        self.numbers.push(id);
    }

    pub(super) fn next(&self) -> Option<MessageId> {
        self.numbers.get(self.delivered).copied().filter(|id| self.waiting.contains(id))
    }

    pub(super) fn delivered(&mut self, id: MessageId) {
        self.waiting.remove(&id);
        self.delivered += 1;
    }
}
