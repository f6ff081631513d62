//! `forward`: tasks whose time has come. `deleteExpiredCompletedTasks`: those whose retention is over.

use seedbed_sim::{Span, Time};

use super::Execution;
use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::Reply;
use crate::communication::task_queue::store::journal::{Event, Gone};
use crate::communication::task_queue::store::queue::SortedSet;
use crate::communication::task_queue::task::{QueueName, State, TaskId};

/// How many tasks of a set a script forwards at most, to be short. A forwarder asks again until there are none.
const AT_ONCE: usize = 100;
/// How much too early a planted bug forwards.
const EARLY: Span = Span::ms(20);

impl Execution<'_> {
    /// Scheduled tasks and retries whose time has come become pending, or members of their groups.
    pub(super) fn forward(&mut self) -> Reply {
        let until = if self.planted(Bug::ForwardedEarly) { self.now + EARLY } else { self.now };
        let names: Vec<QueueName> = self.store.queues.keys().copied().collect();
        for name in names {
            for from in [State::Scheduled, State::Retry] {
                for (due, id) in due_in(self.sorted(name, from), until).into_iter().take(AT_ONCE) {
                    self.forward_one(name, from, due, id);
                }
            }
        }
        Reply::Ok
    }

    fn forward_one(&mut self, name: QueueName, from: State, due: Time, id: TaskId) {
        if !self.planted(Bug::ScheduledStays) {
            self.sorted(name, from).remove(&(due, id));
        }
        let (now, stored) = (self.now, self.stored(id));
        // A member of a group that was retried is one of an aggregated task no more.
        let to = if stored.task.group.is_some() { State::Aggregating } else { State::Pending };
        stored.state = to;
        let group = stored.task.group;
        let queue = self.store.queue(name);
        match group {
            Some(group) => queue.join(group, now, id),
            None => queue.pending.push_back(id),
        }
        self.note(Event::Forwarded { id, due, to });
    }

    /// Completed tasks whose retention is over are deleted.
    pub(super) fn delete_expired_completed_tasks(&mut self) -> Reply {
        let names: Vec<QueueName> = self.store.queues.keys().copied().collect();
        let until = if self.planted(Bug::RetentionIgnored) { Time::NEVER } else { self.now };
        for name in names {
            for (kept_until, id) in due_in(self.sorted(name, State::Completed), until) {
                self.sorted(name, State::Completed).remove(&(kept_until, id));
                self.store.tasks.remove(&id);
                self.note(Event::Left(id, Gone::Retention(kept_until)));
            }
        }
        Reply::Ok
    }

    fn sorted(&mut self, name: QueueName, state: State) -> &mut SortedSet {
        self.store.queue(name).sorted(state).expect("tasks of this state are in a sorted set")
    }
}

/// What a sorted set has up to a time (`ZRANGEBYSCORE -inf`).
fn due_in(set: &SortedSet, until: Time) -> Vec<(Time, TaskId)> {
    set.iter().take_while(|(at, _)| *at <= until).copied().collect()
}
