//! The states worth reaching.

seedbed_sim::marks! {
    ACKED_AFTER_A_RETRY = "acknowledged after a retry",
    BROKER_FENCED = "broker fenced",
    CONTROLLER_ELECTED = "controller elected",
    DUPLICATE_APPENDED_ONCE = "batch that came twice was appended once",
    ISR_EXPANDED = "in-sync replicas expanded",
    ISR_SHRUNK = "in-sync replicas shrunk",
    LED_AFTER_ANOTHER = "partition led by another broker than before",
    NOT_ENOUGH_REPLICAS = "not enough replicas",
    OUT_OF_ORDER = "batch out of order",
    RECORD_GIVEN_UP = "record given up",
    REGISTERED_AGAIN = "broker registered again",
    TRUNCATED = "log truncated by leader epoch",
}
