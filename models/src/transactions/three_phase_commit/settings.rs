//! The bound on delays, and the timeouts that follow from it.

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

/// How a cluster is tuned. All timeouts follow from the bound on delays: that a timeout means a crash is what the protocol
/// rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the protocol takes for the longest that a message takes, or that a timer is late.
    pub delta: Span,
    /// How long it takes to send to one after another: a crash may come in between.
    pub gap: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { delta: Span::ms(12), gap: Span::us(500) }
    }
}

impl Settings {
    /// The longest from when a node begins to tell `others` something until the last of them has heard it: each is told a
    /// gap after the one before, by a timer that may be late by δ, and the word takes δ.
    pub fn step(&self, others: usize) -> Span {
        self.gap * others as u64 + self.delta * 2
    }

    /// How long one waits for answers: all hear the question, and a message comes back.
    pub fn collect(&self, others: usize) -> Span {
        self.step(others) + self.delta + self.slack()
    }

    /// How long one waits for whoever coordinates: it may wait for others' answers, notice late, by δ, that it has waited
    /// for long enough, and then has to tell all. What it said before it fell has arrived by then, here and elsewhere.
    pub fn silence(&self, others: usize) -> Span {
        self.collect(others) + self.delta + self.step(others) + self.slack()
    }

    /// For a word that waits until others have been told something else.
    fn slack(&self) -> Span {
        Span(self.delta.0 / 4)
    }

    /// The longest that a participant which stays up is in doubt. It may hear nothing from the coordinator, twice: after
    /// its vote, and after it has pre-committed; the same of each other participant that is elected, which may also fall
    /// before it has said anything; and then it coordinates itself.
    pub fn in_doubt_at_most(&self, participants: usize) -> Span {
        (self.silence(participants) + self.delta) * (3 * participants as u64 + 1)
    }
}
