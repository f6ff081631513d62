//! S6: unique locks. S8: ticks.

use std::collections::BTreeSet;

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::store::Store;
use seedbed_models::communication::task_queue::store::journal::{Entry, Event};
use seedbed_models::communication::task_queue::task::{State, TaskId, Tick};

use crate::communication::task_queue::audit::{Finding, Rule};
use crate::communication::task_queue::book::Book;

/// S6: of a unique key at most one task has the lock: one that was not completed, for its time to live. A lock expires when that is
/// over, and not before.
#[derive(Clone, Default)]
pub struct Unique;

impl Rule for Unique {
    const NAME: &'static str = "task_queue/unique";

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        match &entry.event {
            Event::Entered { task, locked_until: Some(_), .. } => {
                let has_it = |other: &TaskId| {
                    book.task(*other)
                        .is_some_and(|known| known.task.unique == task.unique && known.locked_until.is_some())
                };
                match book.tasks().map(|(id, _)| id).find(has_it) {
                    Some(other) => {
                        Err(format!("{:?} has the unique lock of {:?}, which {other:?} has", task.id, task.unique))
                    }
                    None => Ok(()),
                }
            }
            Event::LockExpired(id) => match book.task(*id).and_then(|known| known.locked_until) {
                Some(until) if until > entry.at => {
                    Err(format!("the unique lock of {id:?} expires at {}, and is to be held until {until}", entry.at))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// A unique lock is held by a task that is there and was not completed: when a task is done or deleted, the next can have it.
#[derive(Clone, Default)]
pub struct LockIsHeldByATask;

impl Rule for LockIsHeldByATask {
    const NAME: &'static str = "task_queue/unique_lock_is_held_by_a_task";

    fn concerns(model: &TaskQueue) -> bool {
        model.is_guarded()
    }

    fn data(&mut self, _: &TaskQueue, _: &Book, store: &Store, _: &[TaskId]) -> Finding {
        for (key, lock) in store.locks() {
            let holder = store.tasks().get(&lock.holder);
            let holds =
                holder.is_some_and(|stored| stored.task.unique == Some(*key) && stored.state != State::Completed);
            if !holds {
                let state = holder.map(|stored| stored.state);
                return Err(format!("the lock of {key:?} is held by {:?}, which is {state:?}", lock.holder));
            }
        }
        Ok(())
    }
}

/// The tick that a task is for.
fn tick_of(id: TaskId) -> Option<Tick> {
    match id {
        TaskId::Tick(tick) | TaskId::Own(_, tick) => Some(tick),
        TaskId::Op(..) | TaskId::Aggregated(_) => None,
    }
}

fn is_new(seen: &mut BTreeSet<Tick>, entry: &Entry) -> Finding {
    let Event::Entered { task, .. } = &entry.event else { return Ok(()) };
    match tick_of(task.id) {
        Some(tick) if !seen.insert(tick) => Err(format!("{:?} is the second task of {tick:?}", task.id)),
        _ => Ok(()),
    }
}

/// S8: a tick is enqueued once, however many schedulers there are.
#[derive(Clone, Default)]
pub struct TickIsEnqueuedOnce(BTreeSet<Tick>);

impl Rule for TickIsEnqueuedOnce {
    const NAME: &'static str = "task_queue/tick_is_enqueued_once";

    fn concerns(model: &TaskQueue) -> bool {
        model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, _: &Book, entry: &Entry) -> Finding {
        is_new(&mut self.0, entry)
    }
}

/// The same where ticks are known while their tasks are there: nobody promises it.
#[derive(Clone, Default)]
pub struct TickIsEnqueuedOnceById(BTreeSet<Tick>);

impl Rule for TickIsEnqueuedOnceById {
    const NAME: &'static str = "task_queue/tick_is_enqueued_once_by_id";

    fn concerns(model: &TaskQueue) -> bool {
        !model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, _: &Book, entry: &Entry) -> Finding {
        is_new(&mut self.0, entry)
    }
}
