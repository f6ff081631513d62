//! The bugs that one can plant. Each changes one rule of the protocol, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        VoteNotPersisted = "vote-not-persisted",
            "a server forgets in a crash whom it voted for" => "raft/election_safety",
        TermNotPersisted = "term-not-persisted",
            "a server forgets in a crash which term it was in, and its vote with it" => "raft/election_safety",
        NoUpToDateCheck = "no-up-to-date-check",
            "votes go to candidates whose log is behind the voter's" => "raft/leader_completeness",
        CommitPriorTermByCounting = "commit-prior-term-by-counting",
            "a leader commits entries of earlier terms by counting copies (Figure 8)" => "raft/leader_completeness",
        TruncateOnStaleAppend = "truncate-on-stale-append",
            "a late AppendEntries cuts off entries that came after it" => "raft/state_machine_safety",
        CommitPastLastNewEntry = "commit-past-last-new-entry",
            "a follower commits entries that the leader has not verified" => "raft/state_machine_safety",
        NoTruncationOnConflict = "no-truncation-on-conflict",
            "a follower keeps entries that conflict with the leader's" => "raft/log_matching",
        ReadIndexWithoutHeartbeat = "read-index-without-heartbeat",
            "a leader answers reads without asking whether it still leads" => "raft/linearizable",
        SnapshotRegressesLog = "snapshot-regresses-log",
            "a late snapshot takes a follower back" => "raft/commit_index_monotonic",
        ApplyBeforeCommit = "apply-before-commit",
            "entries are applied when they are appended" => "raft/state_machine_safety",
        NoStepDownOnHigherTerm = "no-step-down-on-higher-term",
            "a leader that sees a higher term adopts it and leads on" => "raft/election_safety",
        SessionTableNotInSnapshot = "session-table-not-in-snapshot",
            "snapshots forget which commands were executed, so retries are executed again" => "raft/at_most_once",
        JointUsesOneMajority = "joint-uses-one-majority",
            "while the group changes, a majority of the new voters decides alone" => "raft/membership",
        LeaseReadWithoutClockBound = "lease-read-without-clock-bound",
            "a leader takes its lease to last for as long as it leads, whatever the clock says" => "raft/linearizable",
        ReplyBeforeSync = "reply-before-sync",
            "a follower acknowledges entries before they are durable" => "raft/leader_completeness",
        SingleServerChangeWithoutCommitInTerm = "single-server-change-without-commit-in-term",
            "a leader changes the group before it has committed anything of its term" => "raft/membership",
    }
}
