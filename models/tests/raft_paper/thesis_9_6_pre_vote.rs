//! Thesis §9.6, preventing disruptions when a server rejoins the cluster: pre-vote.

use seedbed_models::replication::raft::Settings;
use seedbed_models::replication::raft::settings::Timer;
use seedbed_sim::{Span, Time};

use crate::say::*;
use crate::setup::*;

fn settings() -> Settings {
    Settings { pre_vote: true, ..plain() }
}

// "A candidate only increments its term if it first learns from a majority of the cluster that they would be willing to grant
// the candidate their votes."
#[test]
fn a_server_asks_before_it_raises_its_term() {
    let mut server = follower_with_log(3, settings(), 4, &[1, 4]);
    let did = server.timer(Timer::Election);
    assert_eq!(did.sent(), [(S2, request_pre_vote(5, (2, 4))), (S3, request_pre_vote(5, (2, 4)))]);
    assert!(!did.wrote());
    assert_eq!(term(&server), 4);
    // A majority would: the election.
    let did = server.message(S3, pre_vote(5, true));
    assert_eq!(did.appended(), [term_and_vote(5, Some(S1))]);
    assert_eq!(did.sent(), [(S2, request_vote(5, (2, 4))), (S3, request_vote(5, (2, 4)))]);
    server.message(S2, vote(5, true));
    assert!(leads(&server));
}

// "The Pre-Vote algorithm solves the issue of a partitioned server disrupting the cluster when it rejoins. While a server is
// partitioned, it won't be able to increment its term."
#[test]
fn a_server_that_is_cut_off_stays_in_its_term() {
    let mut server = follower(3, settings());
    for _ in 0..10 {
        assert!(!server.timer(Timer::Election).wrote());
    }
    assert_eq!(term(&server), 0);
}

#[test]
fn pre_votes_are_no_votes() {
    let mut server = follower(5, settings());
    server.timer(Timer::Election);
    server.message(S2, pre_vote(1, true));
    server.message(S3, pre_vote(1, true));
    // It stands now; late answers to the question before count for nothing.
    server.message(S4, pre_vote(1, true));
    server.message(S5, pre_vote(1, true));
    assert!(!leads(&server));
    assert_eq!(term(&server), 1);
}

#[test]
fn a_refused_pre_vote_leaves_the_term_alone() {
    let mut server = follower(3, settings());
    server.timer(Timer::Election);
    server.message(S2, pre_vote(0, false));
    let did = server.message(S3, pre_vote(0, false));
    assert!(did.sent().is_empty() && !did.wrote());
    assert_eq!(term(&server), 0);
}

// The refusal of a server that is in a later term says so: the candidate is behind.
#[test]
fn a_refusal_brings_the_later_term() {
    let mut server = follower(3, settings());
    server.timer(Timer::Election);
    server.message(S2, pre_vote(6, false));
    assert_eq!(term(&server), 6);
}

// "The candidate's log is sufficiently up-to-date", and the voter has "not received heartbeats from a valid leader for at least
// a baseline election timeout".
#[test]
fn a_pre_vote_is_granted_by_who_would_vote() {
    let min = settings().election_min;
    let heard = Time::ms(1_000);
    let cases = [
        (min, (1, 1), 2, true),
        (min, (1, 2), 2, true),
        (min - Span(1), (1, 1), 2, false),
        (Span::ZERO, (9, 1), 2, false),
        (min, (0, 0), 2, false),
        (min, (1, 1), 1, false),
        (min, (1, 1), 9, true),
    ];
    for (after, last, term, granted) in cases {
        let mut server = follower(3, settings());
        server.at(heard).message(S2, append_entries(1, (0, 0), noops(&[1]), 0));
        let did = server.at(heard + after).message(S3, request_pre_vote(term, last));
        let answer = if granted { pre_vote(term, true) } else { pre_vote(1, false) };
        assert_eq!(did.sent(), [(S3, answer)], "{after} after the leader, log {last:?}, term {term}");
    }
}

// It is a question: it promises nothing, so the voter's term, vote and timer stay as they are, and two may be told yes.
#[test]
fn a_granted_pre_vote_changes_nothing() {
    let mut server = follower_with_log(3, settings(), 1, &[1]);
    let timer = server.due(&Timer::Election);
    for candidate in [S2, S3] {
        let did = server.message(candidate, request_pre_vote(2, (1, 1)));
        assert_eq!(did.sent(), [(candidate, pre_vote(2, true))]);
        assert!(!did.wrote());
    }
    assert_eq!((term(&server), server.due(&Timer::Election)), (1, timer));
    assert_eq!(server.message(S3, request_vote(2, (1, 1))).sent(), [(S3, vote(2, true))]);
}

#[test]
fn a_leader_refuses_pre_votes() {
    let mut server = leader(3, settings());
    assert_eq!(server.message(S2, request_pre_vote(2, (9, 1))).sent(), [(S2, pre_vote(1, false))]);
    assert!(leads(&server));
}

// A leader of this term is heard from after all: the question is moot.
#[test]
fn a_server_that_asks_follows_a_leader_that_it_hears_from() {
    let mut server = follower(3, settings());
    server.message(S2, heartbeat(1, (0, 0), 0));
    server.timer(Timer::Election);
    server.message(S2, heartbeat(1, (0, 0), 0));
    let did = server.message(S3, pre_vote(2, true));
    assert!(did.sent().is_empty());
    assert_eq!(term(&server), 1);
}
