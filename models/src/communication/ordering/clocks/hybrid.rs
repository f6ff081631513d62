//! The hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva & Leone, *Logical Physical Clocks*, OPODIS 2014, Figure 5): as a
//! Lamport clock it respects what happened before, and it is never further from physical time than clocks are from each other.

use std::fmt;

use seedbed_sim::Time;
use serde::{Deserialize, Serialize};

/// A time of the clock. Times are ordered by `l`, then by `c`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HybridTime {
    /// The latest physical time that is known of.
    pub l: Time,
    /// Counts the events that know of none later.
    pub c: u32,
}

/// `12.5 ms+3`.
impl fmt::Debug for HybridTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.l, self.c)
    }
}

/// The clock.
#[derive(Clone, Debug, Default, Hash)]
pub struct HybridClock {
    latest: HybridTime,
}

impl HybridClock {
    /// A clock that has shown this last.
    pub fn after(latest: HybridTime) -> Self {
        HybridClock { latest }
    }

    /// Figure 5, "send or local event", while the node's clock shows `now`.
    pub fn local(&mut self, now: Time) -> HybridTime {
        self.advance(now.max(self.latest.l), None)
    }

    /// Figure 5, "receive event of message m".
    pub fn receive(&mut self, sent: HybridTime, now: Time) -> HybridTime {
        self.advance(now.max(self.latest.l).max(sent.l), Some(sent))
    }

    /// The counter goes on from the greatest of those that have the new `l` already.
    fn advance(&mut self, l: Time, sent: Option<HybridTime>) -> HybridTime {
        let counts = [Some(self.latest), sent].into_iter().flatten().filter(|known| known.l == l);
        let c = counts.map(|known| known.c + 1).max().unwrap_or(0);
        let next = HybridTime { l, c };
        assert!(next > self.latest, "a hybrid clock goes forward: {next:?} after {:?}", self.latest);
        self.latest = next;
        next
    }
}
