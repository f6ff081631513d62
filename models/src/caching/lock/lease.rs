//! How long a client may rely on its lease: Redlock's *validity time*.
//!
//! The server keeps the lease for its time to live on its own clock, from when it *executed* the request. The client counts
//! from when it *sent* the request, and subtracts what four things may cost: clocks that drift, as with Raft's leases; clocks
//! that are stepped, within a bound; two milliseconds for the rounding of expiry times, as implementations of Redlock do;
//! and a pause of the client, in which it cannot see that its lease is over.

use seedbed_sim::{Span, Time};
use serde::{Deserialize, Serialize};

/// The lease under which a lock is held, and the bounds on clocks and pauses that it relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseSettings {
    /// The time to live: how long the server keeps the lock for a client that it hears nothing of.
    pub ttl: Span,
    /// How often a client's watchdog extends its lease; never, if there is no watchdog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew: Option<Span>,
    /// The bound on the drift of clocks, fast or slow, in parts per million.
    pub drift_ppm: u32,
    /// The bound on a clock's offset from true time.
    #[serde(alias = "apart")]
    pub max_offset: Span,
    /// The longest pause of a client that does no harm.
    #[serde(alias = "grace")]
    pub max_pause: Span,
}

/// The granularity of expiry times, on both sides.
const ROUNDING: Span = Span::ms(2);

impl LeaseSettings {
    /// The validity time of a lease, on the client's clock.
    pub fn validity(&self) -> Span {
        const MILLION: u128 = 1_000_000;
        let drift = u128::from(self.drift_ppm).min(MILLION);
        let slow = Span((u128::from(self.ttl.0) * (MILLION - drift) / (MILLION + drift)) as u64);
        // Within one lease the clocks of the server and of the client may each move from one end of the bound to the other.
        slow - ROUNDING - self.max_pause - self.max_offset * 4
    }

    /// Until when a client may rely on a lease that it requested at `sent`, on its clock.
    pub fn valid_until(&self, sent: Time) -> Time {
        sent + self.validity()
    }
}
