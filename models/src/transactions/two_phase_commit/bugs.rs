//! The bugs that one can plant. Each changes one rule of the protocol, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        DecisionNotLogged = "decision-not-logged",
            "a coordinator tells others to commit and does not write it down" => "two_phase_commit/ac1_agreement",
        VoteNotLogged = "vote-not-logged",
            "a participant votes yes and does not write it down" => "two_phase_commit/locks_held_until_known",
        CommitOnTimeout = "commit-on-timeout",
            "a coordinator takes a vote that does not come for a yes" => "two_phase_commit/ac3_only_if_all_yes",
        TimeoutAbortsAll = "timeout-aborts-all",
            "a coordinator that waits in vain for the votes of one transaction aborts all that it waits for"
                => "two_phase_commit/ac4_no_needless_abort",
        UnilateralAbortAfterYes = "unilateral-abort-after-yes",
            "a participant that has voted yes and hears nothing aborts" => "two_phase_commit/ac1_agreement",
        PresumeWrong = "presume-wrong",
            "a coordinator presumes the opposite of what was agreed for what it does not know" => "two_phase_commit/ac1_agreement",
        ForgetBeforeAcks = "forget-before-acks",
            "a coordinator forgets a decision before all have acknowledged it" => "two_phase_commit/ac1_agreement",
        AcknowledgesOnce = "acknowledges-once",
            "a participant acknowledges a decision only if it was in doubt about it" => "two_phase_commit/nothing_open",
    }
}
