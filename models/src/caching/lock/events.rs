//! What happens to a lock, as its client hears of it.

use seedbed_sim::Time;

use crate::caching::lock::messages::Token;

/// An event of a lock that a client has requested or holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockEvent {
    /// The client holds the lock.
    Acquired {
        /// The fencing token.
        token: Token,
        /// Until when the lease is valid, on the client's clock; until the release, if the lock has no lease.
        valid_until: Option<Time>,
    },
    /// The lease is valid until then, on the client's clock.
    Extended {
        /// Until when.
        valid_until: Time,
    },
    /// The client does not hold the lock any more.
    Lost,
}
