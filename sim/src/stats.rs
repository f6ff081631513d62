//! The counters of a run.

use serde::{Deserialize, Serialize};

use crate::fault::FaultClass;
use crate::network::Arrival;
use crate::time::{Span, Time};

/// What a world counts while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Events handled: messages, timers, operations, syncs, starts, faults.
    pub events: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages handled, copies included.
    pub delivered: u64,
    /// Messages that the network lost.
    pub lost: u64,
    /// Messages that arrived twice.
    pub doubled: u64,
    /// Messages that a cut dropped.
    pub cut: u64,
    /// Messages whose receiver was down.
    pub to_down: u64,
    /// The longest time that a message has been given to be under way, from the send to the arrival.
    #[serde(default)]
    pub slowest: Span,
    /// Forced writes, for which later outputs wait: appends and replacements.
    pub forced: u64,
    /// Lazy writes, for which no output waits.
    pub lazy: u64,
    /// Operations that were never invoked, because their client was down when they were due.
    pub skipped: u64,
    /// How often a fault of each class had an effect, in the order of [`FaultClass::ALL`].
    pub faults: [u64; FaultClass::ALL.len()],
}

impl Stats {
    /// How often faults of a class had an effect.
    pub fn fault(&self, class: FaultClass) -> u64 {
        self.faults[class as usize]
    }

    /// A message is under way since `sent`.
    #[inline(always)]
    pub(crate) fn arrival(&mut self, arrival: Arrival, sent: Time) {
        self.faults[FaultClass::Reorder as usize] += u64::from(arrival.overtakes);
        self.slowest = self.slowest.max(arrival.at.since(sent));
    }
}
