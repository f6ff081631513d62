//! Groups (wiki, *Task aggregation*; `aggregationCheckCmd`).

use seedbed_models::communication::task_queue::command::{Command, Reply};
use seedbed_models::communication::task_queue::store::Store;
use seedbed_models::communication::task_queue::task::{
    GroupName, Payload, SetId, State, Task, TaskId, UniqueKey, When,
};
use seedbed_sim::{Span, Time};

use crate::say::*;

const GROUP: GroupName = GroupName(1);

fn member(n: u64) -> Task {
    Task { group: Some(GROUP), ..task(n) }
}

fn check(store: &mut Store, ms: u64) -> Option<SetId> {
    match at(store, ms, &Command::AggregationCheck(HIGH, GROUP, grouping())) {
        Reply::AggregationSet(set) => set,
        reply => panic!("a set or none: {reply:?}"),
    }
}

fn members(store: &mut Store, set: SetId) -> Vec<TaskId> {
    match at(store, 0, &Command::ReadAggregationSet(set)) {
        Reply::Members(members, _) => members,
        reply => panic!("members: {reply:?}"),
    }
}

fn aggregated(set: SetId, members: &[TaskId]) -> Command {
    let payload = Payload::Members(members.to_vec());
    Command::EnqueueAggregated(set, Task { id: TaskId::Aggregated(set), payload, ..task(0) })
}

#[test]
fn a_group_is_aggregated_when_no_task_has_come_for_the_grace_period() {
    let mut store = store();
    at(&mut store, 0, &enqueue(member(1)));
    at(&mut store, 40, &enqueue(member(2)));
    assert_eq!(state(&store, 1), Some(State::Aggregating));
    assert_eq!(check(&mut store, 89), None);
    let set = check(&mut store, 90).expect("50 ms after the last");
    assert_eq!(members(&mut store, set), [id(1), id(2)]);
    assert_eq!(at(&mut store, 91, &Command::ListGroups), Reply::Groups(vec![]));
}

#[test]
fn a_group_is_aggregated_when_its_first_task_has_waited_for_the_longest_delay() {
    let mut store = store();
    at(&mut store, 0, &enqueue(member(1)));
    at(&mut store, 190, &enqueue(member(2)));
    assert_eq!(check(&mut store, 199), None);
    assert!(check(&mut store, 200).is_some());
}

#[test]
fn a_group_is_aggregated_at_its_size_and_the_rest_waits() {
    let mut store = store();
    (1..=4).for_each(|n| drop(at(&mut store, n, &enqueue(member(n)))));
    let set = check(&mut store, 5).expect("three are enough");
    assert_eq!(members(&mut store, set), [id(1), id(2), id(3)]);
    assert_eq!(at(&mut store, 5, &Command::ListGroups), Reply::Groups(vec![(HIGH, GROUP)]));
    assert_eq!(check(&mut store, 6), None);
}

#[test]
fn the_aggregated_task_replaces_the_members_with_their_locks() {
    let mut store = store();
    at(&mut store, 0, &enqueue(Task { unique: Some(UniqueKey(1)), ..member(1) }));
    let set = check(&mut store, 50).expect("it is quiet");
    assert_eq!(at(&mut store, 60, &aggregated(set, &[id(1)])), Reply::Ok);
    assert_eq!(store.tasks().keys().copied().collect::<Vec<_>>(), [TaskId::Aggregated(set)]);
    assert!(store.locks().is_empty() && store.sets().is_empty());
    assert_eq!(at(&mut store, 61, &aggregated(set, &[id(1)])), Reply::NotFound);
}

#[test]
fn a_stale_set_is_reclaimed_and_its_members_are_as_old_as_they_were() {
    let mut store = store();
    at(&mut store, 0, &enqueue(member(1)));
    let set = check(&mut store, 50).expect("it is quiet");
    at(&mut store, 129, &Command::ReclaimStaleAggregationSets);
    assert_eq!(store.sets().len(), 1);
    at(&mut store, 130, &Command::ReclaimStaleAggregationSets);
    assert!(store.sets().is_empty());
    assert_eq!(at(&mut store, 131, &aggregated(set, &[id(1)])), Reply::NotFound, "the aggregator is too late");
    assert_eq!(at(&mut store, 131, &Command::ListGroups), Reply::Groups(vec![(HIGH, GROUP)]));
    assert_eq!(store.queues()[&HIGH].groups[&GROUP].first(), Some(&(Time::ms(0), id(1))));
}

#[test]
fn in_asynq_a_reclaimed_group_is_not_listed() {
    let mut store = store_as_in_asynq();
    at(&mut store, 0, &enqueue(member(1)));
    check(&mut store, 50).expect("it is quiet");
    at(&mut store, 130, &Command::ReclaimStaleAggregationSets);
    assert_eq!(at(&mut store, 131, &Command::ListGroups), Reply::Groups(vec![]));
    at(&mut store, 132, &enqueue(member(2)));
    assert_eq!(at(&mut store, 133, &Command::ListGroups), Reply::Groups(vec![(HIGH, GROUP)]));
}

#[test]
fn a_scheduled_member_joins_its_group_when_its_time_has_come() {
    let mut store = store();
    at(&mut store, 0, &enqueue_when(member(1), When::In(Span::ms(20))));
    assert_eq!(state(&store, 1), Some(State::Scheduled));
    at(&mut store, 20, &Command::Forward);
    assert_eq!(state(&store, 1), Some(State::Aggregating));
    assert_eq!(check(&mut store, 69), None);
    assert!(check(&mut store, 70).is_some());
}
