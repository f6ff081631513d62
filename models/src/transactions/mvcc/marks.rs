//! The states worth reaching.

seedbed_sim::marks! {
    A_PREWRITE_MET_A_LOCK = "a prewrite met a lock",
    A_READ_MET_A_LOCK = "a read met a lock",
    ABANDONED_TRANSACTION_ROLLED_BACK = "abandoned transaction rolled back",
    CLIENT_TURNED_TO_THE_OTHER_ORACLE = "client turned to the other oracle",
    LOCKS_FOUND_AFTER_A_CRASH = "locks found after a crash",
    OLD_LOCK_SWEPT = "old lock swept",
    ORACLE_DEPOSED = "oracle deposed",
    ORACLE_TOOK_OVER = "oracle took over",
    READ_ONLY_TRANSACTION = "read-only transaction",
    SECONDARY_ROLLED_BACK = "secondary rolled back",
    SECONDARY_ROLLED_FORWARD = "secondary rolled forward",
    TIMESTAMPS_RESERVED = "timestamps reserved",
    TRANSACTION_GIVEN_UP = "transaction given up",
    TRANSACTION_ROLLED_BACK_BY_OTHERS = "transaction rolled back by others",
    WHAT_WAS_READ_HAS_CHANGED = "what was read has changed",
    WRITE_CONFLICT = "write conflict",
}
