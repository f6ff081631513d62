//! `dequeue`, `ExtendLease`, `listLeaseExpired`.

use seedbed_sim::Time;

use super::Execution;
use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::Reply;
use crate::communication::task_queue::settings::Scripts;
use crate::communication::task_queue::store::journal::Event;
use crate::communication::task_queue::store::queue::Lease;
use crate::communication::task_queue::task::{LeaseId, QueueName, State, Task, TaskId};

impl Execution<'_> {
    /// The oldest pending task of the first queue that has one becomes active, under a lease (`RPOPLPUSH`, `ZADD`).
    pub(super) fn dequeue(&mut self, order: &[QueueName]) -> Reply {
        let all = self.store.queues.iter().filter(|(_, queue)| queue.is_backlogged());
        let backlogged: Vec<QueueName> = all.map(|(name, _)| *name).collect();
        let ignores_pause = self.planted(Bug::PausedQueueServed);
        let has_task = |name: &&QueueName| {
            self.store
                .queues
                .get(name)
                .is_some_and(|queue| queue.is_backlogged() || ignores_pause && !queue.pending.is_empty())
        };
        let Some(&name) = order.iter().find(has_task) else { return Reply::NoProcessableTask };
        self.store.leases += 1;
        let lease = Lease { id: LeaseId(self.store.leases), expires: self.now + self.store.settings.lease };
        let keeps_no_backup = self.planted(Bug::PopWithoutBackup);
        let queue = self.store.queue(name);
        let id = queue.pending.pop_front().expect("the queue has a task");
        if !keeps_no_backup {
            assert!(queue.active.insert(id), "a pending task is not active: {id:?}");
        }
        let before = queue.leases.insert(id, lease);
        assert!(before.is_none(), "a pending task has no lease: {id:?} has {before:?}");
        let stored = self.stored(id);
        assert!(stored.state == State::Pending, "a task that is dequeued was pending: {id:?} is {:?}", stored.state);
        stored.state = State::Active;
        let task = stored.task.clone();
        self.note(Event::Dequeued { id, queue: name, lease: lease.id, order: order.to_vec(), backlogged });
        Reply::Dequeued(task, lease.id)
    }

    /// A heartbeat: the leases that are there are extended (`ZADD XX`). In Asynq a task's lease is extended whoever has it, and its
    /// former owner believes that it has been.
    pub(super) fn extend_lease(&mut self, leases: &[(TaskId, LeaseId)]) -> Reply {
        let as_in_asynq = self.store.settings.scripts == Scripts::AsInAsynq;
        let expires = self.now + self.store.settings.lease;
        let mut extended = Vec::new();
        for (id, lease) in leases {
            let Some(stored) = self.store.tasks.get(id) else { continue };
            let queue = stored.task.queue;
            let held = self.store.queue(queue).leases.get_mut(id);
            let Some(held) = held.filter(|held| held.id == *lease || as_in_asynq) else { continue };
            if self.bug != Some(Bug::LeaseNeverExtended) {
                held.expires = expires;
            }
            extended.push((*id, *lease));
        }
        if !extended.is_empty() {
            self.note(Event::Heartbeat(extended.clone()));
        }
        Reply::Extended(if as_in_asynq { leases.to_vec() } else { extended })
    }

    /// The tasks whose leases have expired for long enough.
    pub(super) fn list_lease_expired(&self) -> Reply {
        let mut expired: Vec<(Task, LeaseId)> = Vec::new();
        for queue in self.store.queues.values() {
            for (id, lease) in &queue.leases {
                if self.has_expired(lease) {
                    expired.extend(self.store.tasks.get(id).map(|stored| (stored.task.clone(), lease.id)));
                }
            }
        }
        Reply::LeaseExpired(expired)
    }

    /// Whether a task counts as orphaned: its lease has expired, and the margin is over.
    pub(super) fn has_expired(&self, lease: &Lease) -> bool {
        let orphaned_at: Time = lease.expires + self.store.settings.lease_margin;
        self.planted(Bug::RecovererIgnoresLease) || orphaned_at <= self.now
    }
}
