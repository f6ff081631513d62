//! `done`, `markAsComplete`, `requeue`, `retry`, `archive`: the end of an execution. A mark names the lease of its execution and is
//! refused if the task is active under another one, or none: a worker that was away does not mark what another does. In Asynq
//! a mark names the task alone.

use seedbed_sim::Span;

use super::Execution;
use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::{By, Reply};
use crate::communication::task_queue::store::journal::{Event, Fate, Gone};
use crate::communication::task_queue::task::{LeaseId, QueueName, State, Task, TaskId};

impl Execution<'_> {
    /// The task was processed, and is deleted with its unique lock.
    pub(super) fn done(&mut self, id: TaskId, lease: LeaseId) -> Reply {
        let Some(task) = self.end(id, lease, By::Owner) else { return Reply::NotFound };
        self.store.tasks.remove(&id);
        if !self.planted(Bug::UniqueLockLeaks) {
            self.release_lock(&task);
        }
        self.note(Event::Finished { id, lease, by: By::Owner, fate: Fate::Done });
        Reply::Ok
    }

    /// The task was processed, and is kept for its retention.
    pub(super) fn mark_as_complete(&mut self, id: TaskId, lease: LeaseId) -> Reply {
        let Some(task) = self.end(id, lease, By::Owner) else { return Reply::NotFound };
        let until = self.now + task.retention;
        self.store.queue(task.queue).completed.insert((until, id));
        self.stored(id).state = State::Completed;
        if !self.planted(Bug::UniqueLockLeaks) {
            self.release_lock(&task);
        }
        self.note(Event::Finished { id, lease, by: By::Owner, fate: Fate::Completed(until) });
        Reply::Ok
    }

    /// The worker stops, and the task is the next of its queue.
    pub(super) fn requeue(&mut self, id: TaskId, lease: LeaseId) -> Reply {
        let Some(task) = self.end(id, lease, By::Owner) else { return Reply::NotFound };
        self.store.queue(task.queue).pending.push_front(id);
        self.stored(id).state = State::Pending;
        self.note(Event::Finished { id, lease, by: By::Owner, fate: Fate::Requeued });
        Reply::Ok
    }

    /// The execution has failed, and there will be another.
    pub(super) fn retry(&mut self, id: TaskId, lease: LeaseId, by: By, after: Span, counts: bool) -> Reply {
        let Some(task) = self.end(id, lease, by) else { return Reply::NotFound };
        let due = self.now + after;
        self.store.queue(task.queue).retry.insert((due, id));
        let counted = counts || self.planted(Bug::BusyCounts);
        let forgets = self.planted(Bug::RetryForgetsCount);
        let stored = self.stored(id);
        stored.state = State::Retry;
        let retried = stored.task.retried;
        if counted && !forgets {
            stored.task.retried += 1;
        }
        self.note(Event::Finished { id, lease, by, fate: Fate::Retried { due, counted, retried } });
        Reply::Ok
    }

    /// The execution has failed, and there will be no other. The unique lock stays until its time is over.
    pub(super) fn archive(&mut self, id: TaskId, lease: LeaseId, by: By) -> Reply {
        let Some(task) = self.end(id, lease, by) else { return Reply::NotFound };
        self.note(Event::Finished { id, lease, by, fate: Fate::Archived });
        self.add_to_archive(task.queue, id);
        Reply::Ok
    }

    /// Adds a task to the archive, which loses its oldest where it is too large.
    pub(super) fn add_to_archive(&mut self, name: QueueName, id: TaskId) {
        let (now, most) = (self.now, self.store.settings.max_archived);
        self.stored(id).state = State::Archived;
        self.store.queue(name).archived.insert((now, id));
        while self.store.queue(name).archived.len() > most {
            let (_, oldest) =
                self.store.queue(name).archived.pop_first().expect("an archive that is too large has a task");
            let stored = self.store.tasks.remove(&oldest).expect("an archived task is there");
            if self.is_guarded() {
                self.release_lock(&stored.task);
            }
            self.note(Event::Left(oldest, Gone::ArchiveTrimmed));
        }
    }

    /// Ends the execution of a task, if it may be ended: the owner has to have the lease; for a recoverer it has to have expired,
    /// also now. Returns the task, which is in no state then.
    fn end(&mut self, id: TaskId, lease: LeaseId, by: By) -> Option<Task> {
        let task = self.store.tasks.get(&id)?.task.clone();
        let queue = self.store.queues.get(&task.queue)?;
        let held = queue.leases.get(&id)?;
        let is_own = held.id == lease || !self.is_guarded() || self.planted(Bug::DoneWithoutLease);
        let may = match by {
            By::Owner => true,
            By::Recoverer => self.has_expired(held) || !self.is_guarded(),
        };
        if !is_own || !may {
            return None;
        }
        let keeps_no_backup = self.planted(Bug::PopWithoutBackup);
        let queue = self.store.queue(task.queue);
        queue.leases.remove(&id);
        let was_active = queue.active.remove(&id);
        assert!(was_active || keeps_no_backup, "a task with a lease is active: {id:?}");
        Some(task)
    }
}
