//! Leases (`rdb.Dequeue`, `ExtendLease`, `ListLeaseExpired`; `recoverer.go`): a worker has a task for the length of a lease.

use seedbed_models::communication::task_queue::command::{By, Command, Reply};
use seedbed_models::communication::task_queue::store::Store;
use seedbed_models::communication::task_queue::task::{State, TaskId};

use crate::say::*;

fn expired(store: &mut Store, ms: u64) -> Vec<TaskId> {
    match at(store, ms, &Command::ListLeaseExpired) {
        Reply::LeaseExpired(tasks) => tasks.into_iter().map(|(task, _)| task.id).collect(),
        reply => panic!("a list: {reply:?}"),
    }
}

#[test]
fn a_lease_has_expired_when_it_and_the_margin_are_over() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    take(&mut store, 10);
    assert_eq!(expired(&mut store, 159), []);
    assert_eq!(expired(&mut store, 160), [id(1)]);
}

#[test]
fn a_heartbeat_extends_a_lease_by_its_length() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    let (_, lease) = take(&mut store, 10);
    let beat = Command::ExtendLease(vec![(id(1), lease)]);
    assert_eq!(at(&mut store, 90, &beat), Reply::Extended(vec![(id(1), lease)]));
    assert_eq!(expired(&mut store, 239), []);
    assert_eq!(expired(&mut store, 240), [id(1)]);
}

#[test]
fn a_heartbeat_does_not_extend_the_lease_of_another() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    let (_, first) = take(&mut store, 10);
    assert_eq!(at(&mut store, 200, &retry(1, first, By::Recoverer)), Reply::Ok);
    assert_eq!(at(&mut store, 210, &Command::ExtendLease(vec![(id(1), first)])), Reply::Extended(vec![]));
    at(&mut store, 230, &Command::Forward);
    let (_, second) = take(&mut store, 240);
    assert_ne!(first, second);
    let both = Command::ExtendLease(vec![(id(1), first), (id(1), second)]);
    assert_eq!(at(&mut store, 250, &both), Reply::Extended(vec![(id(1), second)]));
}

#[test]
fn a_mark_of_a_former_owner_is_refused() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    let (_, first) = take(&mut store, 10);
    at(&mut store, 200, &retry(1, first, By::Recoverer));
    at(&mut store, 230, &Command::Forward);
    let (_, second) = take(&mut store, 240);
    let marks = [
        Command::Done(id(1), first),
        Command::MarkAsComplete(id(1), first),
        Command::Requeue(id(1), first),
        retry(1, first, By::Owner),
        Command::Archive(id(1), first, By::Owner),
    ];
    for mark in marks {
        assert_eq!(at(&mut store, 250, &mark), Reply::NotFound, "{mark:?}");
    }
    assert_eq!(state(&store, 1), Some(State::Active));
    assert_eq!(at(&mut store, 260, &Command::Done(id(1), second)), Reply::Ok);
}

#[test]
fn in_asynq_a_mark_of_a_former_owner_counts() {
    let mut store = store_as_in_asynq();
    at(&mut store, 0, &enqueue(task(1)));
    let (_, first) = take(&mut store, 10);
    at(&mut store, 200, &retry(1, first, By::Recoverer));
    at(&mut store, 230, &Command::Forward);
    take(&mut store, 240);
    assert_eq!(at(&mut store, 250, &Command::Done(id(1), first)), Reply::Ok);
    assert_eq!(state(&store, 1), None);
}

#[test]
fn a_recovery_looks_at_the_lease_again() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    let (_, lease) = take(&mut store, 10);
    assert_eq!(expired(&mut store, 160), [id(1)]);
    at(&mut store, 161, &Command::ExtendLease(vec![(id(1), lease)]));
    assert_eq!(at(&mut store, 162, &retry(1, lease, By::Recoverer)), Reply::NotFound);
    assert_eq!(at(&mut store, 162, &Command::Archive(id(1), lease, By::Recoverer)), Reply::NotFound);
    assert_eq!(state(&store, 1), Some(State::Active));
}
