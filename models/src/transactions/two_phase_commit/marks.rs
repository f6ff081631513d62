//! The states worth reaching.

seedbed_sim::marks! {
    A_PEER_IS_IN_DOUBT_AS_WELL = "a peer is in doubt as well",
    A_PEER_KNEW = "a peer knew",
    DECISION_TOLD_AGAIN = "decision told again",
    IN_DOUBT_FOR_LONG = "in doubt for long",
    PRESUMED_ABORT = "presumed abort",
    PRESUMED_COMMIT = "presumed commit",
    RECOVERED_A_DECISION_THAT_ALL_MUST_KNOW = "recovered a decision that all must know",
    RECOVERED_IN_DOUBT = "recovered in doubt",
    REQUEST_ASKED_AGAIN = "request asked again",
    REQUEST_OF_AN_EARLIER_INCARNATION = "request of an earlier life",
    VOTED_NO = "voted no",
    VOTED_NO_WITHOUT_A_RECORD = "voted no without a record",
    VOTED_READ_ONLY = "voted read-only",
    VOTES_TIMED_OUT = "votes timed out",
}
