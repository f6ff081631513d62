//! The bugs that one can plant. Each changes one rule of a lock, at the place where the rule stands.

use crate::caching::lock::kind::Kind;

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        ReleaseWithoutToken = "release-without-token",
            "a holder deletes the key without a look at whose it is" => "lock/only_holder_releases",
        ValuePerClient = "value-per-client",
            "a client sets the key to the same value each time: a late release deletes its next lock" => "lock/only_holder_releases",
        SetWithoutNx = "set-without-nx",
            "a client sets the key though there is one" => "lock/granted_when_free",
        RenewAfterExpiry = "renew-after-expiry",
            "the watchdog goes on after the lease is over, and extends whatever lock is there" => "lock/exclusion",
        TtlNotSetAtomically = "ttl-not-set-atomically",
            "the key is set first, and its time to live afterwards" => "lock/freed_after_crash",
        FencingNotChecked = "fencing-not-checked",
            "the resource accepts a write with an older token than it has seen" => "lock/fencing",
        RefusesOwnToken = "refuses-own-token",
            "the resource refuses the token that it has seen last, and not only older ones" => "lock/answered_as_accepted",
        WriteAppliedTwice = "write-applied-twice",
            "the resource applies a write again that it is sent again" => "lock/written_once",
        AnswersBeforeAccepted = "answers-before-accepted",
            "a client has done its work when its last write is sent, and not when it is accepted" => "lock/answered_as_accepted",
        LeavesOnce = "leaves-once",
            "a client that has entered several times leaves once, and releases the lock" => "lock/counts_balance",
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
            Bug::ValuePerClient | Bug::SetWithoutNx => &[Kind::Redis, Kind::Redlock],
            Bug::FencingNotChecked | Bug::RefusesOwnToken => {
                &[Kind::Redis, Kind::RedisFailover, Kind::Redlock, Kind::Raft]
            }
            Bug::WriteAppliedTwice | Bug::AnswersBeforeAccepted | Bug::LeavesOnce => &Kind::ALL,
            Bug::RedlockMinority | Bug::RedlockIgnoresElapsed => &[Kind::Redlock],
            Bug::WatchNextInsteadOfPrevious => &[Kind::Raft],
        }
    }

    /// Whether it shows only where the resource checks tokens, or only where it does not: what a lock alone promises shows
    /// only where it is relied on. `None` if it shows in both.
    pub(super) fn needs_fencing(self) -> Option<bool> {
        match self {
            Bug::FencingNotChecked | Bug::RefusesOwnToken => Some(true),
            Bug::SetWithoutNx | Bug::WriteAppliedTwice | Bug::AnswersBeforeAccepted | Bug::LeavesOnce => None,
            _ => Some(false),
        }
    }
}
