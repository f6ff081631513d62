//! How members work.

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

/// How rumours spread (Demers 1987, §1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// A member sends what it has.
    Push,
    /// A member asks for what it lacks.
    Pull,
    /// Both at once.
    PushPull,
}

impl Spread {
    /// All of them.
    pub const ALL: [Spread; 3] = [Spread::Push, Spread::Pull, Spread::PushPull];
}

/// How failures are detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// They are not: rumours go to all members.
    None,
    /// SWIM §3 and §4.1: who does not answer is dead.
    Swim,
    /// SWIM §4.2: who does not answer is suspected first.
    Suspicion,
    /// With Lifeguard's three extensions.
    Lifeguard,
}

impl Detector {
    /// All of them.
    pub const ALL: [Detector; 4] = [Detector::None, Detector::Swim, Detector::Suspicion, Detector::Lifeguard];

    /// Whether a member is suspected before it is declared dead.
    pub fn suspects(self) -> bool {
        self >= Detector::Suspicion
    }
}

/// How a member works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How many members there are.
    pub members: u16,
    /// How rumours spread.
    pub spread: Spread,
    /// Between two rounds of rumours.
    pub round: Span,
    /// How failures are detected.
    pub detector: Detector,
    /// The protocol period (SWIM's T').
    pub period: Span,
    /// How long a direct answer may take.
    pub timeout: Span,
    /// How many helpers are asked (SWIM's k).
    pub helpers: u8,
}

impl Settings {
    /// How long a suspicion lasts at least: four protocol periods times the decimal logarithm of the number of members, rounded up.
    /// So a claim can reach all and the refutation come back (SWIM §4.2). Four is α of Lifeguard §IV-B as Serf has it.
    pub fn shortest_suspicion(&self) -> Span {
        let digits = u64::from(self.members.max(1).ilog10()) + u64::from(!is_power_of_ten(self.members));
        self.period * (4 * digits.max(1))
    }

    /// How long a suspicion lasts that nobody shares: six times that (Lifeguard §IV-B, β).
    pub fn longest_suspicion(&self) -> Span {
        match self.detector {
            Detector::Lifeguard => self.shortest_suspicion() * 6,
            _ => self.shortest_suspicion(),
        }
    }

    /// How often a claim is sent: three times the binary logarithm of the number of members (SWIM §4.1, λ log n).
    pub fn transmissions(&self) -> u32 {
        3 * (u32::from(self.members) + 1).next_power_of_two().ilog2()
    }
}

fn is_power_of_ten(n: u16) -> bool {
    [1, 10, 100, 1_000, 10_000].contains(&n)
}
