//! What a configuration tolerates: the faults under which its properties hold.

use seedbed_sim::{Crashes, FaultClass, Model, NodeId, Skew, Span, Tolerance};

use crate::caching::lock::kind::Kind;
use crate::caching::lock::model::{Lock, SERVERS};

/// What the message-passing locks tolerate over reliable links.
const BY_MESSAGES: &[FaultClass] = &[
    FaultClass::Loss,
    FaultClass::Dup,
    FaultClass::Reorder,
    FaultClass::Partition,
    FaultClass::Pause,
    FaultClass::Skew,
    FaultClass::Disk,
];

/// What a failover lock tolerates that is relied on alone: anything else may make the sentinel promote a replica that has not
/// heard of the lock.
const WITHOUT_FAILOVER: &[FaultClass] = &[FaultClass::Dup, FaultClass::Pause, FaultClass::Skew];

/// No world is longer than this.
const LONGEST_WORLD: Span = Span::secs(80);

impl Lock {
    pub(super) fn tolerated(&self) -> Tolerance {
        let relies_on_lease = self.kind.is_leased() && !self.fencing;
        let relies_on_sentinel = self.kind == Kind::RedisFailover && !self.fencing;
        let classes = match self.kind {
            Kind::RedisFailover if relies_on_sentinel => WITHOUT_FAILOVER,
            Kind::Redis | Kind::RedisFailover | Kind::Redlock | Kind::Raft => &FaultClass::USUAL,
            Kind::SuzukiKasami | Kind::RicartAgrawala | Kind::Maekawa => BY_MESSAGES,
        };
        // Tokens and messages bear any clock and any pause; a lease that is relied on those that its settings allow for.
        let longest = self.pause.unwrap_or(self.lease.max_pause);
        let (skew, pause) = match (relies_on_lease, relies_on_sentinel) {
            (false, _) => (Skew { offset: Span::secs(1), drift_ppm: 100_000 }, None),
            (true, false) => (self.skew(Span::secs(3_600)), Some(longest)),
            // The sentinel must not take a master for dead that is only paused, or itself for deaf. It hears of a master at
            // least every quarter of the time that it waits, and two fifths are for messages and late timers.
            (true, true) => (self.skew(Span(self.down_after.0 / 20)), Some(longest.min(Span(self.down_after.0 / 4)))),
        };
        let delay = relies_on_sentinel.then_some(Span(self.down_after.0 / 10));
        Tolerance { classes, crashes: self.crashes(), skew, pause, delay }
    }

    /// As many servers as the Raft group and Redlock can spare, or all at once, which is a loss of power; and clients come and
    /// go. Those that exclude each other by messages are servers themselves.
    fn crashes(&self) -> Crashes {
        let clients = self.client_ids().map(NodeId);
        if self.kind.is_leased() {
            Crashes::up_to(2, 0..SERVERS + 1).and_power_loss().and_clients(clients)
        } else {
            Crashes::up_to(2, SERVERS..self.size() as u16)
        }
    }

    /// The clocks that the lease allows for, or the world has. A clock is off by its step and by what it has drifted since,
    /// and steps back by both; one that never steps may drift by more.
    fn skew(&self, most: Span) -> Skew {
        let bound = self.offset.unwrap_or(self.lease.max_offset).min(most);
        if bound == Span::ZERO {
            return Skew { offset: Span::ZERO, drift_ppm: self.lease.drift_ppm };
        }
        let drifted = Span(bound.0 / 8);
        let drift_ppm = u128::from(drifted.0) * 1_000_000 / u128::from(LONGEST_WORLD.0);
        Skew {
            offset: bound - drifted,
            drift_ppm: u32::try_from(drift_ppm).unwrap_or(u32::MAX).min(self.lease.drift_ppm),
        }
    }
}
