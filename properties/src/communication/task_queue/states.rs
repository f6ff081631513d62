//! S1: a task is in one state.

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::store::Store;
use seedbed_models::communication::task_queue::store::journal::{Entry, Event};
use seedbed_models::communication::task_queue::store::queue::Queue;
use seedbed_models::communication::task_queue::task::{State, TaskId};

use crate::communication::task_queue::audit::{Finding, Rule};
use crate::communication::task_queue::book::Book;

/// S1: a task is in the one list or set of its state, and in no other; its state is what the journal says, and an active task has a
/// lease, and no other has. What entered is there until it is done, deleted, aggregated, or over its retention: no task vanishes.
/// An event is about tasks that are there.
#[derive(Clone, Default)]
pub struct OneState;

impl Rule for OneState {
    const NAME: &'static str = "task_queue/one_state";

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let (id, from): (TaskId, &[State]) = match &entry.event {
            Event::Entered { task, .. } if book.task(task.id).is_some() => {
                return Err(format!("{:?} enters, and is there already", task.id));
            }
            Event::Forwarded { id, .. } => (*id, &[State::Scheduled, State::Retry]),
            Event::Dequeued { id, .. } => (*id, &[State::Pending]),
            Event::Finished { id, .. } => (*id, &[State::Active]),
            _ => return Ok(()),
        };
        match book.task(id) {
            Some(known) if from.contains(&known.state) => Ok(()),
            known => Err(format!("{:?} happens to {id:?}, which is {:?}", entry.event, known.map(|known| known.state))),
        }
    }

    fn data(&mut self, _: &TaskQueue, book: &Book, store: &Store, touched: &[TaskId]) -> Finding {
        for id in touched {
            let stored = store.tasks().get(id);
            let is: Vec<State> = stored.map(|stored| stored.state).into_iter().collect();
            let known: Vec<State> = book.task(*id).map(|known| known.state).into_iter().collect();
            let places = places(store, *id);
            if is != known || places != known {
                return Err(format!(
                    "{id:?} is {is:?}, by what was done {known:?}, and in the lists and sets of {places:?}"
                ));
            }
            let has_lease = store.queues().values().any(|queue| queue.leases.contains_key(id));
            if has_lease != known.contains(&State::Active) {
                return Err(format!("{id:?} is {known:?}, and whether it has a lease is {has_lease}"));
            }
        }
        let listed = store.queues().values().map(size).sum::<usize>()
            + store.sets().values().map(|set| set.members.len()).sum::<usize>();
        if listed != book.len() || store.tasks().len() != book.len() {
            return Err(format!("there are {} tasks, and {listed} in lists and sets", book.len()));
        }
        Ok(())
    }
}

/// The states in whose lists and sets a task is, as often as it is there.
fn places(store: &Store, id: TaskId) -> Vec<State> {
    let mut places = Vec::new();
    let mut add = |state, count| places.extend(std::iter::repeat_n(state, count));
    for queue in store.queues().values() {
        let sorted = [
            (State::Scheduled, &queue.scheduled),
            (State::Retry, &queue.retry),
            (State::Archived, &queue.archived),
            (State::Completed, &queue.completed),
        ];
        add(State::Pending, queue.pending.iter().filter(|other| **other == id).count());
        add(State::Active, usize::from(queue.active.contains(&id)));
        for (state, set) in sorted {
            add(state, set.iter().filter(|(_, other)| *other == id).count());
        }
        for group in queue.groups.values() {
            add(State::Aggregating, group.iter().filter(|(_, other)| *other == id).count());
        }
    }
    for set in store.sets().values() {
        add(State::Aggregating, set.members.iter().filter(|(_, other)| *other == id).count());
    }
    places
}

/// How many tasks are in the lists and sets of a queue.
fn size(queue: &Queue) -> usize {
    let sets = [&queue.scheduled, &queue.retry, &queue.archived, &queue.completed];
    let groups = queue.groups.values().map(std::collections::BTreeSet::len).sum::<usize>();
    queue.pending.len() + queue.active.len() + groups + sets.iter().map(|set| set.len()).sum::<usize>()
}
