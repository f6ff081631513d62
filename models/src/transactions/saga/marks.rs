//! The states worth reaching.

seedbed_sim::marks! {
    BACKWARD_RECOVERY = "backward recovery",
    BACKWARD_RECOVERY_AFTER_A_RESTART = "backward recovery after a restart",
    COMPENSATED = "compensated",
    COMPENSATED_IN_A_DEEP_PLAN = "compensated in a deep plan",
    COORDINATOR_RECOVERS_AN_OPEN_SAGA = "coordinator recovers an open saga",
    EMPTY_COMPENSATION = "empty compensation",
    EVENT_DROPPED_AS_A_DUPLICATE = "event dropped as a duplicate",
    EVENT_SENT_AGAIN = "event sent again",
    FORWARD_RECOVERY_AFTER_A_RESTART = "forward recovery after a restart",
    LATE_TRANSACTION_REFUSED = "late transaction refused",
    OUTBOX_RECOVERED = "outbox recovered",
    PIVOT_REFUSED = "pivot refused",
    REFUSED_BY_A_SEMANTIC_LOCK = "refused by a semantic lock",
    REPEATED_STEP_ANSWERED_FROM_THE_JOURNAL = "repeated step answered from the journal",
    SAGA_GIVEN_UP = "saga given up",
    STEP_ASKED_FOR_AGAIN = "step asked for again",
    TRANSACTION_REFUSED = "transaction refused",
}
