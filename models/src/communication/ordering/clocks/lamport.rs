//! Lamport's logical clock (*Time, Clocks, and the Ordering of Events in a Distributed System*, CACM 1978, rules IR1 and IR2).

use serde::{Deserialize, Serialize};

/// A time of the clock. If an event happened before another, its time is less; not the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LamportTime(pub u64);

/// The clock.
#[derive(Clone, Debug, Default, Hash)]
pub struct LamportClock {
    latest: LamportTime,
}

impl LamportClock {
    /// A clock that has shown this last.
    pub fn after(latest: LamportTime) -> Self {
        LamportClock { latest }
    }

    /// IR1: the clock is incremented between any two events.
    pub fn local(&mut self) -> LamportTime {
        self.latest.0 += 1;
        self.latest
    }

    /// IR2: the receipt of a message is later than all that this process has seen, and later than its sending.
    pub fn receive(&mut self, sent: LamportTime) -> LamportTime {
        self.latest = self.latest.max(sent);
        self.local()
    }
}
