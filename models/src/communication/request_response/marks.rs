//! The states worth reaching.

seedbed_sim::marks! {
    ANSWERED_FROM_THE_TABLE = "answered from a completion record",
    CALL_CANCELLED = "call cancelled",
    CANCELLED_IN_THE_QUEUE = "cancelled in the queue of a back server",
    CAME_AGAIN_IN_THE_QUEUE = "came again while it waited in the queue",
    DEADLINE_IN_THE_QUEUE = "deadline passed in the queue of a back server",
    DEADLINE_AT_THE_FRONT = "deadline passed at a front server",
    DEADLINE_EXCEEDED = "deadline passed at the client",
    FRONT_SENT_AGAIN = "front server sent again",
    LATE_REPLY = "reply came after its call had ended",
    LEASE_CHECKED = "lease checked",
    RECORDS_DROPPED = "completion records dropped",
    SENT_AGAIN = "client sent again",
    SESSION_EXPIRED = "session expired",
    SESSION_ENDED_AT_A_BACK = "records of an expired session dropped",
    STALE = "stale request",
}
