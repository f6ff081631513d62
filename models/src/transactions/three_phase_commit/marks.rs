//! The states worth reaching. Those that a few hundred worlds need not reach are not demanded; longer sweeps reach them all.

seedbed_sim::marks! {
    A_COORDINATOR_ASKS_WHAT_WAS_DECIDED = "a coordinator asks what was decided",
    COMMITTED_WITHOUT_THOSE_WHO_FELL = "committed without those who fell",
    COORDINATOR_GIVEN_UP = "coordinator given up",
    ELECTED = "elected",
    RECOVERED_IN_DOUBT = "recovered in doubt",
    // The network is reliable here, so a request is lost only with a coordinator that crashes before it has begun.
    seldom REQUEST_ASKED_AGAIN = "request asked again",
    TERMINATED_ALL_UNCERTAIN = "terminated: all uncertain",
    TERMINATED_SOMEBODY_HAD_ABORTED = "terminated: somebody had aborted",
    TERMINATED_SOMEBODY_HAD_COMMITTED = "terminated: somebody had committed",
    TERMINATED_SOMEBODY_HAD_PRE_COMMITTED = "terminated: somebody had pre-committed",
    TOTAL_FAILURE_DECIDED_WHEN_ALL_HAD_RECOVERED = "total failure: decided when all had recovered",
    // All have to fall, and the first to fall must not be back when the last one is.
    seldom TOTAL_FAILURE_DECIDED_WHEN_THE_LAST_TO_FALL_HAD_RECOVERED = "total failure: decided when the last to fall had recovered",
    VOTED_NO = "voted no",
    VOTES_TIMED_OUT = "votes timed out",
}
