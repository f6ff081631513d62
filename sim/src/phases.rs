//! How long a run is.

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

/// The three phases of a run. *Chaos*: operations and faults. *Heal*: at its end, all faults end. *Settle*: a bounded
/// time, after which liveness and convergence are judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phases {
    /// How long faults may strike.
    pub chaos: Span,
    /// How long the healed world runs on.
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
