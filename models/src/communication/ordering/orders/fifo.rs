//! FIFO broadcast: a message waits for all earlier ones of its sender (Cachin, Guerraoui & Rodrigues 2011, Algorithm 3.12).

use std::collections::BTreeSet;

use crate::communication::ordering::bugs::Bug;
use crate::communication::ordering::clocks::VectorTime;
use crate::communication::ordering::envelope::MessageId;

/// What has come before its turn.
#[derive(Clone, Debug, Hash)]
pub struct Fifo {
    /// How many of each sender's messages are delivered.
    delivered: VectorTime,
    waiting: BTreeSet<MessageId>,
    skips_gaps: bool,
}

impl Fifo {
    pub(super) fn new(members: usize, bug: Option<Bug>) -> Self {
        let skips_gaps = bug == Some(Bug::GapSkipped);
        Fifo { delivered: VectorTime::zero(members), waiting: BTreeSet::new(), skips_gaps }
    }

    pub(super) fn arrived(&mut self, id: MessageId) {
        self.waiting.insert(id);
    }

    pub(super) fn next(&self) -> Option<MessageId> {
        let is_next = |id: &&MessageId| self.skips_gaps || id.seq == self.delivered.of(id.sender) + 1;
        self.waiting.iter().find(is_next).copied()
    }

    pub(super) fn delivered(&mut self, id: MessageId) {
        self.waiting.remove(&id);
        self.delivered.tick(id.sender);
    }
}
