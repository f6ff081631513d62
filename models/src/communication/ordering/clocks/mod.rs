//! The clocks of a member, and the stamps they give.

pub mod hybrid;
pub mod lamport;
pub mod vector;

use seedbed_sim::{NodeId, Time};
use serde::{Deserialize, Serialize};

use crate::communication::ordering::bugs::Bug;

pub use hybrid::{HybridClock, HybridTime};
pub use lamport::{LamportClock, LamportTime};
pub use vector::VectorTime;

/// What the clocks show at an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Lamport's.
    pub lamport: LamportTime,
    /// The vector clock.
    pub vector: VectorTime,
    /// The hybrid logical clock.
    pub hybrid: HybridTime,
}

/// The clocks of a member. They are on its disk with each event.
#[derive(Clone, Debug, Hash)]
pub struct Clocks {
    me: NodeId,
    lamport: LamportClock,
    vector: VectorTime,
    hybrid: HybridClock,
    /// The planted bug, if it is one of clocks.
    bug: Option<Bug>,
}

impl Clocks {
    /// Clocks that have shown nothing, of a member of a group of so many.
    pub fn new(me: NodeId, members: usize) -> Self {
        Clocks {
            me,
            lamport: LamportClock::default(),
            vector: VectorTime::zero(members),
            hybrid: HybridClock::default(),
            bug: None,
        }
    }

    /// The same with a bug, if there is one.
    pub fn with(self, bug: Option<Bug>) -> Self {
        Clocks { bug, ..self }
    }

    /// An event of this member alone, while its clock shows `now`.
    pub fn local(&mut self, now: Time) -> Stamp {
        self.vector.tick(self.me);
        Stamp { lamport: self.lamport.local(), vector: self.vector.clone(), hybrid: self.hybrid.local(now) }
    }

    /// The receipt of a message with this stamp, while this member's clock shows `now`.
    pub fn receive(&mut self, sent: &Stamp, now: Time) -> Stamp {
        self.vector.merge(&sent.vector);
        self.vector.tick(self.me);
        let lamport = match self.bug {
            Some(Bug::NoMergeOnReceive) => self.lamport.local(),
            _ => self.lamport.receive(sent.lamport),
        };
        let hybrid = match self.bug {
            Some(Bug::HlcIgnoresRemote) => self.hybrid.local(now),
            _ => self.hybrid.receive(sent.hybrid, now),
        };
        Stamp { lamport, vector: self.vector.clone(), hybrid }
    }

    /// What the clocks have shown at the last event on the disk.
    pub fn restore(&mut self, last: &Stamp) {
        self.lamport = LamportClock::after(last.lamport);
        self.hybrid = HybridClock::after(last.hybrid);
        if self.bug != Some(Bug::VectorRestartsAtZero) {
            self.vector = last.vector.clone();
        }
    }
}
