//! Raft keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_models::replication::raft::Raft;
use seedbed_properties::replication::raft::suite;
use seedbed_sim::{Swarm, check, missed_bugs};

#[test]
fn raft_keeps_its_promises() {
    check(Raft::cluster(5)).suite(suite()).seeds(400).run();
}

#[test]
fn raft_of_three_keeps_its_promises() {
    check(Raft::cluster(3)).suite(suite()).seeds(200).run();
}

#[test]
fn raft_keeps_its_promises_while_the_group_changes_all_the_time() {
    check(Raft::restless()).properties(suite().properties).seeds(100).run();
}

#[test]
fn raft_works_where_nothing_breaks() {
    // Without faults nothing of what `sometimes` demands need happen, so only the properties are taken.
    check(Raft::cluster(5)).faults(Swarm::calm()).properties(suite().properties).seeds(50).run();
}

/// A rare bug shows in one of a thousand seeds; the kill matrix measures how rare each is.
const MOST_SEEDS: u64 = 20_000;

#[test]
fn raft_bugs_are_caught_by_the_properties_they_break() {
    let missed = missed_bugs(suite, 0..MOST_SEEDS);
    assert!(missed.is_empty(), "not caught by the property they break: {missed:?}");
}
