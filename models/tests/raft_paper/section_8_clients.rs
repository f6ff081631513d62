//! §8, client interaction; sessions as in the thesis, §6.3.

use seedbed_models::replication::raft::kv::Output;
use seedbed_sim::OpId;

use crate::say::*;
use crate::setup::*;

/// A leader of three at which the client has session 2.
fn leader_with_a_session() -> Bench {
    let mut server = leader(3, plain());
    server.message(CLIENT, register(77));
    server.message(S2, appended(1, 2));
    server
}

// "If the client's first choice is not the leader, that server will reject the client's request and supply information about
// the most recent leader it has heard from."
#[test]
fn a_follower_points_at_the_leader() {
    let mut server = follower(3, plain());
    for (heard, leader) in [(false, None), (true, Some(S2))] {
        if heard {
            server.message(S2, heartbeat(1, (0, 0), 0));
        }
        for asked in [register(1), request(2, 1, put(7)), transfer(S3)] {
            assert_eq!(server.message(CLIENT, asked).sent(), [(CLIENT, not_leader(leader))]);
        }
    }
}

#[test]
fn the_leader_of_an_earlier_term_is_pointed_at_no_more() {
    let mut server = follower(3, plain());
    server.message(S2, heartbeat(1, (0, 0), 0));
    server.message(S3, request_vote(2, (0, 0)));
    assert_eq!(server.message(CLIENT, register(1)).sent(), [(CLIENT, not_leader(None))]);
}

#[test]
fn a_hosting_process_is_refused_by_a_follower_for_certain() {
    let did = follower(3, plain()).invoke(OP, put(7));
    assert_eq!(did.failed(), [OP]);
    assert!(!did.wrote() && did.sent().is_empty());
}

// Thesis Figure 6.1, RegisterClient: "Append register command to log, replicate and commit it. … Reply OK with unique client
// identifier".
#[test]
fn a_session_is_given_when_its_entry_is_committed() {
    let mut server = leader(3, plain());
    assert!(server.message(CLIENT, register(77)).sent_to(CLIENT).is_empty());
    assert_eq!(server.message(S2, appended(1, 2)).sent_to(CLIENT), [registered(77, 2)]);
}

// Thesis Figure 6.1, ClientRequest: the reply comes when the command is applied.
#[test]
fn a_request_is_answered_when_it_is_applied() {
    let mut server = leader_with_a_session();
    assert!(server.message(CLIENT, request(2, 1, put(7))).sent_to(CLIENT).is_empty());
    assert_eq!(server.message(S2, appended(1, 3)).sent_to(CLIENT), [reply(2, 1, Output::Done)]);
}

// "If it receives a command whose serial number has already been executed, it responds immediately without re-executing the
// request."
#[test]
fn a_retry_is_answered_and_not_executed_again() {
    let mut server = leader_with_a_session();
    server.message(CLIENT, request(2, 1, append_to_value(7)));
    server.message(S2, appended(1, 3));
    server.message(CLIENT, request(2, 1, append_to_value(7)));
    let did = server.message(S2, appended(1, 4));
    assert_eq!(did.sent_to(CLIENT), [reply(2, 1, Output::Done)]);
    assert_eq!((value(&server), server.process().executed()), (vec![7], 1));
}

// The leader that executed it may be gone: the table is a part of the replicated state.
#[test]
fn a_retry_at_another_leader_is_not_executed_again() {
    let mut old = leader_with_a_session();
    old.message(CLIENT, request(2, 1, append_to_value(7)));
    let entries: Vec<_> =
        (1..=3).map(|index| old.process().log().entry(at(index)).cloned().expect("it has it")).collect();
    let mut server = server_with_log(S1, 3, plain(), 1, &[]);
    server.message(S3, append_entries(1, (0, 0), entries, 3));
    assert_eq!(value(&server), [7]);
    elect(&mut server, &[S2]);
    server.message(CLIENT, request(2, 1, append_to_value(7)));
    let did = server.message(S2, appended(2, 5));
    assert_eq!(did.sent_to(CLIENT), [reply(2, 1, Output::Done)]);
    assert_eq!(value(&server), [7]);
}

fn at(index: u64) -> seedbed_models::replication::raft::Index {
    seedbed_models::replication::raft::Index(index)
}

#[test]
fn a_command_that_its_client_has_left_behind_has_no_effect() {
    let mut server = leader_with_a_session();
    for (sequence, last) in [(2, 3), (1, 4)] {
        server.message(CLIENT, request(2, sequence, append_to_value(sequence as u32)));
        server.message(S2, appended(1, last));
    }
    assert_eq!(value(&server), [2]);
}

// Thesis §6.3: a server must not execute commands of sessions that it does not know.
#[test]
fn a_command_without_a_session_has_no_effect() {
    let mut server = leader(3, plain());
    server.message(CLIENT, request(55, 1, put(7)));
    assert_eq!(server.message(S2, appended(1, 2)).sent_to(CLIENT), [session_expired(55)]);
    assert!(value(&server).is_empty());
}

// A leader that is deposed does not know what becomes of what it has not committed, and says nothing.
#[test]
fn a_deposed_leader_answers_nobody() {
    let mut server = leader_with_a_session();
    server.message(CLIENT, request(2, 1, put(7)));
    server.invoke(OpId(4), put(8));
    let did = server.message(S2, heartbeat(2, (4, 1), 0));
    assert!(did.sent_to(CLIENT).is_empty() && did.completed().is_empty() && did.failed().is_empty());
    // The entries are committed in the end, by another leader: still nobody is told twice.
    let did = server.message(S2, append_entries(2, (4, 1), noops(&[2]), 5));
    assert!(did.sent_to(CLIENT).is_empty() && did.completed().is_empty());
    assert_eq!(value(&server), [8]);
}

// An answer is an output: it waits for what the server itself has written before.
#[test]
fn answers_come_in_the_order_of_the_log() {
    let mut server = leader(3, plain());
    for n in 1..=3 {
        server.invoke(OpId(n), append_to_value(n as u32));
    }
    let did = server.message(S3, appended(1, 4));
    assert_eq!(did.completed().into_iter().map(|(op, _)| op.0).collect::<Vec<_>>(), [1, 2, 3]);
}
