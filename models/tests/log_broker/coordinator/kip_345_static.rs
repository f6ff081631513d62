//! KIP-345: static membership.

use seedbed_models::communication::log_broker::Bug;
use seedbed_models::communication::log_broker::groups::{
    Assignment, Did, Error, GroupTimer, Join, Request, Response, State, Subscription, Waiting,
};
use seedbed_models::communication::log_broker::names::{Generation, MemberId, Topic};

use super::say::{Desk, GROUP, commit, join_static, of_instance, one_each, tp};

/// Two static members, 1 and 2, in a stable group; the first leads.
fn two() -> (Desk, [MemberId; 2]) {
    let mut desk = Desk::new();
    let asked = [1, 2].map(|instance| desk.ask(Request::JoinGroup(join_static(None, instance))));
    (0..2).for_each(|_| desk.fire(GroupTimer::Join(GROUP)));
    let names = asked.map(|asked| desk.joined(asked).member);
    let follower = desk.ask(Request::SyncGroup(of_instance(names[1], 2, 1), Assignment::new()));
    let leader = desk.ask(Request::SyncGroup(of_instance(names[0], 1, 1), one_each(&names)));
    assert_eq!((desk.synced(leader), desk.synced(follower)), (vec![tp(0)], vec![tp(1)]));
    (desk, names)
}

#[test]
fn who_comes_back_disturbs_nobody() {
    let (mut desk, names) = two();
    let asked = desk.ask(Request::JoinGroup(join_static(None, 2)));
    let joined = desk.joined(asked);
    assert_eq!((joined.generation, desk.state()), (Generation(1), State::Stable));
    assert_ne!(joined.member, names[1]);
    let asked = desk.ask(Request::SyncGroup(of_instance(joined.member, 2, 1), Assignment::new()));
    assert_eq!(desk.synced(asked), [tp(1)], "it has what it had");
    assert_eq!(desk.coordinator.did().last(), Some(&Did::Replaced(GROUP, names[1], joined.member)));
}

// KIP-814: the leader comes back, and leaves the assignment as it is.
#[test]
fn a_leader_that_comes_back_leaves_the_assignment() {
    let (mut desk, names) = two();
    let asked = desk.ask(Request::JoinGroup(join_static(None, 1)));
    let joined = desk.joined(asked);
    assert!(joined.skip_assignment && joined.members.len() == 2 && joined.leader == joined.member);
    assert_ne!(joined.leader, names[0]);
}

#[test]
fn who_was_replaced_is_fenced() {
    let (mut desk, names) = two();
    desk.ask(Request::JoinGroup(join_static(None, 2)));
    let old = of_instance(names[1], 2, 1);
    assert_eq!(desk.call(Request::Heartbeat(old)), Response::Heartbeat(Err(Error::FencedInstanceId)));
    assert_eq!(desk.call(commit(old, &[(1, 5)])), Response::OffsetCommit(Err(Error::FencedInstanceId)));
    let sync = desk.call(Request::SyncGroup(old, Assignment::new()));
    assert_eq!(sync, Response::SyncGroup(Err(Error::FencedInstanceId)));
    let join = desk.call(Request::JoinGroup(join_static(Some(names[1]), 2)));
    assert_eq!(join, Response::JoinGroup(Err(Error::FencedInstanceId)));
    desk.bug = Some(Bug::StaticMemberNotFenced);
    assert_eq!(desk.call(commit(old, &[(1, 5)])), Response::OffsetCommit(Ok(())));
}

#[test]
fn who_waits_is_fenced_at_once() {
    let (mut desk, names) = two();
    let waiting = desk.ask(Request::JoinGroup(join_static(Some(names[0]), 1)));
    assert_eq!(desk.answer(waiting), None);
    let new = desk.ask(Request::JoinGroup(join_static(None, 1)));
    assert_eq!(desk.answer(waiting), Some(Response::JoinGroup(Err(Error::FencedInstanceId))));
    let other = desk.ask(Request::JoinGroup(join_static(Some(names[1]), 2)));
    assert_eq!(desk.joined(new).generation, Generation(2));
    assert_eq!(desk.joined(other).generation, Generation(2));
}

#[test]
fn who_wants_something_else_begins_a_rebalance() {
    let (mut desk, _) = two();
    desk.ask(Request::JoinGroup(Join { subscription: Subscription::to([Topic(3)]), ..join_static(None, 2) }));
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForAll));
}

// A static member that does not join again in time keeps its place until its session expires.
#[test]
fn who_is_late_is_kept() {
    let (mut desk, names) = two();
    let asked = desk.ask(Request::JoinGroup(join_static(Some(names[0]), 1)));
    desk.fire(GroupTimer::Join(GROUP));
    assert_eq!(desk.joined(asked).members.len(), 2);
    desk.fire(GroupTimer::Session(GROUP, names[1]));
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForAll));
    assert_eq!(desk.coordinator.groups()[&GROUP].members.len(), 1);
}
