//! Cron schedules, scaled down: what is a minute of sixty seconds in a crontab is a second of twenty slots here.
//!
//! A schedule is a field of a crontab: the set of slots in which it fires. It is aligned to the clock and not to when a scheduler
//! was started, so all schedulers whose clocks agree name the same instants; those whose clocks differ name them at different
//! times, and by the same names.

use seedbed_sim::{Span, Time};
use serde::{Deserialize, Serialize};

/// The length of a slot.
pub const SLOT: Span = Span::ms(50);
/// The number of slots of a round.
pub const SLOTS: u64 = 20;

/// A schedule: bit `n` is set if it fires in slot `n` of each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cron(pub u32);

impl Cron {
    /// Whether it ever fires, and in no slot that there is not.
    pub fn is_valid(self) -> bool {
        self.0 != 0 && u64::from(self.0) < 1 << SLOTS
    }

    /// Whether it fires in a slot, counted from the beginning of time.
    pub fn fires(self, slot: u64) -> bool {
        self.0 >> (slot % SLOTS) & 1 == 1
    }

    /// The first slot after this time in which it fires.
    ///
    /// # Panics
    /// If it never fires.
    pub fn next(self, after: Time) -> u64 {
        let current = after.0 / SLOT.0;
        let next = (current + 1..=current + SLOTS).find(|slot| self.fires(*slot));
        next.expect("a valid schedule fires once in a round")
    }
}

/// When a slot begins.
pub fn begin_of(slot: u64) -> Time {
    Time::ZERO + SLOT * slot
}
