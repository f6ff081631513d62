//! The bugs that one can plant. Each changes one rule, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        TruncateToHighWatermark = "truncate-to-high-watermark",
            "a follower truncates its log to its high watermark, and does not ask its leader where its last epoch ends"
                => "log_broker/committed_is_kept",
        SequenceNotReplicated = "sequence-not-replicated",
            "a follower does not look at the sequence numbers of what it appends" => "log_broker/idempotent_once",
        HwAdvancesOnLeaderAlone = "hw-advances-on-leader-alone",
            "the high watermark is the end of the leader's log, whatever its followers have" => "log_broker/committed_is_kept",
        AbortMarkerIgnored = "abort-marker-ignored",
            "who reads what is committed does not leave out the records of aborted transactions"
                => "log_broker/read_committed",
        EndTxnAppliesToNext = "end-txn-applies-to-next",
            "a producer keeps its epoch from one transaction to the next, so that a late marker of the one ends the other (KIP-890)"
                => "log_broker/all_or_none",
        StaleIsrAfterRejoin = "stale-isr-after-rejoin",
            "a broker that has restarted without what it had in memory stays in sync" => "log_broker/committed_is_kept",
        NoGenerationFencing = "no-generation-fencing",
            "positions are committed whatever member and generation they are of" => "log_broker/commits_are_of_members",
        StaticMemberNotFenced = "static-member-not-fenced",
            "a member whose group.instance.id another has taken over is answered as if it were still that"
                => "log_broker/commits_are_of_members",
        CooperativeOwnsTwice = "cooperative-owns-twice",
            "the cooperative assignor gives a partition to its next owner before the last one has given it back"
                => "log_broker/one_owner",
        CommitBeforeProcess = "commit-before-process",
            "a consumer commits what it is about to process" => "log_broker/committed_when_processed",
    }
}
