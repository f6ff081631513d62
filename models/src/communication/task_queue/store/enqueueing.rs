//! `enqueue`, `schedule`, `addToGroup`, and their forms with a unique lock.

use seedbed_sim::{Span, Time};

use super::{Execution, Lock, Stored};
use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::Reply;
use crate::communication::task_queue::store::journal::Event;
use crate::communication::task_queue::task::{State, Task, Tick, When};

/// How many ticks of an entry are remembered (1,000 in Asynq). An older one than all of them counts as enqueued.
const HISTORY: usize = 64;

impl Execution<'_> {
    pub(super) fn enqueue(&mut self, task: &Task, when: When, unique_ttl: Span, tick: Option<Tick>) -> Reply {
        // In Asynq the lock is taken first: where the task is then found to be there, the lock is held for nothing.
        let exists = self.store.tasks.contains_key(&task.id);
        if exists && self.is_guarded() || tick.is_some_and(|tick| self.was_enqueued(tick)) {
            return Reply::TaskIdConflict;
        }
        let mut locked_until = None;
        if let Some(key) = task.unique {
            if self.store.locks.contains_key(&key) && !self.planted(Bug::UniqueLockIgnored) {
                return Reply::DuplicateTask;
            }
            let expires = self.now + unique_ttl;
            self.store.locks.insert(key, Lock { holder: task.id, expires });
            locked_until = Some(expires);
        }
        if exists {
            return Reply::TaskIdConflict;
        }
        if let Some(tick) = tick {
            self.remember(tick);
        }
        self.enter(task.clone(), when.due(self.now), locked_until, tick);
        Reply::Ok
    }

    /// A new task: it waits for its time, or in its group, or for a worker.
    pub(super) fn enter(&mut self, task: Task, due: Option<Time>, locked_until: Option<Time>, tick: Option<Tick>) {
        let (now, id) = (self.now, task.id);
        let queue = self.store.queue(task.queue);
        let state = match (due, task.group) {
            (Some(due), _) => {
                queue.scheduled.insert((due, id));
                State::Scheduled
            }
            (None, Some(group)) => {
                queue.join(group, now, id);
                State::Aggregating
            }
            (None, None) => {
                queue.pending.push_back(id);
                State::Pending
            }
        };
        let before = self.store.tasks.insert(id, Stored { task: task.clone(), state });
        assert!(before.is_none(), "a new task has a new identifier, and not that of {before:?}");
        self.note(Event::Entered { task, state, due, locked_until, tick });
    }

    /// Whether a tick was enqueued, by whichever scheduler. In Asynq nobody remembers: a tick is known while its task is.
    fn was_enqueued(&self, tick: Tick) -> bool {
        let Some(slots) = self.store.history.get(&tick.entry).filter(|_| self.is_guarded()) else { return false };
        let forgotten = slots.len() >= HISTORY && slots.first().is_some_and(|oldest| tick.slot < *oldest);
        forgotten || slots.contains(&tick.slot)
    }

    fn remember(&mut self, tick: Tick) {
        let slots = self.store.history.entry(tick.entry).or_default();
        slots.insert(tick.slot);
        if slots.len() > HISTORY {
            slots.pop_first();
        }
    }
}
