//! The states of groups that are worth reaching.

seedbed_sim::marks! {
    GROUP_BEGAN_EMPTY = "empty group began to rebalance",
    GROUP_LOADED = "new coordinator has loaded a group",
    INITIAL_DELAY_EXTENDED = "first rebalance waited for more members",
    JOINED_AGAIN_IN_THE_SAME_GENERATION = "member asked again to join and was answered with its generation",
    LEADER_REPLACED = "leader of a group did not join again",
    MEMBER_EXPIRED = "session of a member expired",
    MEMBER_LEFT = "member left its group",
    MEMBER_FENCED = "replaced static member was fenced",
    MEMBER_TOO_LATE_TO_JOIN = "member did not join again in time",
    MEMBER_TOO_LATE_TO_SYNC = "member did not ask for its assignment in time",
    OLD_GENERATION_REFUSED = "commit of an old generation refused",
    OFFSETS_OF_A_TRANSACTION_COMMITTED = "offsets of a transaction committed",
    OFFSETS_OF_A_TRANSACTION_DROPPED = "offsets of a transaction dropped",
    STATIC_MEMBER_CAME_BACK = "static member came back without a rebalance",
    UNSTABLE_OFFSET = "offset fetched while a transaction was under way",
}
