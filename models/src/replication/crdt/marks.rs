//! The states worth reaching.
//!
//! Those that are reached in one of some thousand worlds are not demanded of a sweep: a log of which more is damaged than its
//! end, three disks that are lost at once, and clocks that are wrong by more than lies between two births of a node's replicas.
//! Tests of their own go through the latter two.

seedbed_sim::marks! {
    ACKNOWLEDGEMENT_OF_OR_BY_AN_EARLIER_REPLICA = "acknowledgement of or by an earlier replica",
    ASKED_BEFORE_IT_WAS_A_MEMBER = "asked before it was a member",
    DELTA_INTERVAL_SENT = "delta interval sent",
    DUPLICATE_OPERATION_DROPPED = "duplicate operation dropped",
    INTERVAL_MEANT_FOR_AN_EARLIER_REPLICA = "interval meant for an earlier replica",
    seldom JOINS_AGAIN_FROM_NOTHING = "joins again from nothing",
    LATE_DIGEST = "late digest",
    LET_IN_BY_ALL = "let in by all",
    seldom LOG_GIVEN_UP = "log given up",
    NOTHING_NEW_IN_A_STATE = "nothing new in a state",
    OPERATION_WAITS_FOR_ITS_CAUSES = "operation waits for its causes",
    OPERATIONS_SENT_AGAIN = "operations sent again",
    RECOVERED_FROM_DISK = "recovered from disk",
    SNAPSHOT_INSTALLED = "snapshot installed",
    seldom SNAPSHOT_OF_ANOTHER_PAST = "snapshot of another past",
    STATES_JOINED_THAT_HAD_BOTH_GONE_ON = "states joined that had both gone on",
    seldom TAKES_A_LATER_NAME = "takes a later name",
    TOMBSTONES_FORGOTTEN = "tombstones forgotten",
    UPDATE_REFUSED = "update refused",
    WHOLE_STATE_SENT_FOR_WANT_OF_DELTAS = "whole state sent for want of deltas",
    seldom WORD_OF_A_REPLICA_THAT_DOES_NOT_COUNT = "word of a replica that does not count",
}
