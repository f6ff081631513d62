//! A new coordinator has what the old one has left.

use seedbed_models::communication::log_broker::groups::{
    Assignment, Error, GroupTimer, Request, Response, State, Waiting,
};
use seedbed_models::communication::log_broker::names::{Generation, MemberId, ProducerId};

use super::say::{Desk, GROUP, SESSION, commit, commit_in, dynamic, fetch, fetched, join, tp};

#[test]
fn members_go_on() {
    let (mut desk, names) = Desk::stable(2);
    desk.call(commit(dynamic(names[0], 1), &[(0, 5)]));
    let mut next = desk.failover(&[]);
    assert_eq!((next.state(), next.generation()), (State::Stable, Generation(1)));
    assert_eq!(next.timers[&GroupTimer::Session(GROUP, names[1])], SESSION);
    assert_eq!(next.call(Request::Heartbeat(dynamic(names[0], 1))), Response::Heartbeat(Ok(())));
    let asked = next.ask(Request::SyncGroup(dynamic(names[1], 1), Assignment::new()));
    assert_eq!(next.synced(asked), [tp(1)]);
    assert_eq!(next.call(fetch(true)), fetched(&[(0, 5)]));
    next.fire(GroupTimer::Session(GROUP, names[0]));
    assert_eq!(next.state(), State::PreparingRebalance(Waiting::ForAll));
}

// A generation that had no assignment in the log has not been: its number is given again, and its members join again.
#[test]
fn a_generation_without_an_assignment_is_forgotten() {
    let (mut desk, names) = Desk::stable(1);
    desk.ask(Request::JoinGroup(join(Some(names[0]))));
    assert_eq!(desk.generation(), Generation(2));
    let mut next = desk.failover(&[]);
    let refused = next.call(Request::SyncGroup(dynamic(names[0], 2), Assignment::new()));
    assert_eq!(refused, Response::SyncGroup(Err(Error::IllegalGeneration)));
}

#[test]
fn names_are_never_given_twice() {
    let (mut desk, names) = Desk::stable(2);
    let mut next = desk.failover(&[]);
    let mut all: Vec<MemberId> = names;
    all.extend([desk.name(), next.name(), next.name()]);
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn the_generation_of_an_empty_group_is_kept() {
    let (mut desk, names) = Desk::stable(1);
    desk.call(Request::LeaveGroup(dynamic(names[0], 1)));
    let next = desk.failover(&[]);
    assert_eq!((next.state(), next.generation()), (State::Empty, Generation(2)));
}

#[test]
fn transactions_go_on() {
    let (mut desk, names) = Desk::stable(1);
    desk.call(commit_in(8, dynamic(names[0], 1), &[(0, 5)]));
    desk.call(commit_in(9, dynamic(names[0], 1), &[(1, 6)]));
    let mut next = desk.failover(&[(ProducerId(9), true)]);
    assert_eq!(next.call(fetch(true)), Response::OffsetFetch(Err(Error::UnstableOffsetCommit)));
    assert_eq!(next.call(fetch(false)), fetched(&[(1, 6)]));
    next.end_transaction(ProducerId(8), false);
    assert_eq!(next.call(fetch(true)), fetched(&[(1, 6)]));
}
