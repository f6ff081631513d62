//! §5.1, Raft basics: terms, and what is on stable storage (Figure 2).

use seedbed_models::replication::raft::settings::Timer;

use crate::say::*;
use crate::setup::*;

// "If one server's current term is smaller than the other's, then it updates its current term to the larger value."
#[test]
fn a_follower_adopts_a_later_term_and_writes_it_down() {
    let mut server = follower_with_log(3, plain(), 1, &[]);
    let did = server.message(S2, heartbeat(4, (0, 0), 0));
    assert_eq!(did.appended(), [term_and_vote(4, None)]);
    assert_eq!(term(&server), 4);
}

// "If a candidate or leader discovers that its term is out of date, it immediately reverts to follower state."
#[test]
fn a_candidate_that_sees_a_later_term_is_a_candidate_no_more() {
    let mut server = candidate(3, plain());
    server.message(S2, request_vote(5, (0, 0)));
    assert_eq!(term(&server), 5);
    // The votes that it had asked for come too late, and so would those of the new term, in which it does not stand.
    server.message(S2, vote(1, true));
    server.message(S3, vote(5, true));
    assert!(!leads(&server));
}

#[test]
fn a_leader_that_sees_a_later_term_steps_down() {
    let mut server = leader(3, plain());
    let did = server.message(S2, heartbeat(2, (1, 1), 0));
    assert!(!leads(&server));
    assert!(did.cancelled().contains(&Timer::Heartbeat));
    assert!(did.armed().iter().any(|(timer, _)| *timer == Timer::Election), "it waits for the new leader");
    assert_eq!(did.sent(), [(S2, appended(2, 1))], "and follows it at once");
}

// Figure 2, rules for all servers: "If RPC request *or response* contains term T > currentTerm".
#[test]
fn responses_carry_terms_as_requests_do() {
    for response in [vote(2, false), refused(2, 1, 1, None), appended(2, 1)] {
        let mut server = leader(3, plain());
        let did = server.message(S2, response.clone());
        assert!(!leads(&server), "{response:?}");
        assert_eq!(did.appended(), [term_and_vote(2, None)], "{response:?}");
    }
}

// "If a server receives a request with a stale term number, it rejects the request."
#[test]
fn a_stale_append_entries_is_refused_with_the_current_term() {
    let mut server = follower_with_log(3, plain(), 3, &[1]);
    let did = server.message(S2, append_entries(2, (1, 1), noops(&[2]), 1));
    assert_eq!(term(&server), 3);
    assert_eq!(log_terms(&server), [1]);
    assert_eq!(commit(&server), 0);
    assert!(is_refusal(&did.sent_to(S2)[0]) && did.sent_to(S2)[0].term().is_some_and(|term| term.0 == 3));
    assert!(did.armed().is_empty(), "a deposed leader keeps nobody from standing");
}

#[test]
fn a_stale_request_for_a_vote_is_refused_with_the_current_term() {
    let mut server = follower_with_log(3, plain(), 3, &[]);
    let did = server.message(S2, request_vote(2, (9, 2)));
    assert_eq!(did.sent(), [(S2, vote(3, false))]);
    assert!(!did.wrote() && did.armed().is_empty());
}

#[test]
fn a_stale_snapshot_is_refused_with_the_current_term() {
    let mut server = follower_with_log(3, plain(), 3, &[1]);
    let did = server.message(S2, install_snapshot(2, crate::section_7_compaction::snapshot(5, 2, &[7])));
    assert!(is_refusal(&did.sent_to(S2)[0]));
    assert_eq!((commit(&server), value(&server)), (0, vec![]));
}

#[test]
fn stale_responses_change_nothing() {
    let mut server = new_leader_with_log(3, plain(), 4, &[]);
    for response in [appended(4, 1), vote(4, true), refused(4, 1, 1, None)] {
        assert!(server.message(S2, response).is_empty());
    }
    assert_eq!(commit(&server), 0);
}

// Figure 2: "Updated on stable storage before responding to RPCs".
#[test]
fn a_vote_leaves_when_it_is_on_disk() {
    let mut server = follower_with_slow_disk(3, plain());
    let did = server.message(S2, request_vote(1, (0, 0)));
    assert_eq!(did.sent(), [(S2, vote(1, true))]);
    assert!(did.released().is_empty());
    assert_eq!(server.synced().messages_released(), [(S2, vote(1, true))]);
}

#[test]
fn an_acknowledgement_leaves_when_the_entries_are_on_disk() {
    let mut server = follower_with_slow_disk(3, plain());
    let did = server.message(S2, append_entries(1, (0, 0), noops(&[1]), 0));
    assert_eq!(did.appended(), [term_and_vote(1, None), entry(noop(1))]);
    assert!(did.released().is_empty());
    assert_eq!(server.synced().messages_released(), [(S2, appended(1, 1))]);
}

// A vote that a crash takes back was never given: nobody has heard of it.
#[test]
fn a_vote_that_was_not_on_disk_at_a_crash_is_free_again() {
    let mut server = follower_with_slow_disk(3, plain());
    server.message(S2, request_vote(1, (0, 0)));
    server.restart(new_server(S1, 3, plain()));
    server.message(S3, request_vote(1, (0, 0)));
    assert_eq!(server.synced().messages_released(), [(S3, vote(1, true))]);
}

// Terms "increase monotonically over time": also over a crash.
#[test]
fn a_server_restarts_in_the_term_that_it_had_entered() {
    let mut server = follower(3, plain());
    server.message(S2, heartbeat(6, (0, 0), 0));
    server.restart(new_server(S1, 3, plain()));
    assert_eq!(term(&server), 6);
    assert_eq!(server.message(S3, request_vote(5, (9, 5))).sent(), [(S3, vote(6, false))]);
}
