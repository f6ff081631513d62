//! The bugs that one can plant.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        NoGenerationFencing = "no-generation-fencing",
            "an offset commit is accepted whatever generation and member it is of" => "log_broker/commits_are_of_the_generation",
        StaticMemberNotFenced = "static-member-not-fenced",
            "a member whose group.instance.id another has taken over is answered as if it were still that" => "log_broker/one_owner",
        CooperativeOwnsTwice = "cooperative-owns-twice",
            "the cooperative assignor gives a partition to its new owner before the old one has revoked it" => "log_broker/one_owner",
        CommitBeforeProcess = "commit-before-process",
            "a consumer commits the position of its fetch, and not what it has processed" => "log_broker/committed_when_processed",
        CompactionDropsLast = "compaction-drops-last",
            "compaction keeps the first record of a key, and not the last" => "log_broker/compaction_keeps_the_last",
        TombstoneDroppedEarly = "tombstone-dropped-early",
            "a tombstone is dropped in the compaction that it first takes part in" => "log_broker/tombstones_stay",
    }
}
