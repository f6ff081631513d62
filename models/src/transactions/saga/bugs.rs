//! The bugs that one can plant. Each changes one rule of the protocol, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        CompensationNotIdempotent = "compensation-not-idempotent",
            "a service that is asked again to compensate does it again" => "saga/at_most_once",
        ForgetsOnCoordinatorCrash = "forgets-on-coordinator-crash",
            "who restarts does not go on with the sagas that were open" => "saga/every_saga_ends",
        Hanging = "hanging",
            "a late transaction is executed after its compensation" => "saga/transaction_before_compensation",
        WrongOrder = "wrong-order",
            "steps are compensated at once, not after those that depend on them" => "saga/all_or_compensated",
        CompensatesAfterPivot = "compensates-after-pivot",
            "the coordinator gives up a saga whose pivot may have been executed" => "saga/forward_past_the_pivot",
        AnswersAtAbort = "answers-at-abort",
            "a coordinator tells the client that a saga is cancelled when it begins to roll it back" => "saga/ended_when_told",
        OrderLeftPending = "order-left-pending",
            "the order service says that an order is confirmed and does not write that down"
                => "saga/stores_hold_what_was_answered",
        DuplicateUnacknowledged = "duplicate-unacknowledged",
            "a service does not acknowledge an event that it has handled before" => "saga/every_saga_ends",
    }
}
