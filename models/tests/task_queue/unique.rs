//! Unique locks (wiki, *Unique Tasks*) and task identifiers.

use seedbed_models::communication::task_queue::command::{By, Command, Reply};
use seedbed_models::communication::task_queue::task::{EntryId, Task, TaskId, Tick, UniqueKey};
use seedbed_sim::Span;

use crate::say::*;

fn unique(n: u64) -> Task {
    Task { unique: Some(UniqueKey(1)), ..task(n) }
}

#[test]
fn a_lock_is_held_until_the_task_is_done() {
    let mut store = store();
    assert_eq!(at(&mut store, 0, &enqueue(unique(1))), Reply::Ok);
    assert_eq!(at(&mut store, 1, &enqueue(unique(2))), Reply::DuplicateTask);
    let (_, lease) = take(&mut store, 2);
    assert_eq!(at(&mut store, 3, &enqueue(unique(3))), Reply::DuplicateTask);
    at(&mut store, 4, &Command::Done(id(1), lease));
    assert_eq!(at(&mut store, 5, &enqueue(unique(4))), Reply::Ok);
}

#[test]
fn a_lock_is_released_by_a_task_that_is_completed_and_kept() {
    let mut store = store();
    at(&mut store, 0, &enqueue(Task { retention: Span::ms(500), ..unique(1) }));
    let (_, lease) = take(&mut store, 2);
    at(&mut store, 4, &Command::MarkAsComplete(id(1), lease));
    assert_eq!(at(&mut store, 5, &enqueue(unique(2))), Reply::Ok);
}

#[test]
fn a_lock_has_a_time_to_live() {
    let mut store = store();
    at(&mut store, 0, &enqueue(unique(1)));
    assert_eq!(at(&mut store, 299, &enqueue(unique(2))), Reply::DuplicateTask);
    assert_eq!(at(&mut store, 300, &enqueue(unique(2))), Reply::Ok);
    let (_, lease) = take(&mut store, 301);
    at(&mut store, 302, &Command::Done(id(1), lease));
    assert_eq!(at(&mut store, 303, &enqueue(unique(3))), Reply::DuplicateTask, "the lock is the second's");
}

#[test]
fn an_archived_task_keeps_its_lock_until_it_is_deleted() {
    let mut store = store();
    at(&mut store, 0, &enqueue(unique(1)));
    let (_, lease) = take(&mut store, 1);
    at(&mut store, 2, &Command::Archive(id(1), lease, By::Owner));
    assert_eq!(at(&mut store, 3, &enqueue(unique(2))), Reply::DuplicateTask);
    assert_eq!(at(&mut store, 4, &Command::DeleteTask(id(1))), Reply::Ok);
    assert_eq!(at(&mut store, 5, &enqueue(unique(2))), Reply::Ok);
}

#[test]
fn a_task_is_enqueued_once_under_its_identifier() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    assert_eq!(at(&mut store, 1, &enqueue(task(1))), Reply::TaskIdConflict);
    assert_eq!(at(&mut store, 1, &enqueue(unique(1))), Reply::TaskIdConflict);
    assert!(store.locks().is_empty());
}

#[test]
fn in_asynq_a_conflict_leaves_the_lock_behind() {
    let mut store = store_as_in_asynq();
    at(&mut store, 0, &enqueue(task(1)));
    assert_eq!(at(&mut store, 1, &enqueue(unique(1))), Reply::TaskIdConflict);
    assert_eq!(store.locks().len(), 1);
}

#[test]
fn a_tick_is_enqueued_once_also_when_its_task_is_gone() {
    let tick = Tick { entry: EntryId(0), slot: 7 };
    let of_tick = |n| {
        let task = Task { id: TaskId::Tick(tick), ..task(n) };
        Command::Enqueue {
            task,
            when: seedbed_models::communication::task_queue::task::When::Now,
            unique_ttl: Span::ZERO,
            tick: Some(tick),
        }
    };
    for (mut store, second) in [(store(), Reply::TaskIdConflict), (store_as_in_asynq(), Reply::Ok)] {
        assert_eq!(at(&mut store, 0, &of_tick(1)), Reply::Ok);
        assert_eq!(at(&mut store, 1, &of_tick(2)), Reply::TaskIdConflict);
        let (id, lease) = take(&mut store, 2);
        at(&mut store, 3, &Command::Done(id, lease));
        assert_eq!(at(&mut store, 4, &of_tick(3)), second);
    }
}
