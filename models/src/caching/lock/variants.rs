//! The configurations that sweeps draw.

use proptest::prelude::*;
use seedbed_sim::Span;

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::kind::Kind;
use crate::caching::lock::lease::LeaseSettings;
use crate::caching::lock::model::{Lock, SHORTEST_ON_RAFT};
use crate::parts::redis::Persistence;

impl Lock {
    /// Every kind; long leases and short ones; with fencing, or relying on the lock alone. With a planted bug, those kinds
    /// that have the rule which it breaks, where it can show.
    pub(super) fn variants_for(&self, bug: Option<Bug>) -> BoxedStrategy<Self> {
        let model = self.clone();
        let kinds = bug.map_or(&Kind::ALL[..], Bug::kinds);
        let kind = prop::sample::select(kinds.to_vec());
        let ttl = prop_oneof![1 => Just(Span::ms(150)), 2 => Just(Span::ms(300)), 1 => Just(Span::ms(600))];
        let step = prop_oneof![Just(Span::ms(2)), Just(Span::ms(10)), Just(Span::ms(40))];
        let lease = (ttl, prop::bool::weighted(0.5), Allowance::any());
        let request_timeout = prop_oneof![2 => Just(self.request_timeout), 1 => Just(Span::ms(20))];
        let retry_delay = prop_oneof![1 => Just(self.retry_delay), 1 => Just(Span::ms(10))];
        let down_after = prop_oneof![Just(Span::ms(40)), Just(self.down_after)];
        let timeout = self.acquire_timeout;
        let acquire_timeout = prop_oneof![2 => Just(timeout), 1 => Just(timeout * 3), 1 => Just(timeout * 5)];
        let redis = (retry_delay, down_after, acquire_timeout);
        (kind, any::<(bool, bool)>(), lease, step, request_timeout, redis)
            .prop_map(move |(kind, (fencing, durable), (ttl, watchdog, allowance), step, request_timeout, redis)| {
                let (retry_delay, down_after, acquire_timeout) = redis;
                let fencing = bug.and_then(Bug::needs_fencing).unwrap_or(fencing);
                let persistence = if fencing || durable { Persistence::Always } else { Persistence::Never };
                let watchdog = watchdog || kind == Kind::Raft || bug == Some(Bug::RenewAfterExpiry);
                let ttl = if kind == Kind::Raft { ttl.max(SHORTEST_ON_RAFT) } else { ttl };
                let usual = LeaseSettings { ttl, ..model.lease };
                // A planted bug is looked for where clients have most of the lease to work in.
                let lease = if bug.is_some() { usual } else { allowance.of(usual, step) };
                let renew = Span(lease.ttl.0 / 3).min(Span(lease.validity().0 / 2));
                let lease = LeaseSettings { renew: watchdog.then_some(renew), ..lease };
                let variant = Lock { kind, fencing, persistence, lease, step, request_timeout, ..model.clone() };
                Lock { retry_delay, down_after, acquire_timeout, ..variant }
            })
            .boxed()
    }
}

/// What of a lease is left to clocks and pauses: parts of the time to live that a holder does not rely on. The rest is for one
/// step of work at least.
#[derive(Clone, Copy, Debug)]
enum Allowance {
    /// What is configured.
    Usual,
    /// So many thousandths for a pause, and the same number of those that are left for clocks that step.
    Thousandths { pause: u64, offset: u64 },
    /// Clocks that never step, and run fast or slow by so much.
    Drift { ppm: u32 },
}

impl Allowance {
    fn any() -> impl Strategy<Value = Allowance> {
        let part = || prop_oneof![1 => Just(0u64), 2 => 0..1_000u64, 1 => Just(1_000u64)];
        prop_oneof![
            2 => Just(Allowance::Usual),
            3 => (part(), part()).prop_map(|(pause, offset)| Allowance::Thousandths { pause, offset }),
            1 => (1_000..150_000u32).prop_map(|ppm| Allowance::Drift { ppm }),
        ]
    }

    fn of(self, usual: LeaseSettings, step: Span) -> LeaseSettings {
        match self {
            Allowance::Usual => usual,
            Allowance::Drift { ppm } => LeaseSettings { max_offset: Span::ZERO, drift_ppm: ppm, ..usual },
            Allowance::Thousandths { pause, offset } => {
                let none = LeaseSettings { max_pause: Span::ZERO, max_offset: Span::ZERO, ..usual };
                // Room for an answer to arrive before the step begins.
                let room = none.validity() - step - Span::ms(10);
                let max_pause = Span(room.0 / 1_000 * pause);
                // Clocks cost four times their bound: see `LeaseSettings::validity`.
                let max_offset = Span((room - max_pause).0 / 4_000 * offset);
                LeaseSettings { max_pause, max_offset, ..usual }
            }
        }
    }
}
