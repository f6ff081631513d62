//! The bugs that one can plant. Each changes one rule, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        NoMergeOnReceive = "no-merge-on-receive",
            "a Lamport clock counts on and does not look at the time of what is received" => "ordering/lamport_clock",
        VectorRestartsAtZero = "vector-restarts-at-zero",
            "a member that restarts begins its vector clock again" => "ordering/vector_clock",
        HlcIgnoresRemote = "hlc-ignores-remote",
            "a hybrid clock looks at its own node's clock only" => "ordering/hybrid_clock",
        GapSkipped = "gap-skipped",
            "a member delivers what comes before an earlier message of its sender" => "ordering/fifo_order",
        OtherCausesIgnored = "other-causes-ignored",
            "a member waits for earlier messages of the sender, and not for those which that had delivered"
                => "ordering/causal_order",
        CausalBufferDropsTies = "causal-buffer-drops-ties",
            "what waits for its causes is kept by its Lamport time alone, one message for each" => "ordering/agreement",
        AssignsBeforeSync = "assigns-before-sync",
            "the sequencer tells the numbers that it gives before they are on its disk, and gives them again after a crash"
                => "ordering/total_order",
        DeliveriesForgotten = "deliveries-forgotten",
            "a member that restarts does not know what it has delivered" => "ordering/no_duplication",
        AnsweredBeforeSync = "answered-before-sync",
            "a member tells its client that a message is delivered before that is on its disk"
                => "ordering/answered_is_delivered",
        AnswersOnce = "answers-once",
            "a member does not answer who asks again for what it was told, though the answer may be lost"
                => "ordering/members_fall_silent",
    }
}
