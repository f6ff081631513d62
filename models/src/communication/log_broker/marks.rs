//! The states worth reaching.

seedbed_sim::marks! {
    ACKED_AFTER_A_RETRY = "acknowledged after a retry",
    BROKER_FENCED = "broker fenced",
    COMMIT_REFUSED = "commit of a consumer refused",
    CONSUMER_STOPPED = "fenced consumer stopped",
    CONTROLLER_ELECTED = "controller elected",
    DUPLICATE_APPENDED_ONCE = "batch that came twice was appended once",
    ISR_EXPANDED = "in-sync replicas expanded",
    ISR_SHRUNK = "in-sync replicas shrunk",
    LED_AFTER_ANOTHER = "partition led by another broker than before",
    NOT_ENOUGH_REPLICAS = "not enough replicas",
    OUT_OF_ORDER = "batch out of order",
    PARTITIONS_LOST = "consumer lost its partitions",
    PARTITIONS_REVOKED = "consumer gave partitions back",
    POLLED_TOO_LATE = "consumer polled too late",
    POSITION_RESET = "position of a consumer reset",
    RECORD_GIVEN_UP = "record given up",
    REGISTERED_AGAIN = "broker registered again",
    WENT_ON_FROM_A_COMMIT = "consumer went on from a commit",
    ZOMBIE_PROCESSED = "consumer processed what it has no more",
    TRUNCATED = "log truncated by leader epoch",
}
