//! The states worth reaching.

seedbed_sim::marks! {
    ACKED_SEVERAL = "acknowledged several deliveries at once",
    BROKER_RESTARTED_WITH_MESSAGES = "broker restarted with messages",
    seldom CHANNEL_CLOSED_FOR_A_REASON = "channel closed for a reason",
    CLOSED_BY_SILENCE = "connection closed, for the other side was silent",
    CONFIRMED_SEVERAL = "confirmed several publishes at once",
    CONNECTION_UNKNOWN = "frame of an unknown connection",
    CONSUMER_CAME_BACK = "consumer came back",
    DELIVERY_OF_A_LOST_CONNECTION_DROPPED = "delivery of a lost connection dropped",
    GOT_NOTHING = "got nothing",
    LATE_CONNECTION_CLOSED = "late connection closed",
    LED_AGAIN_BY_ANOTHER = "another broker leads",
    PUBLISHED_AGAIN = "published again",
    PUBLISH_REFUSED = "publish refused",
    REDELIVERED = "redelivered",
    REDIRECTED = "redirected to who leads",
    RETURNED = "returned for want of a route",
    SENT_AGAIN = "sent again on a connection",
    SOMETHING_EXPIRED = "something expired",
    CAME_BACK_FROM_ITS_DELAY = "came back from its delay",
    FAILED_TO_PROCESS = "failed to process",
}
