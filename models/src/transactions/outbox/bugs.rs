//! The bugs that one can plant. Each changes one rule of the protocol, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        PublishBeforeCommit = "publish-before-commit",
            "a service publishes first and then commits, or does not" => "outbox/no_creation",
        MarkSentBeforeSend = "mark-sent-before-send",
            "a relay marks a message as sent, and then sends it" => "outbox/at_least_once",
        DedupWindowTooShort = "dedup-window-too-short",
            "a consumer remembers only the last message that it has applied" => "outbox/exactly_once",
        RelayReorders = "relay-reorders",
            "a relay takes the newest message of an aggregate first" => "outbox/in_order",
        PublishBeforeDurable = "publish-before-durable",
            "a service publishes what it commits while the commit is on its way to the disk" => "outbox/no_creation",
        AnswerBeforeDurable = "answer-before-durable",
            "a service tells the client that it has committed while the commit is on its way to the disk"
                => "outbox/answers_kept",
        EndAnsweredOnce = "end-answered-once",
            "a broker that knows already how a transaction ended does not acknowledge it again" => "outbox/nothing_open",
    }
}
