//! The bound on delays, and the timeouts that follow from it.

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

/// The bound on delays. All timeouts follow from it: the protocol rests on that a timeout means a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// δ: the longest that a message takes, and the most that a timer is late.
    pub delta: Span,
    /// The time between two sends of one broadcast: a crash may come in between. Zero: all are sent at once.
    pub gap: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { delta: Span::ms(12), gap: Span::us(500) }
    }
}

impl Settings {
    /// The longest from when a node begins a broadcast to `others` nodes until the last of them receives it: each is sent to a
    /// gap after the one before, by a timer that may be late by δ, and the message takes δ.
    pub fn broadcast_time(&self, others: usize) -> Span {
        self.gap * others as u64 + self.delta * 2
    }

    /// How long one waits for the replies to a broadcast: all receive it, and a message comes back.
    pub fn reply_timeout(&self, others: usize) -> Span {
        self.broadcast_time(others) + self.delta + self.slack()
    }

    /// How long one waits for whoever coordinates: it may wait for the replies of others, notice late, by δ, that it has
    /// waited for long enough, and then has to broadcast. What it sent before it crashed has arrived by then, here and
    /// elsewhere.
    pub fn coordinator_timeout(&self, others: usize) -> Span {
        self.reply_timeout(others) + self.delta + self.broadcast_time(others) + self.slack()
    }

    /// For a message that waits until an earlier broadcast is finished.
    fn slack(&self) -> Span {
        Span(self.delta.0 / 4)
    }

    /// The longest that a participant which stays up is in doubt. It may hear nothing from the coordinator, twice: after
    /// its vote, and after it has pre-committed; the same of each other participant that is elected, which may also crash
    /// before it has said anything; and then it coordinates itself.
    pub fn in_doubt_at_most(&self, participants: usize) -> Span {
        (self.coordinator_timeout(participants) + self.delta) * (3 * participants as u64 + 1)
    }
}
