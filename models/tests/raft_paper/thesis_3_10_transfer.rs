//! Thesis §3.10, leadership transfer extension.

use seedbed_models::replication::raft::Settings;
use seedbed_models::replication::raft::settings::Timer;
use seedbed_sim::OpId;

use crate::say::*;
use crate::setup::*;

// "3. The prior leader sends a TimeoutNow request to the target server", once their logs match.
#[test]
fn a_target_that_has_everything_is_told_to_stand_at_once() {
    let did = leader(3, plain()).message(CLIENT, transfer(S2));
    assert_eq!(did.sent_to(S2), [timeout_now(1)]);
    assert!(did.sent_to(CLIENT).is_empty(), "it still leads");
}

// "2. The prior leader fully updates the target server's log to match its own."
#[test]
fn a_target_that_lacks_entries_receives_them_first() {
    let mut server = leader(3, plain());
    server.invoke(OP, put(7));
    assert_eq!(server.message(CLIENT, transfer(S2)).sent_to(S2), []);
    assert_eq!(server.message(S3, appended(1, 2)).sent_to(S2), [], "another one that has everything is not the target");
    assert_eq!(server.message(S2, appended(1, 2)).sent_to(S2), [timeout_now(1)]);
}

// "1. The prior leader stops accepting new client requests."
#[test]
fn no_requests_are_taken_during_a_transfer() {
    let mut server = leader(3, plain());
    server.message(CLIENT, register(77));
    server.message(S2, appended(1, 2));
    server.message(CLIENT, transfer(S3));
    let refused = [request(2, 1, put(7)), register(78), reconfigure(group(2))];
    for asked in refused {
        let did = server.message(CLIENT, asked);
        assert!(did.sent().is_empty() && !did.wrote(), "the client will ask again: {did:?}");
    }
    let did = server.invoke(OpId(9), put(7));
    assert!(did.failed().contains(&OpId(9)) && !did.wrote(), "{did:?}");
}

// "If leadership transfer does not complete after about an election timeout, the prior leader aborts the transfer and resumes
// accepting client requests."
#[test]
fn a_transfer_that_takes_too_long_is_given_up() {
    let mut server = leader(3, plain());
    server.message(CLIENT, register(77));
    server.message(S2, appended(1, 2));
    let did = server.message(CLIENT, transfer(S3));
    assert_eq!(did.armed(), [(Timer::Transfer, plain().election_max)]);
    assert_eq!(server.timer(Timer::Transfer).sent(), [(CLIENT, transfer_given_up(S3))]);
    assert!(server.message(CLIENT, request(2, 1, put(7))).wrote());
    assert!(leads(&server));
}

#[test]
fn a_transfer_ends_when_the_target_leads() {
    let mut server = leader(3, plain());
    server.message(CLIENT, transfer(S2));
    let did = server.message(S2, request_vote_for_transfer(2, (1, 1)));
    assert_eq!(did.sent(), [(CLIENT, transferred(S2)), (S2, vote(2, true))]);
    assert!(did.cancelled().contains(&Timer::Transfer));
    assert!(!leads(&server));
}

// "This request has the same effect as the target server's election timer firing": it stands without waiting, and without a
// pre-vote, which those who hear the leader would refuse.
#[test]
fn the_target_stands_at_once() {
    for pre_vote in [false, true] {
        let mut server = follower(3, Settings { pre_vote, ..plain() });
        server.message(S2, append_entries(1, (0, 0), noops(&[1]), 1));
        let did = server.message(S2, timeout_now(1));
        assert_eq!(did.appended(), [term_and_vote(2, Some(S1))]);
        let asks = request_vote_for_transfer(2, (1, 1));
        assert_eq!(did.sent(), [(S2, asks.clone()), (S3, asks)]);
    }
}

#[test]
fn a_late_timeout_now_is_ignored() {
    let mut server = follower_with_log(3, plain(), 3, &[1]);
    let did = server.message(S2, timeout_now(2));
    assert!(did.is_empty());
    assert_eq!(term(&server), 3);
}

#[test]
fn a_server_without_a_vote_cannot_be_the_target() {
    let mut server = leader(3, plain());
    assert_eq!(server.message(CLIENT, transfer(S5)).sent(), [(CLIENT, transfer_given_up(S5))]);
    assert_eq!(server.message(CLIENT, transfer(S1)).sent(), [(CLIENT, transferred(S1))]);
    assert!(leads(&server) && server.due(&Timer::Transfer).is_none());
}

#[test]
fn one_transfer_at_a_time() {
    let mut server = leader(3, plain());
    server.invoke(OpId(1), put(7));
    server.message(CLIENT, transfer(S2));
    assert!(server.message(CLIENT, transfer(S3)).is_empty());
    assert_eq!(server.message(S3, appended(1, 2)).sent_to(S3), []);
}
