//! Reliable broadcast: messages are delivered as they come (Cachin, Guerraoui & Rodrigues 2011, Module 3.2).

use std::collections::VecDeque;

use crate::communication::ordering::envelope::MessageId;

/// What has come.
#[derive(Clone, Debug, Default, Hash)]
pub struct Reliable {
    waiting: VecDeque<MessageId>,
}

impl Reliable {
    pub(super) fn arrived(&mut self, id: MessageId) {
        self.waiting.push_back(id);
    }

    pub(super) fn next(&self) -> Option<MessageId> {
        self.waiting.front().copied()
    }

    pub(super) fn delivered(&mut self, id: MessageId) {
        self.waiting.retain(|waiting| *waiting != id);
    }
}
