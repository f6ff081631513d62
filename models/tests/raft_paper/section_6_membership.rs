//! §6, cluster membership changes; and the thesis's chapter 4, which adds single-server changes and learners.

use seedbed_models::replication::raft::Settings;
use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::settings::{Changes, Timer};

use crate::say::*;
use crate::setup::*;

fn one_at_a_time() -> Settings {
    Settings { changes: Changes::SingleServer, ..plain() }
}

fn joint() -> Settings {
    Settings { changes: Changes::Joint, ..plain() }
}

/// The configurations that a handler appended to the log.
fn configs(did: &Did) -> Vec<Membership> {
    did.appended().into_iter().filter_map(membership_of).collect()
}

/// A leader of three that is on the way to a group of `S1`, `S4` and `S5`, with both of them caught up as learners: the joint
/// configuration is in its log, at index 3, and on no other server.
fn leader_in_a_joint_configuration() -> (Bench, Membership) {
    let mut server = leader(3, joint());
    server.message(CLIENT, reconfigure(Membership::of([S1, S4, S5])));
    acknowledged_by(&mut server, &[S2, S3]);
    let mut did = acknowledged_by(&mut server, &[S4]);
    if configs(&did).is_empty() {
        did = server.message(S5, appended(1, 2));
    }
    let [joint] = &configs(&did)[..] else { panic!("everybody has caught up: {did:?}") };
    (server, joint.clone())
}

// "A server always uses the latest configuration in its log, regardless of whether the entry is committed."
#[test]
fn a_follower_uses_a_configuration_as_soon_as_it_is_in_its_log() {
    let mut server = follower(3, plain());
    server.message(S2, append_entries(1, (0, 0), vec![config(1, group(5))], 0));
    assert_eq!((membership(&server), commit(&server)), (group(5), 0));
    let did = server.timer(Timer::Election);
    assert_eq!(did.sent().into_iter().map(|(to, _)| to).collect::<Vec<_>>(), [S2, S3, S4, S5]);
}

// Thesis §4.1: a server falls back to the configuration before, if the entry is deleted.
#[test]
fn a_follower_falls_back_when_the_configuration_is_truncated() {
    let mut server = follower(3, plain());
    server.message(S2, append_entries(1, (0, 0), vec![noop(1), config(1, group(5))], 0));
    server.message(S3, append_entries(2, (1, 1), noops(&[2]), 0));
    assert_eq!(membership(&server), group(3));
}

#[test]
fn a_configuration_is_remembered_over_a_crash() {
    let mut server = follower(3, plain());
    server.message(S2, append_entries(1, (0, 0), vec![config(1, group(5))], 0));
    server.restart(new_server(S1, 3, plain()));
    assert_eq!(membership(&server), group(5));
}

// "New servers join the cluster as non-voting members (the leader replicates log entries to them, but they are not considered
// for majorities)" until they have caught up (thesis §4.2.1).
#[test]
fn a_new_server_receives_the_log_before_it_votes() {
    let mut server = leader(3, one_at_a_time());
    let did = server.message(CLIENT, reconfigure(group(4)));
    assert_eq!(configs(&did), [group(3).with_learners([S4])]);
    // The next heartbeat finds that it has nothing, and it is sent everything.
    assert_eq!(server.timer(Timer::Heartbeat).sent_to(S4).iter().map(prev_of).collect::<Vec<_>>(), [(2, 1)]);
    let did = server.message(S4, refused(1, 2, 1, None));
    assert_eq!(did.sent_to(S4).iter().map(|message| entries_of(message).len()).collect::<Vec<_>>(), [2]);
    // It is no part of any majority: S2 is needed.
    server.message(S4, appended(1, 2));
    assert_eq!(commit(&server), 1);
    // Caught up, and the first step is committed: it gets its vote.
    let did = server.message(S2, appended(1, 2));
    assert_eq!(configs(&did), [group(4)]);
}

#[test]
fn a_new_server_that_has_not_caught_up_gets_no_vote() {
    let mut server = leader(3, one_at_a_time());
    server.message(CLIENT, reconfigure(group(4)));
    let did = server.message(S2, appended(1, 2));
    assert_eq!((commit(&server), configs(&did)), (2, vec![]));
    // "If the server is unavailable or too slow", the leader gives up (thesis §4.2.1), and another change may come.
    server.timer(Timer::Change);
    let did = server.message(CLIENT, reconfigure(group(2)));
    assert_eq!(configs(&did).len(), 1);
}

#[test]
fn a_learner_does_not_stand_for_election() {
    let mut server = follower(3, plain());
    let without = Membership::of([S2, S3]).with_learners([S1]);
    server.message(S2, append_entries(1, (0, 0), vec![config(1, without), noop(1)], 2));
    let did = server.timer(Timer::Election);
    assert!(did.sent().is_empty());
    assert_eq!(term(&server), 1);
}

// Thesis §4.1: a single-server change needs no joint configuration, for any two majorities of the groups before and after
// overlap. So it changes one server at a time, whatever was asked for.
#[test]
fn a_change_of_two_servers_takes_two_steps() {
    let mut server = leader(5, one_at_a_time());
    let first = server.message(CLIENT, reconfigure(group(3)));
    assert_eq!(configs(&first).iter().map(|group| group.voters.len()).collect::<Vec<_>>(), [4]);
    server.message(S2, appended(1, 2));
    // A majority of four has it: the second step.
    let second = server.message(S3, appended(1, 2));
    assert_eq!(configs(&second).iter().map(|group| group.voters.len()).collect::<Vec<_>>(), [3]);
}

// Thesis §4.1: "no new change begins before the last is committed".
#[test]
fn a_change_waits_for_the_last_to_be_committed() {
    let mut server = leader(5, one_at_a_time());
    server.message(CLIENT, reconfigure(group(3)));
    for follower in [S2, S4, S5] {
        // Nobody but S2 acknowledges the first step: heartbeats and old entries do not count.
        let did = server.message(follower, appended(1, if follower == S2 { 2 } else { 1 }));
        assert_eq!(configs(&did), []);
    }
}

// The correction of 2015 (Ongaro, raft-dev, 10 July): a leader begins no change before it has committed an entry of its own
// term.
#[test]
fn a_change_waits_for_the_leaders_first_commit() {
    let mut server = new_leader(3, one_at_a_time());
    let did = server.message(CLIENT, reconfigure(group(2)));
    assert_eq!(configs(&did), []);
    let did = server.message(S2, appended(1, 1));
    assert_eq!(configs(&did).len(), 1);
}

#[test]
fn who_asked_is_told_when_the_change_is_committed() {
    let mut server = leader(3, one_at_a_time());
    let did = server.message(CLIENT, reconfigure(group(2)));
    assert!(did.sent_to(CLIENT).is_empty());
    let mut answers = Vec::new();
    for _step in 0..3 {
        answers.extend(acknowledged_by(&mut server, &[S2]).sent_to(CLIENT));
    }
    assert_eq!(answers, [reconfigured(group(2))]);
    assert_eq!(membership(&server), group(2));
}

#[test]
fn a_change_to_what_is_there_is_answered_at_once() {
    let mut server = leader(3, one_at_a_time());
    let did = server.message(CLIENT, reconfigure(group(3)));
    assert_eq!(did.sent(), [(CLIENT, reconfigured(group(3)))]);
}

// "Log entries are replicated to all servers in both configurations. … Agreement (for elections and entry commitment) requires
// separate majorities from both the old and new configurations."
#[test]
fn a_joint_configuration_needs_both_majorities_to_commit() {
    let (server, both) = leader_in_a_joint_configuration();
    assert!(both.is_joint());
    assert_eq!((both.voters.clone(), both.outgoing.clone()), (vec![S1, S4, S5], vec![S1, S2, S3]));
    for (majority, committed) in [(vec![S2, S3], false), (vec![S4, S5], false), (vec![S2, S4], true)] {
        let mut server = server.clone();
        for follower in &majority {
            server.message(*follower, appended(1, 3));
        }
        assert_eq!(commit(&server) >= 3, committed, "{majority:?}");
    }
}

#[test]
fn a_joint_configuration_needs_both_majorities_to_elect() {
    let both = Membership { outgoing: vec![S1, S2, S3], ..Membership::of([S1, S4, S5]) };
    for (voters, elected) in [(vec![S2, S3], false), (vec![S4, S5], false), (vec![S3, S5], true)] {
        let mut server = follower(3, joint());
        server.message(S2, append_entries(1, (0, 0), vec![config(1, both.clone())], 0));
        let did = server.timer(Timer::Election);
        assert_eq!(did.sent().into_iter().map(|(to, _)| to).collect::<Vec<_>>(), [S2, S3, S4, S5]);
        for voter in &voters {
            server.message(*voter, vote(2, true));
        }
        assert_eq!(leads(&server), elected, "{voters:?}");
    }
}

// "Once C_old,new has been committed, … it is now safe for the leader to create a log entry describing C_new."
#[test]
fn a_joint_configuration_is_left_when_it_is_committed() {
    let (mut server, _) = leader_in_a_joint_configuration();
    assert_eq!(configs(&server.message(S2, appended(1, 3))), []);
    assert_eq!(configs(&server.message(S4, appended(1, 3))), [Membership::of([S1, S4, S5])]);
}

// Whoever leads leaves it: the new leader was not asked for anything (thesis §4.3).
#[test]
fn a_new_leader_leaves_the_joint_configuration_it_finds() {
    let both = Membership { outgoing: vec![S1, S2, S3], ..Membership::of([S1, S4, S5]) };
    let mut server = follower(3, joint());
    server.message(S2, append_entries(1, (0, 0), vec![config(1, both)], 0));
    elect(&mut server, &[S3, S5]);
    server.message(S3, appended(2, 2));
    let did = server.message(S5, appended(2, 2));
    assert_eq!(configs(&did), [Membership::of([S1, S4, S5])]);
}

// "In this case, the leader steps down (returns to follower state) once it has committed the C_new log entry. This means that
// there will be a period of time (while it is committing C_new) when the leader is managing a cluster that does not include
// itself; it replicates log entries but does not count itself in majorities."
#[test]
fn a_leader_that_is_not_in_the_new_group_commits_it_without_itself_and_steps_down() {
    let goal = Membership::of([S2, S3]);
    let mut server = leader(3, one_at_a_time());
    let did = server.message(CLIENT, reconfigure(goal.clone()));
    assert_eq!(
        configs(&did).iter().map(|group| group.voters.clone()).collect::<Vec<_>>(),
        std::slice::from_ref(&goal.voters)
    );
    server.message(S2, appended(1, 2));
    assert_eq!((commit(&server), leads(&server)), (1, true), "one of two is no majority");
    let mut told = server.message(S3, appended(1, 2)).sent_to(CLIENT);
    assert_eq!(commit(&server), 2);
    // The old leader is a learner still; it takes itself out in a last step.
    if leads(&server) {
        told.extend(acknowledged_by(&mut server, &[S2, S3]).sent_to(CLIENT));
    }
    assert!(!leads(&server));
    assert_eq!(told, [reconfigured(goal)]);
}

// Thesis §4.1: servers take part whether or not the sender is in their latest configuration; or a server that was just added
// could not receive the entry that says so.
#[test]
fn a_server_answers_leaders_and_candidates_that_are_not_in_its_configuration() {
    let mut server = follower(3, plain());
    assert_eq!(server.message(S5, request_vote(1, (0, 0))).sent(), [(S5, vote(1, true))]);
    let did = server.message(S5, append_entries(1, (0, 0), noops(&[1]), 0));
    assert_eq!(did.sent(), [(S5, appended(1, 1))]);
}

#[test]
fn only_a_leader_changes_the_group() {
    let mut server = follower(3, one_at_a_time());
    server.message(S2, heartbeat(1, (0, 0), 0));
    let did = server.message(CLIENT, reconfigure(group(2)));
    assert_eq!(did.sent(), [(CLIENT, not_leader(Some(S2)))]);
}
