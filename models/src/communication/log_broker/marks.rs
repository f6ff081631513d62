//! The states worth reaching.

seedbed_sim::marks! {
    ACKED_AFTER_A_RETRY = "acknowledged after a retry",
    BROKER_FENCED = "broker fenced",
    CONTROLLER_ELECTED = "controller elected",
    DUPLICATE_APPENDED_ONCE = "batch that came twice was appended once",
    FETCH_SESSION_LOST = "fetch session lost",
    ISR_EXPANDED = "in-sync replicas expanded",
    ISR_SHRUNK = "in-sync replicas shrunk",
    LED_AFTER_ANOTHER = "partition led by another broker than before",
    MARKER_CAME_TWICE = "marker came twice",
    NOT_ENOUGH_REPLICAS = "not enough replicas",
    OUT_OF_ORDER = "batch out of order",
    PRODUCER_FENCED = "producer fenced",
    RECORD_GIVEN_UP = "record given up",
    REGISTERED_AGAIN = "broker registered again",
    TRANSACTION_ABORTED = "transaction aborted",
    TRANSACTION_COMMITTED = "transaction committed",
    TRANSACTION_TAKEN_OVER = "transaction taken over by another coordinator",
    TRANSACTION_TIMED_OUT = "transaction timed out",
    TRUNCATED = "log truncated by leader epoch",
}
