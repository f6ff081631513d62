//! What operators do (Asynq, `internal/rdb/inspect.go`): queues are paused; tasks are run, archived and deleted by hand.

use super::Execution;
use crate::communication::task_queue::command::Reply;
use crate::communication::task_queue::store::journal::{Event, Gone};
use crate::communication::task_queue::store::queue::remove;
use crate::communication::task_queue::task::{QueueName, State, Task, TaskId};

impl Execution<'_> {
    /// Pauses a queue, or lets it go on.
    pub(super) fn pause(&mut self, name: QueueName, paused: bool) -> Reply {
        let before = std::mem::replace(&mut self.store.queue(name).paused, paused);
        if before != paused {
            self.note(if paused { Event::Paused(name) } else { Event::Unpaused(name) });
        }
        Reply::Ok
    }

    /// A task becomes pending, from whichever state but active and pending.
    pub(super) fn run_task(&mut self, id: TaskId) -> Reply {
        let Some(task) = self.take_waiting(id, &[State::Active, State::Pending]) else { return Reply::NotFound };
        self.store.queue(task.queue).pending.push_back(id);
        self.stored(id).state = State::Pending;
        self.note(Event::Ran(id));
        Reply::Ok
    }

    /// A task is archived, from whichever state but active and archived. (Asynq archives completed ones too.)
    pub(super) fn archive_task(&mut self, id: TaskId) -> Reply {
        let Some(task) = self.take_waiting(id, &[State::Active, State::Archived]) else { return Reply::NotFound };
        self.note(Event::ArchivedByHand(id));
        self.add_to_archive(task.queue, id);
        Reply::Ok
    }

    /// A task is deleted with its unique lock, if it is not active.
    pub(super) fn delete_task(&mut self, id: TaskId) -> Reply {
        let Some(task) = self.take_waiting(id, &[State::Active]) else { return Reply::NotFound };
        self.store.tasks.remove(&id);
        self.release_lock(&task);
        self.note(Event::Left(id, Gone::Deleted));
        Reply::Ok
    }

    /// Takes a task out of the list or set that its state says. `None` if it is in one of these states, or in an aggregation
    /// set, or not there.
    fn take_waiting(&mut self, id: TaskId, but: &[State]) -> Option<Task> {
        let stored = self.store.tasks.get(&id).filter(|stored| !but.contains(&stored.state))?;
        let (task, state) = (stored.task.clone(), stored.state);
        let queue = self.store.queue(task.queue);
        let taken = match state {
            State::Pending => {
                let before = queue.pending.len();
                queue.pending.retain(|other| *other != id);
                queue.pending.len() < before
            }
            State::Aggregating => task.group.is_some_and(|group| queue.leave(group, id)),
            State::Active => false,
            State::Scheduled | State::Retry | State::Archived | State::Completed => {
                queue.sorted(state).is_some_and(|set| remove(set, id))
            }
        };
        assert!(taken || state == State::Aggregating, "a task is where its state says: {id:?} is {state:?}");
        taken.then_some(task)
    }
}
