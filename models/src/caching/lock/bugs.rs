//! The bugs that one can plant. Each changes one rule of a lock, at the place where the rule stands.

use crate::caching::lock::kind::Kind;

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        ReleaseWithoutToken = "release-without-token",
            "a holder deletes the key without a look at whose it is" => "lock/only_holder_releases",
        RenewAfterExpiry = "renew-after-expiry",
            "the watchdog goes on after the lease is over, and extends whatever lock is there" => "lock/exclusion",
        TtlNotSetAtomically = "ttl-not-set-atomically",
            "the key is set first, and its time to live afterwards" => "lock/freed_after_crash",
        FencingNotChecked = "fencing-not-checked",
            "the resource accepts a write with an older token than it has seen" => "lock/fencing",
        RedlockMinority = "redlock-minority",
            "a client holds the lock when two of five masters say so" => "lock/exclusion",
        RedlockIgnoresElapsed = "redlock-ignores-elapsed",
            "a client counts its lease from the last answer, not from its first question" => "lock/exclusion",
        WatchNextInsteadOfPrevious = "watch-next-instead-of-previous",
            "a waiter watches the key behind its own, and not the one before" => "lock/exclusion",
    }
}

impl Bug {
    /// The locks that have the rule which this breaks.
    pub(super) fn kinds(self) -> &'static [Kind] {
        match self {
            Bug::ReleaseWithoutToken | Bug::RenewAfterExpiry | Bug::TtlNotSetAtomically => {
                &[Kind::Redis, Kind::Redlock]
            }
            Bug::FencingNotChecked => &[Kind::Redis, Kind::RedisFailover, Kind::Redlock, Kind::Raft],
            Bug::RedlockMinority | Bug::RedlockIgnoresElapsed => &[Kind::Redlock],
            Bug::WatchNextInsteadOfPrevious => &[Kind::Raft],
        }
    }
}
