//! The states worth reaching.

seedbed_sim::marks! {
    CAME_AGAIN = "message came again",
    CLOCK_BEHIND_A_MESSAGE = "clock behind what was received",
    HANDED_ON = "handed on another's message",
    NUMBERS_CAME_EARLY = "numbers came before their turn",
    RECOVERED_FROM_DISK = "recovered from disk",
    SENT_AGAIN = "sent again what another lacked",
    SUBMITTED_AGAIN = "submitted again to the leader",
    SUBMITTED_TWICE = "submitted twice, and in the sequence once",
    WAITS_FOR_ANOTHERS_MESSAGE = "waits for another's message",
    WAITS_FOR_AN_EARLIER_MESSAGE = "waits for an earlier message of its sender",
    WAITS_FOR_ITS_NUMBER = "waits for its number",
}
