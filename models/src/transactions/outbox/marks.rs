//! The states worth reaching.

seedbed_sim::marks! {
    CHECKED_BACK = "checked back",
    DELIVERED_AGAIN = "delivered again",
    DUPLICATE_FOUND_IN_THE_INBOX = "duplicate found in the inbox",
    HALF_MESSAGE_OF_A_FORGOTTEN_TRANSACTION = "half message of a forgotten transaction",
    HALF_MESSAGES_FOUND_AFTER_A_CRASH = "half messages found after a crash",
    OUTBOX_FOUND_AFTER_A_CRASH = "outbox found after a crash",
    TRANSACTION_ABORTED = "transaction aborted",
    WAITED_FOR_THE_AGGREGATE = "waited for the aggregate",
}
