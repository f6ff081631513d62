//! §5.5, follower and candidate crashes; and what is read back from stable storage (Figure 2).

use seedbed_models::replication::raft::record::WAL;
use seedbed_models::replication::raft::settings::Timer;
use seedbed_sim::WriteFate;

use crate::say::*;
use crate::setup::*;

// "If a follower receives an AppendEntries request that includes log entries already present in its log, it ignores those
// entries in the new request": RPCs are idempotent.
#[test]
fn append_entries_can_be_repeated() {
    let mut server = follower(3, plain());
    let message = append_entries(1, (0, 0), noops(&[1, 1]), 1);
    let first = server.message(S2, message.clone());
    let again = server.message(S2, message);
    assert_eq!(first.sent(), again.sent());
    assert!(!again.wrote());
    assert_eq!((log_terms(&server), commit(&server)), (vec![1, 1], 1));
}

#[test]
fn a_request_for_a_vote_can_be_repeated() {
    let mut server = follower(3, plain());
    let first = server.message(S2, request_vote(1, (0, 0)));
    let again = server.message(S2, request_vote(1, (0, 0)));
    assert_eq!(first.sent(), again.sent());
    assert!(!again.wrote(), "the vote is on disk already");
}

// Figure 2: log, term and vote are persistent; commitIndex and lastApplied are volatile.
#[test]
fn a_restarted_server_has_its_log_and_learns_anew_what_is_committed() {
    let mut server = follower(3, plain());
    let entries = [1, 2].map(|item| command(1, append_to_value(item))).to_vec();
    server.message(S2, append_entries(1, (0, 0), entries, 2));
    assert_eq!(value(&server), [1, 2]);
    server.restart(new_server(S1, 3, plain()));
    assert_eq!((log_terms(&server), commit(&server), value(&server)), (vec![1, 1], 0, vec![]));
    server.message(S2, heartbeat(1, (2, 1), 2));
    assert_eq!((commit(&server), value(&server)), (2, vec![1, 2]));
}

#[test]
fn a_truncation_is_remembered_over_a_crash() {
    let mut server = follower_with_log(3, plain(), 1, &[1, 1, 1]);
    server.message(S2, append_entries(2, (1, 1), noops(&[2]), 0));
    server.restart(new_server(S1, 3, plain()));
    assert_eq!((log_terms(&server), term(&server)), (vec![1, 2], 2));
}

#[test]
fn a_restarted_leader_is_a_follower() {
    let mut server = leader(3, plain());
    let did = server.restart(new_server(S1, 3, plain()));
    assert!(!leads(&server));
    assert!(did.sent().is_empty());
    assert!(matches!(did.armed()[..], [(Timer::Election, _)]));
}

// What was not synced was acknowledged to nobody, so it may be gone.
#[test]
fn an_unsynced_entry_may_be_lost_and_was_not_acknowledged() {
    let mut server = follower_with_slow_disk(3, plain());
    server.message(S2, append_entries(1, (0, 0), noops(&[1]), 0));
    server.synced();
    let did = server.message(S2, append_entries(1, (1, 1), noops(&[1]), 0));
    assert!(did.released().is_empty());
    server.restart(new_server(S1, 3, plain()));
    assert_eq!(log_terms(&server), [1]);
}

#[test]
fn a_torn_record_at_the_end_is_cut_off() {
    let mut server = follower_with_slow_disk(3, plain());
    server.message(S2, append_entries(1, (0, 0), noops(&[1, 1]), 0));
    // The term reached the disk, the first entry in part.
    let did = server.restart_with(new_server(S1, 3, plain()), |write| match write {
        0 => WriteFate::Kept,
        1 => WriteFate::Torn,
        _ => WriteFate::Lost,
    });
    assert!(did.wrote(), "the file is written anew without it");
    assert_eq!((term(&server), log_terms(&server)), (1, vec![]));
}

// A server that may have forgotten a vote or an entry that it acknowledged must not take part again.
#[test]
fn a_server_whose_durable_log_is_damaged_halts() {
    let mut server = follower_with_log(3, plain(), 1, &[1, 1]);
    server.corrupt(WAL, 1);
    let did = server.restart(new_server(S1, 3, plain()));
    assert!(did.halted().is_some());
    assert!(did.armed().is_empty() && did.sent().is_empty());
}
