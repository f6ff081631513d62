//! The states worth reaching.

seedbed_sim::marks! {
    ANSWERED_THROUGH_A_HELPER = "answered through a helper",
    CAME_BACK = "held dead, and came back",
    CLAIM_SENT_ENOUGH = "claim sent often enough",
    DECLARED_DEAD = "declared dead",
    HEALTH_WORSE = "local health worse",
    LATE_ANSWER = "answer after its period",
    LEFT = "left",
    NACK = "helper had no answer",
    OLD_CLAIM = "old claim",
    REFUTED = "refuted",
    RUMOUR_AGAIN = "rumour heard again",
    RUMOUR_PULLED = "rumour pulled",
    STOPPED = "stopped",
    SUSPECTED = "suspected",
    SUSPICION_ENDED = "suspicion refuted in time",
    SUSPICION_SHORTENED = "suspicion shared by another",
    SYNC_BROUGHT_NEWS = "an exchange of all claims brought news",
}
