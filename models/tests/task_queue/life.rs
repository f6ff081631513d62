//! The life of a task (wiki, *Life of a Task*; *Task Retry*).

use seedbed_models::communication::task_queue::command::{By, Command, Reply};
use seedbed_models::communication::task_queue::task::{State, Task, When};
use seedbed_sim::{Span, Time};

use crate::say::*;

#[test]
fn a_task_is_pending_then_active_then_gone() {
    let mut store = store();
    assert_eq!(at(&mut store, 0, &enqueue(task(1))), Reply::Ok);
    assert_eq!(state(&store, 1), Some(State::Pending));
    let (first, lease) = take(&mut store, 5);
    assert_eq!((first, state(&store, 1)), (id(1), Some(State::Active)));
    assert_eq!(at(&mut store, 9, &Command::Done(id(1), lease)), Reply::Ok);
    assert_eq!(state(&store, 1), None);
    assert_eq!(at(&mut store, 9, &Command::Done(id(1), lease)), Reply::NotFound);
}

#[test]
fn tasks_of_a_queue_are_processed_in_their_order() {
    let mut store = store();
    (1..=3).for_each(|n| drop(at(&mut store, n, &enqueue(task(n)))));
    let taken: Vec<_> = (0..3).map(|_| take(&mut store, 9).0).collect();
    assert_eq!(taken, [id(1), id(2), id(3)]);
    assert_eq!(at(&mut store, 9, &dequeue()), Reply::NoProcessableTask);
}

#[test]
fn a_task_with_a_retention_is_completed_and_deleted_when_that_is_over() {
    let mut store = store();
    at(&mut store, 0, &enqueue(Task { retention: Span::ms(30), ..task(1) }));
    let (_, lease) = take(&mut store, 1);
    assert_eq!(at(&mut store, 10, &Command::MarkAsComplete(id(1), lease)), Reply::Ok);
    at(&mut store, 39, &Command::DeleteExpiredCompletedTasks);
    assert_eq!(state(&store, 1), Some(State::Completed));
    at(&mut store, 40, &Command::DeleteExpiredCompletedTasks);
    assert_eq!(state(&store, 1), None);
}

#[test]
fn a_scheduled_task_is_forwarded_when_its_time_has_come() {
    let mut store = store();
    at(&mut store, 10, &enqueue_when(task(1), When::In(Span::ms(20))));
    at(&mut store, 10, &enqueue_when(task(2), When::At(Time::ms(40))));
    at(&mut store, 10, &enqueue_when(task(3), When::At(Time::ms(10))));
    assert_eq!(state(&store, 3), Some(State::Pending), "its time has come");
    at(&mut store, 29, &Command::Forward);
    assert_eq!(state(&store, 1), Some(State::Scheduled));
    at(&mut store, 30, &Command::Forward);
    assert_eq!((state(&store, 1), state(&store, 2)), (Some(State::Pending), Some(State::Scheduled)));
    at(&mut store, 40, &Command::Forward);
    assert_eq!(state(&store, 2), Some(State::Pending));
}

#[test]
fn a_failed_task_waits_for_its_backoff_and_counts() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    let (_, lease) = take(&mut store, 1);
    assert_eq!(at(&mut store, 10, &retry(1, lease, By::Owner)), Reply::Ok);
    assert_eq!(state(&store, 1), Some(State::Retry));
    at(&mut store, 29, &Command::Forward);
    assert_eq!(state(&store, 1), Some(State::Retry));
    at(&mut store, 30, &Command::Forward);
    assert_eq!(state(&store, 1), Some(State::Pending));
    assert_eq!(store.tasks()[&id(1)].task.retried, 1);
}

#[test]
fn an_error_that_is_no_failure_does_not_count() {
    let mut store = store();
    at(&mut store, 0, &enqueue(task(1)));
    let (_, lease) = take(&mut store, 1);
    let busy = Command::Retry { id: id(1), lease, by: By::Owner, after: Span::ms(5), counts: false };
    assert_eq!(at(&mut store, 10, &busy), Reply::Ok);
    assert_eq!(store.tasks()[&id(1)].task.retried, 0);
}

#[test]
fn an_archive_that_is_too_large_loses_its_oldest() {
    let mut store = store();
    for n in 1..=3 {
        at(&mut store, n, &enqueue(task(n)));
        let (_, lease) = take(&mut store, n);
        assert_eq!(at(&mut store, 10 + n, &Command::Archive(id(n), lease, By::Owner)), Reply::Ok);
    }
    assert_eq!([1, 2, 3].map(|n| state(&store, n)), [None, Some(State::Archived), Some(State::Archived)]);
}

#[test]
fn a_task_that_is_requeued_is_the_next() {
    let mut store = store();
    (1..=2).for_each(|n| drop(at(&mut store, n, &enqueue(task(n)))));
    let (first, lease) = take(&mut store, 5);
    assert_eq!(at(&mut store, 6, &Command::Requeue(first, lease)), Reply::Ok);
    assert_eq!(take(&mut store, 7).0, id(1));
}

#[test]
fn the_first_queue_that_has_a_task_is_served() {
    let mut store = store();
    at(&mut store, 0, &enqueue(Task { queue: LOW, ..task(1) }));
    at(&mut store, 1, &enqueue(task(2)));
    assert_eq!(take(&mut store, 2).0, id(2));
    assert_eq!(take(&mut store, 2).0, id(1));
}
