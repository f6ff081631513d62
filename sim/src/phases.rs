//! The phases of a run and their lengths.

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

/// The three phases of a run. *Chaos*: operations and faults. *Heal*: at its end, all faults end. *Settle*: a bounded
/// time, after which liveness and convergence are judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phases {
    /// The time in which operations are invoked and faults may strike.
    pub chaos: Span,
    /// The time between the end of all faults and the end of the run.
    pub settle: Span,
}

impl Phases {
    /// When the world heals.
    pub fn heal_at(&self) -> Time {
        Time::ZERO + self.chaos
    }

    /// When the run ends.
    pub fn end_at(&self) -> Time {
        self.heal_at() + self.settle
    }
}
