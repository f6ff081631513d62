//! Names and times: who a replica is, how its updates are called, and when it says that they were made.

use std::fmt;

use seedbed_sim::{NodeId, Span, Time};

/// A replica: a node, and when it was born. What comes back on the same node with an empty disk is another replica, for it
/// does not know which names it has given away: a node that was wiped twice has had three.
///
/// A node's later replicas are greater than its earlier ones. That does not rest on clocks: the time of birth is that of a
/// logical clock (Lamport 1978), which begins where the node's clock is, and goes on from what others know. Who hears from
/// one that is less than another of its node says so, and a replica that is told takes a greater name. (If the clock was
/// right no such message is needed.) Two with the same time of birth differ by what they drew.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId {
    /// Where it runs.
    pub node: NodeId,
    /// When it was born, by the clock of its node, or later.
    pub born: Time,
    /// Drawn at birth.
    pub nonce: u64,
}

impl fmt::Debug for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.node, self.born.0 / 1_000_000)
    }
}

/// The name of an update: its replica, and which of that replica's updates it is, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot {
    /// Whose update.
    pub replica: ReplicaId,
    /// Which one.
    pub counter: u64,
}

impl fmt::Debug for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}.{}", self.replica, self.counter)
    }
}

/// When an update was made, for those types that let the last one win. Of two at the same instant the greater replica's
/// is the later, the same everywhere; only a planted bug leaves the replica out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// The instant, by the replica's [`Clock`].
    pub time: Time,
    /// The replica.
    pub by: Option<ReplicaId>,
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            Some(by) => write!(f, "{}by{by:?}", self.time),
            None => write!(f, "{}", self.time),
        }
    }
}

/// What a replica knows of an update that it makes, beside what the client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Its name.
    pub dot: Dot,
    /// When it is made.
    pub time: Timestamp,
    /// The replica that runs on the node which the update speaks of, as far as this one knows.
    pub addressee: Option<ReplicaId>,
}

/// A hybrid clock: it shows what the node's clock shows, rounded down to the resolution, but always more than what it
/// has shown or seen (Lamport 1978, with physical time where that is ahead, as in the hybrid logical clocks of Kulkarni
/// and others, 2014). So an update is later than all that its replica knew when it made it, whatever clocks do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Clock {
    latest: Time,
    resolution: Span,
}

impl Clock {
    /// A clock that has shown nothing; its resolution is above zero.
    pub fn new(resolution: Span) -> Self {
        assert!(resolution > Span::ZERO, "a clock has some resolution: {resolution}");
        Clock { latest: Time::ZERO, resolution }
    }

    /// What it shows if it is read now and the node's clock is at `now`. [`Clock::observe`] makes it so.
    pub fn next(&self, now: Time) -> Time {
        let rounded = Time(now.0 - now.0 % self.resolution.0);
        rounded.max(self.latest + Span(1))
    }

    /// Sees an instant that it or another clock has shown.
    pub fn observe(&mut self, seen: Time) {
        self.latest = self.latest.max(seen);
    }

    /// The latest instant that it has shown or seen.
    pub fn latest(&self) -> Time {
        self.latest
    }
}
