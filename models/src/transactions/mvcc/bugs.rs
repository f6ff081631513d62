//! The bugs that one can plant. Each changes one rule of the protocol, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        NoPrimaryCheck = "no-primary-check",
            "whoever meets a lock rolls it back without asking its primary" => "mvcc/all_or_nothing",
        ReadIgnoresLock = "read-ignores-lock",
            "a read does not wait for a lock that is older than its snapshot" => "mvcc/snapshot_isolation",
        StaleOracle = "stale-oracle",
            "an oracle hands out what it has reserved without asking whether it is still the one" =>
                "mvcc/snapshot_isolation",
        CommitTsBelowStartTs = "commit-ts-below-start-ts",
            "a client fetches the commit timestamp first and the start timestamp after it" => "mvcc/snapshot_isolation",
        CommitTsBeforeLocks = "commit-ts-before-locks",
            "a client fetches the commit timestamp before it has locked its secondaries" => "mvcc/snapshot_isolation",
        BlindWritesDropped = "blind-writes-dropped",
            "a client that has read nothing takes itself for one that only reads" => "mvcc/all_or_nothing",
        NoSireadMark = "no-siread-mark",
            "a row does not bear the marks of those who have read it" => "mvcc/serializable",
        PivotCommits = "pivot-commits",
            "a primary commits the pivot of a dangerous structure" => "mvcc/serializable",
        AddsToNothing = "adds-to-nothing",
            "a client adds to zero instead of to what it has read" => "mvcc/values_follow",
        ReadOnlyUnchecked = "read-only-unchecked",
            "a client that only reads marks nothing" => "mvcc/serializable",
        CommitOrderUnkept = "commit-order-unkept",
            "a transaction commits before one that relies on that it commits later" => "mvcc/serializable",
    }
}
