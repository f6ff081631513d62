//! Thesis §6.4, processing read-only queries more efficiently: without the log, by the leader's read index.

use seedbed_models::replication::raft::Settings;
use seedbed_models::replication::raft::kv::Output;
use seedbed_models::replication::raft::settings::ReadMode;
use seedbed_sim::OpId;

use crate::say::*;
use crate::setup::*;

fn settings() -> Settings {
    Settings { reads: ReadMode::ReadIndex, ..plain() }
}

/// A leader whose state machine holds an item.
fn leader_with_an_item(size: u16) -> Bench {
    let mut server = leader(size, settings());
    server.invoke(OpId(100), put(7));
    acknowledged_by(&mut server, &others(size));
    server
}

// Steps 3 to 5: "it issues a new round of heartbeats and waits for their acknowledgments from a majority of the cluster"; then
// it answers from its state machine.
#[test]
fn a_read_is_answered_after_a_round_of_heartbeats() {
    let mut server = leader_with_an_item(3);
    let did = server.invoke(OP, get());
    assert!(!did.wrote(), "it takes no place in the log");
    assert!(did.completed().is_empty());
    let round = in_round(1, heartbeat(1, (2, 1), 2));
    assert_eq!(did.sent(), [(S2, round.clone()), (S3, round)]);
    let did = server.message(S3, in_round(1, appended(1, 2)));
    assert_eq!(did.completed(), [(OP, got(&[7]))]);
}

#[test]
fn a_minority_confirms_no_read() {
    let mut server = leader_with_an_item(5);
    server.invoke(OP, get());
    assert!(server.message(S2, in_round(1, appended(1, 2))).completed().is_empty());
    assert!(server.message(S2, in_round(1, appended(1, 2))).completed().is_empty());
    assert_eq!(server.message(S5, in_round(1, appended(1, 2))).completed().len(), 1);
}

// The round must have been sent after the read came: answers to earlier ones prove nothing.
#[test]
fn answers_to_an_earlier_round_confirm_no_later_read() {
    let mut server = leader_with_an_item(3);
    server.invoke(OpId(1), get());
    server.invoke(OpId(2), get());
    let did = server.message(S2, in_round(1, appended(1, 2)));
    assert_eq!(did.completed(), [(OpId(1), got(&[7]))]);
    // A later round confirms all that came before it.
    server.invoke(OpId(3), get());
    let did = server.message(S2, in_round(3, appended(1, 2)));
    assert_eq!(did.completed(), [(OpId(2), got(&[7])), (OpId(3), got(&[7]))]);
}

// A follower whose log does not agree follows this leader all the same.
#[test]
fn a_refusal_confirms_that_the_leader_leads() {
    let mut server = leader_with_an_item(3);
    server.invoke(OP, get());
    assert_eq!(server.message(S2, in_round(1, refused(1, 2, 2, None))).completed(), [(OP, got(&[7]))]);
}

// Step 1: "If the leader has not yet marked an entry from its current term committed, it waits until it has done so."
#[test]
fn a_new_leader_reads_nothing_before_its_first_commit() {
    let mut server = follower(3, settings());
    server.message(S3, append_entries(1, (0, 0), vec![command(1, put(7))], 0));
    elect(&mut server, &[S2]);
    let did = server.invoke(OP, get());
    assert!(did.sent().is_empty() && did.completed().is_empty());
    // The entry of the earlier leader is committed behind its own; then the round begins.
    let did = server.message(S2, appended(2, 2));
    assert!(did.completed().is_empty());
    let did = server.message(S2, in_round(1, appended(2, 2)));
    assert_eq!(did.completed(), [(OP, got(&[7]))], "what was committed before is seen");
}

// A read sees the writes that were answered before it came.
#[test]
fn a_read_sees_every_write_that_was_answered_before() {
    let mut server = leader_with_an_item(3);
    server.invoke(OpId(5), append_to_value(8));
    assert_eq!(server.message(S2, appended(1, 3)).completed(), [(OpId(5), Output::Done)]);
    server.invoke(OP, get());
    assert_eq!(server.message(S2, in_round(1, appended(1, 3))).completed(), [(OP, got(&[7, 8]))]);
}

// A leader that was deposed without knowing it never gets its round confirmed, and learns so from the answer.
#[test]
fn a_deposed_leader_answers_no_read() {
    let mut server = leader_with_an_item(3);
    server.invoke(OP, get());
    for follower in [S2, S3] {
        let did = server.message(follower, in_round(1, refused(2, 2, 3, None)));
        assert!(did.completed().is_empty());
    }
    assert!(!leads(&server));
}

#[test]
fn a_follower_answers_no_read() {
    assert_eq!(follower(3, settings()).invoke(OP, get()).failed(), [OP]);
}

#[test]
fn a_leader_alone_reads_at_once() {
    let mut server = new_leader(1, settings());
    assert_eq!(server.invoke(OP, get()).completed(), [(OP, got(&[]))]);
}

// §6.4 begins with this: reads that go through the log are right, and cost a write.
#[test]
fn a_read_through_the_log_is_an_entry() {
    let mut server = leader(3, plain());
    assert!(server.invoke(OP, get()).wrote());
    assert_eq!(server.message(S2, appended(1, 2)).completed(), [(OP, got(&[]))]);
}
