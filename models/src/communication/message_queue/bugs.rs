//! The bugs that one can plant. Each changes one rule, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        ConfirmBeforeSync = "confirm-before-sync",
            "a publish is confirmed when it has arrived, and not when it is on disk, or agreed on"
                => "message_queue/confirmed_is_kept",
        ConfirmMultipleOffByOne = "confirm-multiple-off-by-one",
            "a confirm of several publishes covers one that is still to be written" => "message_queue/confirmed_is_kept",
        RefusedButConfirmed = "refused-but-confirmed",
            "a publish that a full queue has refused is confirmed" => "message_queue/confirmed_is_kept",
        MandatoryIgnored = "mandatory-ignored",
            "a mandatory message without a route is confirmed, and not returned" => "message_queue/mandatory_is_returned",
        HashNeedsAWord = "hash-needs-a-word",
            "in topic patterns # does not match nothing" => "message_queue/routed_as_bound",
        AckNotWritten = "ack-not-written",
            "a classic queue executes an ack, and does not write it to its log"
                => "message_queue/acked_is_never_delivered_again",
        AckWrongTag = "ack-wrong-tag",
            "an ack settles the oldest delivery of its channel, whatever its tag" => "message_queue/acked_by_its_consumer",
        MultipleAckOffByOne = "multiple-ack-off-by-one",
            "an ack of several deliveries settles one more" => "message_queue/acked_by_its_consumer",
        RequeueDuplicates = "requeue-duplicates",
            "a message that is requeued is put into its queue twice" => "message_queue/conservation",
        RequeueToTail = "requeue-to-tail",
            "a classic queue puts a message that is requeued behind all others" => "message_queue/publish_order",
        UnackedLostOnClose = "unacked-lost-on-close",
            "what a connection had not acknowledged goes with it" => "message_queue/conservation",
        DeliveredTwice = "delivered-twice",
            "a message is delivered to two consumers at once" => "message_queue/one_owner",
        PrefetchIgnored = "prefetch-ignored",
            "a consumer is sent all that is ready" => "message_queue/prefetch",
        SingleActiveIgnored = "single-active-ignored",
            "all consumers of a queue with a single active consumer are served" => "message_queue/single_active_consumer",
        RedeliveredNotSaid = "redelivered-not-said",
            "a message that was delivered before is delivered without the flag" => "message_queue/redelivered_is_said",
        ExpiresWithTheHead = "expires-with-the-head",
            "when the head of a queue expires, all behind it does" => "message_queue/never_early",
        DeliversExpired = "delivers-expired",
            "a consumer that becomes free gets a message whose time is over" => "message_queue/expired_is_not_delivered",
        DlxLostOnCrash = "dlx-lost-on-crash",
            "that a message has left its queue is on disk, and not that it has come into another one"
                => "message_queue/dead_letters_arrive",
        DeathCountReset = "death-count-reset",
            "a message that dies again in a queue is as if it died there for the first time" => "message_queue/deaths_are_counted",
        LimitIgnoresTheFirst = "limit-ignores-the-first",
            "a message that is delivered once more than allowed is delivered once more yet" => "message_queue/delivery_limit",
        DeadLettersTwice = "dead-letters-twice",
            "a message that is delivered too often is dead-lettered, and requeued" => "message_queue/conservation",
        ConsumerNotRecovered = "consumer-not-recovered",
            "a client that connects again declares its topology, and does not subscribe" => "message_queue/ready_is_delivered",
        TakeoverForgotten = "takeover-forgotten",
            "a new leader does not return what the connections to the old one had not acknowledged"
                => "message_queue/ready_is_delivered",
    }
}
