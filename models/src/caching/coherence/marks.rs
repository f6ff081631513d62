//! The states worth reaching, beside the entries of the transition tables.

seedbed_sim::marks! {
    BLOCK_EVICTED_FOR_WANT_OF_ROOM = "block evicted for want of room",
}
