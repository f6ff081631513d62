//! Thesis §4.2.3, disruptive servers: a server that was taken out of the group, or was cut off, must not depose a leader that
//! the others hear from.

use seedbed_models::replication::raft::Settings;
use seedbed_models::replication::raft::settings::Timer;
use seedbed_sim::{Span, Time};

use crate::say::*;
use crate::setup::*;

fn settings() -> Settings {
    Settings { check_quorum: true, ..plain() }
}

// "If a server receives a RequestVote request within the minimum election timeout of hearing from a current leader, it does not
// update its term or grant its vote."
#[test]
fn a_candidate_is_ignored_for_the_least_election_timeout() {
    let min = settings().election_min;
    let heard = Time::ms(1_000);
    for (after, ignored) in [(Span::ZERO, true), (min - Span(1), true), (min, false), (min + min, false)] {
        let mut server = follower(3, settings());
        server.at(heard).message(S2, heartbeat(1, (0, 0), 0));
        let did = server.at(heard + after).message(S3, request_vote(2, (0, 0)));
        let expect = if ignored { vec![] } else { vec![(S3, vote(2, true))] };
        assert_eq!((did.sent(), term(&server)), (expect, if ignored { 1 } else { 2 }), "{after} after the heartbeat");
    }
}

#[test]
fn a_leader_ignores_candidates_while_it_leads() {
    let mut server = leader(3, settings());
    let did = server.message(S3, request_vote(7, (9, 6)));
    assert!(did.sent().is_empty() && !did.wrote());
    assert!(leads(&server));
}

// A server that has heard from no leader since it started knows of none that could be disturbed.
#[test]
fn a_candidate_is_heard_where_no_leader_was() {
    let mut server = follower(3, settings());
    assert_eq!(server.message(S3, request_vote(1, (0, 0))).sent(), [(S3, vote(1, true))]);
}

// "Servers wait at least a minimum election timeout before starting an election", so a leader that is gone is replaced: its
// own followers' timers are never shorter.
#[test]
fn a_follower_whose_timer_fires_ignores_the_old_leader_no_more() {
    let mut server = follower(3, settings());
    server.draws("election_timeout", settings().election_min.0);
    server.message(S2, heartbeat(1, (0, 0), 0));
    server.timer(Timer::Election);
    assert_eq!(term(&server), 2);
    assert_eq!(server.message(S3, request_vote(3, (0, 0))).sent(), [(S3, vote(3, true))]);
}

// §3.10: "leadership transfer … legitimately disturbs": its requests carry a flag that permits it.
#[test]
fn a_candidate_that_the_leader_has_sent_is_heard() {
    let mut server = follower(3, settings());
    server.message(S2, heartbeat(1, (0, 0), 0));
    assert_eq!(server.message(S3, request_vote_for_transfer(2, (0, 0))).sent(), [(S3, vote(2, true))]);
}

// A clock that has gone back tells nothing of how long ago it was: the server does not refuse for ever.
#[test]
fn a_clock_that_has_gone_back_protects_no_leader() {
    let mut server = follower(3, settings());
    server.at(Time::ms(5_000)).message(S2, heartbeat(1, (0, 0), 0));
    let did = server.at(Time::ms(10)).message(S3, request_vote(2, (0, 0)));
    assert_eq!(did.sent(), [(S3, vote(2, true))]);
}
