//! What operators do (`internal/rdb/inspect.go`).

use seedbed_models::communication::task_queue::command::{By, Command, Reply};
use seedbed_models::communication::task_queue::task::{GroupName, State, Task, When};
use seedbed_sim::Span;

use crate::say::*;

#[test]
fn a_paused_queue_is_not_served_and_takes_tasks() {
    let mut store = store();
    at(&mut store, 0, &Command::Pause(HIGH));
    at(&mut store, 1, &enqueue(task(1)));
    assert_eq!(at(&mut store, 2, &dequeue()), Reply::NoProcessableTask);
    at(&mut store, 3, &enqueue(Task { queue: LOW, ..task(2) }));
    assert_eq!(take(&mut store, 4).0, id(2));
    at(&mut store, 5, &Command::Unpause(HIGH));
    assert_eq!(take(&mut store, 6).0, id(1));
}

#[test]
fn a_waiting_task_is_run_by_hand() {
    let mut store = store();
    at(&mut store, 0, &enqueue_when(task(1), When::In(Span::ms(500))));
    assert_eq!(at(&mut store, 1, &Command::RunTask(id(1))), Reply::Ok);
    assert_eq!(at(&mut store, 2, &Command::RunTask(id(1))), Reply::NotFound, "it is pending");
    let (_, lease) = take(&mut store, 3);
    assert_eq!(at(&mut store, 4, &Command::RunTask(id(1))), Reply::NotFound, "it is active");
    at(&mut store, 5, &Command::Archive(id(1), lease, By::Owner));
    assert_eq!(at(&mut store, 6, &Command::RunTask(id(1))), Reply::Ok);
    at(&mut store, 500, &Command::Forward);
    assert_eq!(state(&store, 1), Some(State::Pending));
}

#[test]
fn a_task_that_is_not_active_is_archived_and_deleted_by_hand() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    assert_eq!(at(&mut store, 1, &Command::ArchiveTask(id(1))), Reply::Ok);
    assert_eq!(at(&mut store, 2, &Command::ArchiveTask(id(1))), Reply::NotFound);
    assert_eq!(at(&mut store, 2, &dequeue()), Reply::NoProcessableTask);
    assert_eq!(at(&mut store, 3, &Command::DeleteTask(id(1))), Reply::Ok);
    assert_eq!(at(&mut store, 4, &Command::DeleteTask(id(1))), Reply::NotFound);
    at(&mut store, 5, &enqueue(task(2)));
    take(&mut store, 6);
    assert_eq!(at(&mut store, 7, &Command::ArchiveTask(id(2))), Reply::NotFound);
    assert_eq!(at(&mut store, 7, &Command::DeleteTask(id(2))), Reply::NotFound);
}

#[test]
fn a_member_of_a_group_is_run_by_hand_while_it_is_in_no_set() {
    let mut store = store();
    let group = GroupName(1);
    (1..=2).for_each(|n| drop(at(&mut store, n, &enqueue(Task { group: Some(group), ..task(n) }))));
    assert_eq!(at(&mut store, 3, &Command::RunTask(id(1))), Reply::Ok);
    assert_eq!(take(&mut store, 4).0, id(1));
    at(&mut store, 100, &Command::AggregationCheck(HIGH, group, grouping()));
    assert_eq!(at(&mut store, 101, &Command::RunTask(id(2))), Reply::NotFound);
    assert_eq!(at(&mut store, 101, &Command::DeleteTask(id(2))), Reply::NotFound);
}
