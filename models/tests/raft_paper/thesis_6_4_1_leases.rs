//! Thesis §6.4.1, using clocks to reduce messaging for read-only queries: leases.

use seedbed_models::replication::raft::Settings;
use seedbed_models::replication::raft::settings::{ReadMode, Timer};
use seedbed_sim::{Span, Time};

use crate::say::*;
use crate::setup::*;

fn settings() -> Settings {
    Settings { reads: ReadMode::Lease, check_quorum: true, ..plain() }
}

/// "Election timeout / clock drift bound", and the leader's own clock may be wrong by as much: 150 ms · 0.95 / 1.05.
const LEASE: Span = Span(135_714_285);

/// A leader that has sent a round of heartbeats at the time that is given back; `S2` answers it after `delay`.
fn leader_with_a_lease(delay: Span) -> (Bench, Time) {
    let mut server = leader(3, settings());
    server.timer(Timer::Heartbeat);
    let sent = server.now();
    server.at(sent + delay).message(S2, in_round(1, appended(1, 1)));
    (server, sent)
}

/// Whether a read at this time is answered at once, with no message.
fn reads_at(server: &Bench, now: Time) -> bool {
    let did = server.clone().at(now).invoke(OP, get());
    assert_eq!(did.completed().is_empty(), !did.sent().is_empty(), "it answers, or it asks");
    !did.completed().is_empty()
}

// "Once the leader's heartbeats were acknowledged by a majority of the cluster, the leader would extend its lease to
// start + election timeout / clock drift bound, since the followers shouldn't time out before then."
#[test]
fn a_lease_answers_reads_while_it_lasts() {
    let (server, sent) = leader_with_a_lease(Span::ms(1));
    assert!(reads_at(&server, sent + Span::ms(2)));
    assert!(reads_at(&server, sent + (LEASE - Span::ms(1))));
    assert!(!reads_at(&server, sent + LEASE + Span::ms(1)), "then it asks, as ReadIndex does");
}

// "start" is when the heartbeats were sent: an answer that was long under way gives a shorter lease.
#[test]
fn a_lease_counts_from_when_its_heartbeats_were_sent() {
    let (server, sent) = leader_with_a_lease(Span::ms(100));
    assert!(reads_at(&server, sent + Span::ms(101)));
    assert!(!reads_at(&server, sent + LEASE + Span::ms(1)));
}

#[test]
fn a_leader_whose_heartbeats_nobody_has_answered_has_no_lease() {
    let mut server = leader(3, settings());
    assert!(!reads_at(&server, server.now()));
    server.timer(Timer::Heartbeat);
    assert!(!reads_at(&server, server.now()));
}

#[test]
fn a_minority_gives_no_lease() {
    let mut server = leader(5, settings());
    server.timer(Timer::Heartbeat);
    server.message(S2, in_round(1, appended(1, 1)));
    assert!(!reads_at(&server, server.now()));
    server.message(S3, in_round(1, appended(1, 1)));
    assert!(reads_at(&server, server.now()));
}

#[test]
fn a_later_round_extends_the_lease() {
    let (mut server, first) = leader_with_a_lease(Span::ms(1));
    server.timer(Timer::Heartbeat);
    let second = server.now();
    assert!(second > first);
    server.message(S3, in_round(2, appended(1, 1)));
    assert!(reads_at(&server, second + (LEASE - Span::ms(1))));
}

// Leases hold under drift and not under jumps: a clock that reads earlier than when the round was sent has jumped.
#[test]
fn a_clock_that_has_gone_back_ends_the_lease() {
    let (server, sent) = leader_with_a_lease(Span::ms(1));
    assert!(!reads_at(&server, Time(sent.0 - 1)));
}

// "A leader's lease must expire before it transfers leadership": the target stands at once, whatever the followers heard.
#[test]
fn a_leader_that_hands_over_has_no_lease() {
    let (mut server, sent) = leader_with_a_lease(Span::ms(1));
    server.message(CLIENT, transfer(S2));
    assert_eq!(server.clone().at(sent + Span::ms(2)).invoke(OP, get()).failed(), [OP]);
    // Not even after it has given up: the target may stand late.
    server.timer(Timer::Transfer);
    server.timer(Timer::Heartbeat);
    let now = server.now();
    server.message(S3, in_round(2, appended(1, 1)));
    assert!(!reads_at(&server, now));
}

// The other half of the promise: who acknowledged a heartbeat gives nobody a vote for the least election timeout …
#[test]
fn a_server_that_took_part_in_a_lease_gives_no_vote_meanwhile() {
    let mut server = follower(3, settings());
    server.at(Time::ms(100)).message(S2, heartbeat(1, (0, 0), 0));
    assert!(server.at(Time::ms(249)).message(S3, request_vote(2, (0, 0))).sent().is_empty());
    assert_eq!(server.at(Time::ms(250)).message(S3, request_vote(2, (0, 0))).sent(), [(S3, vote(2, true))]);
}

// … and a crash does not free it: it does not remember when it promised.
#[test]
fn a_restarted_server_keeps_the_promise_that_it_may_have_made() {
    let mut server = follower(3, settings());
    server.at(Time::ms(100)).message(S2, heartbeat(1, (0, 0), 0));
    server.at(Time::ms(110)).restart(new_server(S1, 3, settings()));
    assert!(server.at(Time::ms(200)).message(S3, request_vote(2, (0, 0))).sent().is_empty());
    assert_eq!(server.at(Time::ms(260)).message(S3, request_vote(2, (0, 0))).sent(), [(S3, vote(2, true))]);
}

// A later term ends what the leader knew; the lease that was given to it still binds.
#[test]
fn a_promise_outlasts_the_leader_that_it_was_given_to() {
    let mut server = follower(3, settings());
    server.at(Time::ms(100)).message(S2, heartbeat(1, (0, 0), 0));
    server.at(Time::ms(110)).message(S2, vote(2, false));
    assert_eq!(term(&server), 2);
    assert!(server.at(Time::ms(120)).message(S3, request_vote(3, (0, 0))).sent().is_empty());
}
