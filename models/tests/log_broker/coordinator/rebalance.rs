//! Rebalances (Kafka, *Group membership protocol*; KIP-134).

use seedbed_models::communication::log_broker::groups::{
    Assignment, Assignor, Error, GroupTimer, Join, Request, Response, State, Subscription, Waiting,
};
use seedbed_models::communication::log_broker::names::{Generation, MemberId, Topic};
use seedbed_sim::Span;

use super::say::{DELAY, Desk, GROUP, REBALANCE, SESSION, dynamic, join, last_members, one_each, tp};

#[test]
fn the_leader_alone_sees_the_members() {
    let mut desk = Desk::new();
    let names = [desk.name(), desk.name()];
    let asked = names.map(|name| desk.ask(Request::JoinGroup(join(Some(name)))));
    assert_eq!(desk.timers[&GroupTimer::Join(GROUP)], DELAY);
    desk.fire(GroupTimer::Join(GROUP));
    desk.fire(GroupTimer::Join(GROUP));
    let [leader, follower] = asked.map(|asked| desk.joined(asked));
    assert_eq!((leader.generation, leader.leader, follower.leader), (Generation(1), names[0], names[0]));
    assert_eq!(leader.members.iter().map(|m| m.id).collect::<Vec<_>>(), names);
    assert!(follower.members.is_empty());
    assert_eq!(desk.state(), State::CompletingRebalance);
}

// KIP-134: each member that comes extends the delay, up to the rebalance timeout.
#[test]
fn the_first_rebalance_waits_for_more() {
    let mut desk = Desk::new();
    let names = [desk.name(), desk.name()];
    desk.ask(Request::JoinGroup(join(Some(names[0]))));
    let remaining = Span(REBALANCE.0 - DELAY.0);
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForMore { came: false, remaining }));
    desk.ask(Request::JoinGroup(join(Some(names[1]))));
    desk.fire(GroupTimer::Join(GROUP));
    let remaining = Span(remaining.0 - DELAY.0);
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForMore { came: false, remaining }));
    desk.fire(GroupTimer::Join(GROUP));
    assert_eq!(desk.state(), State::CompletingRebalance);
}

#[test]
fn an_assignment_is_told_when_it_is_replicated() {
    let (mut desk, names) = Desk::stable(2);
    desk.ask(Request::JoinGroup(join(Some(names[0]))));
    desk.ask(Request::JoinGroup(join(Some(names[1]))));
    desk.held = Some(Vec::new());
    let follower = desk.ask(Request::SyncGroup(dynamic(names[1], 2), Assignment::new()));
    let leader = desk.ask(Request::SyncGroup(dynamic(names[0], 2), one_each(&names)));
    assert_eq!((desk.answer(follower), desk.answer(leader), desk.state()), (None, None, State::CompletingRebalance));
    desk.replicated(Ok(()));
    assert_eq!(desk.synced(follower), [tp(1)]);
    assert_eq!(desk.synced(leader), [tp(0)]);
    assert_eq!((desk.state(), last_members(&desk)), (State::Stable, (Generation(2), 2)));
}

#[test]
fn an_assignment_that_is_not_replicated_begins_another_rebalance() {
    let (mut desk, names) = Desk::stable(1);
    desk.ask(Request::JoinGroup(join(Some(names[0]))));
    desk.held = Some(Vec::new());
    let asked = desk.ask(Request::SyncGroup(dynamic(names[0], 2), one_each(&names)));
    desk.replicated(Err(Error::CoordinatorNotAvailable));
    assert_eq!(desk.answer(asked), Some(Response::SyncGroup(Err(Error::RebalanceInProgress))));
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForAll));
}

#[test]
fn members_learn_of_a_rebalance_by_their_heartbeats() {
    let (mut desk, names) = Desk::stable(2);
    let heartbeat = |name| Request::Heartbeat(dynamic(name, 1));
    assert_eq!(desk.call(heartbeat(names[1])), Response::Heartbeat(Ok(())));
    let asked = desk.ask(Request::JoinGroup(join(Some(names[0]))));
    assert_eq!(desk.call(heartbeat(names[1])), Response::Heartbeat(Err(Error::RebalanceInProgress)));
    assert!(!desk.timers.contains_key(&GroupTimer::Session(GROUP, names[0])), "who waits is not expected to speak");
    desk.ask(Request::JoinGroup(join(Some(names[1]))));
    assert_eq!(desk.joined(asked).generation, Generation(2));
    assert_eq!(desk.call(heartbeat(names[1])), Response::Heartbeat(Err(Error::IllegalGeneration)));
    assert_eq!(desk.call(Request::Heartbeat(dynamic(names[1], 2))), Response::Heartbeat(Ok(())), "before it syncs");
    assert_eq!(
        desk.call(Request::Heartbeat(dynamic(MemberId(1), 2))),
        Response::Heartbeat(Err(Error::UnknownMemberId))
    );
}

#[test]
fn who_is_silent_is_removed() {
    let (mut desk, names) = Desk::stable(2);
    desk.call(Request::Heartbeat(dynamic(names[0], 1)));
    assert_eq!(desk.timers[&GroupTimer::Session(GROUP, names[0])], SESSION);
    desk.fire(GroupTimer::Session(GROUP, names[0]));
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForAll));
    let asked = desk.ask(Request::JoinGroup(join(Some(names[1]))));
    let joined = desk.joined(asked);
    assert_eq!((joined.leader, joined.members.len()), (names[1], 1), "another leads");
}

#[test]
fn who_does_not_join_in_time_is_removed() {
    let (mut desk, names) = Desk::stable(2);
    let asked = desk.ask(Request::JoinGroup(join(Some(names[0]))));
    assert_eq!(desk.timers[&GroupTimer::Join(GROUP)], REBALANCE);
    desk.fire(GroupTimer::Join(GROUP));
    assert_eq!(desk.joined(asked).members.len(), 1);
    let late = desk.call(Request::JoinGroup(join(Some(names[1]))));
    assert_eq!(late, Response::JoinGroup(Err(Error::UnknownMemberId)));
}

#[test]
fn a_leader_that_does_not_join_in_time_is_replaced() {
    let (mut desk, names) = Desk::stable(2);
    desk.ask(Request::LeaveGroup(dynamic(MemberId(9), 1)));
    let name = desk.name();
    desk.ask(Request::JoinGroup(join(Some(name))));
    let asked = desk.ask(Request::JoinGroup(join(Some(names[1]))));
    desk.fire(GroupTimer::Join(GROUP));
    assert_eq!(desk.joined(asked).leader, names[1]);
}

#[test]
fn who_does_not_sync_in_time_is_removed() {
    let (mut desk, names) = Desk::stable(2);
    for name in &names {
        desk.ask(Request::JoinGroup(join(Some(*name))));
    }
    let asked = desk.ask(Request::SyncGroup(dynamic(names[0], 2), one_each(&names)));
    assert_eq!(desk.synced(asked), [tp(0)]);
    desk.fire(GroupTimer::Sync(GROUP));
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForAll));
    let late = desk.call(Request::SyncGroup(dynamic(names[1], 2), Assignment::new()));
    assert_eq!(late, Response::SyncGroup(Err(Error::UnknownMemberId)));
}

#[test]
fn who_leaves_leaves_the_rest_to_the_others() {
    let (mut desk, names) = Desk::stable(2);
    assert_eq!(desk.call(Request::LeaveGroup(dynamic(names[1], 1))), Response::LeaveGroup(Ok(())));
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForAll));
    assert_eq!(desk.call(Request::LeaveGroup(dynamic(names[0], 1))), Response::LeaveGroup(Ok(())));
    assert_eq!((desk.state(), desk.generation()), (State::Empty, Generation(2)));
    assert_eq!(last_members(&desk), (Generation(2), 0));
}

#[test]
fn who_has_missed_an_answer_is_told_again() {
    let (mut desk, names) = Desk::stable(2);
    let again = desk.ask(Request::JoinGroup(join(Some(names[1]))));
    assert_eq!(desk.joined(again).generation, Generation(1), "a follower that wants the same disturbs nobody");
    let again = desk.ask(Request::SyncGroup(dynamic(names[1], 1), Assignment::new()));
    assert_eq!(desk.synced(again), [tp(1)]);
    desk.ask(Request::JoinGroup(join(Some(names[0]))));
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForAll), "a leader wants to divide anew");
    desk.ask(Request::JoinGroup(join(Some(names[1]))));
    let again = desk.ask(Request::JoinGroup(join(Some(names[0]))));
    assert_eq!(desk.joined(again).members.len(), 2, "it has missed its answer");
    let other = Join { subscription: Subscription::to([Topic(1)]), ..join(Some(names[1])) };
    desk.ask(Request::JoinGroup(other));
    assert_eq!(desk.state(), State::PreparingRebalance(Waiting::ForAll), "who wants something else does");
}

// `selectProtocol`: of those that all support, the one that most prefer.
#[test]
fn the_assignor_is_one_that_all_support() {
    let mut desk = Desk::new();
    let with = |name, assignors: &[Assignor]| Join { assignors: assignors.to_vec(), ..join(Some(name)) };
    let names = [desk.name(), desk.name(), desk.name()];
    use Assignor::{CooperativeSticky, Range, RoundRobin};
    let first = desk.ask(Request::JoinGroup(with(names[0], &[CooperativeSticky, Range, RoundRobin])));
    desk.ask(Request::JoinGroup(with(names[1], &[RoundRobin, Range])));
    let refused = desk.call(Request::JoinGroup(with(names[2], &[CooperativeSticky])));
    assert_eq!(refused, Response::JoinGroup(Err(Error::InconsistentGroupProtocol)));
    desk.ask(Request::JoinGroup(with(names[2], &[RoundRobin, Range])));
    (0..2).for_each(|_| desk.fire(GroupTimer::Join(GROUP)));
    assert_eq!(desk.joined(first).assignor, RoundRobin);
}

#[test]
fn a_coordinator_that_resigns_says_so() {
    let (mut desk, names) = Desk::stable(2);
    let asked = desk.ask(Request::JoinGroup(join(Some(names[0]))));
    desk.resign();
    assert_eq!(desk.answer(asked), Some(Response::JoinGroup(Err(Error::NotCoordinator))));
    assert!(desk.timers.is_empty());
}
