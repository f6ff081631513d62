//! The bugs that one can plant. Each changes one rule of the protocol, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        PreCommitSkipped = "pre-commit-skipped",
            "a coordinator that has all votes commits at once, while others do not know that all voted yes" => "three_phase_commit/ac1_agreement",
        TerminationFromUncertainCommits = "termination-from-uncertain-commits",
            "the survivors commit when none of them knows whether all voted yes" => "three_phase_commit/ac3_only_if_all_yes",
        RecoversToCommit = "recovers-to-commit",
            "a participant that had pre-committed commits when it recovers, and asks nobody" => "three_phase_commit/ac1_agreement",
        SilenceUnnoticed = "silence-unnoticed",
            "a participant that has voted yes waits for its coordinator for ever" => "three_phase_commit/non_blocking",
        RecoversWithoutAsking = "recovers-without-asking",
            "a coordinator that recovers does not ask what became of what it had not decided" => "three_phase_commit/nothing_open",
    }
}
