//! Suspicions (SWIM §4.2): how long they last. With Lifeguard (§IV-B) a suspicion lasts long where nobody shares it, and is shorter with
//! each other member that suspects the same by itself.

use std::collections::BTreeSet;

use seedbed_sim::{NodeId, Span, Time};

use crate::communication::gossip::settings::Settings;

/// How much of the way from the longest to the shortest time others take off: in thousandths, `log(c + 1) / log(K + 1)` for `c` others
/// and K = 2, which Serf has with its α.
const SHARED: [u64; 3] = [0, 631, 1_000];

/// A suspicion.
#[derive(Clone, Debug, Hash)]
pub struct Suspicion {
    began: Time,
    /// Who suspects.
    by: BTreeSet<NodeId>,
}

impl Suspicion {
    /// A suspicion that this member has had first.
    pub fn new(began: Time, by: NodeId) -> Self {
        Suspicion { began, by: [by].into() }
    }

    /// Another suspects the same. Says whether that is new, and counts.
    pub fn shared_by(&mut self, other: NodeId) -> bool {
        self.by.len() < SHARED.len() && self.by.insert(other)
    }

    /// How long it lasts, from its beginning.
    pub fn lasts(&self, settings: &Settings) -> Span {
        let (shortest, longest) = (settings.shortest_suspicion(), settings.longest_suspicion());
        let others = if settings.members > 3 { self.by.len() - 1 } else { SHARED.len() - 1 };
        longest - Span((longest - shortest).0 / 1_000 * SHARED[others])
    }

    /// What is left of it.
    pub fn left(&self, settings: &Settings, now: Time) -> Span {
        self.lasts(settings) - now.since(self.began).min(self.lasts(settings))
    }
}
