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
    }
}
