//! How long a client may believe in its lease.
//!
//! The server lets the lease last `ttl` on its clock, from when it *executed* the request. The client counts from when it
//! *sent* it, and allows for four things: clocks that run `drift` fast or slow, as with Raft's leases; clocks that are
//! stepped, and never `apart` from true time by more; two milliseconds for what expiry is rounded to, as Redlock's
//! implementations do; and a pause of `grace`, in which it cannot see that its time is over.

use seedbed_sim::{Span, Time};
use serde::{Deserialize, Serialize};

/// The terms of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// How long the server keeps the lock for a client that says nothing.
    pub ttl: Span,
    /// How often a client's watchdog extends its lease; never, if there is no watchdog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew: Option<Span>,
    /// How fast or slow clocks run at most, in parts per million.
    pub drift_ppm: u32,
    /// How far a clock is from true time at most.
    pub apart: Span,
    /// How long a client may stand still without harm.
    pub grace: Span,
}

/// What expiry is rounded to.
const ROUNDING: Span = Span::ms(2);

impl Terms {
    /// How long the lease is good for on the client's clock.
    pub fn valid(&self) -> Span {
        const MILLION: u128 = 1_000_000;
        let drift = u128::from(self.drift_ppm).min(MILLION);
        let slow = Span((u128::from(self.ttl.0) * (MILLION - drift) / (MILLION + drift)) as u64);
        // Within one lease the server's clock and the client's may each move from one end of that to the other.
        slow - ROUNDING - self.grace - self.apart * 4
    }

    /// Until when a client may believe in a lease that it asked for at `sent`.
    pub fn until(&self, sent: Time) -> Time {
        sent + self.valid()
    }
}
