//! The broker's data, and the scripts that change it (Asynq, `internal/rdb`). A script is executed whole, at a time of the broker's
//! clock; it draws nothing, so executing the same scripts at the same times again gives the same data: that is what the
//! append-only file relies on.

mod enqueueing;
mod grouping;
mod inspecting;
pub mod journal;
mod leasing;
mod marking;
pub mod queue;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seedbed_sim::Time;

use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::{Command, Reply};
use crate::communication::task_queue::settings::{Scripts, StoreSettings};
use crate::communication::task_queue::store::journal::{Entry, Event};
use crate::communication::task_queue::store::queue::Queue;
use crate::communication::task_queue::task::{EntryId, GroupName, QueueName, SetId, State, Task, TaskId, UniqueKey};

/// A task with its state (the hash of a task).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// The task.
    pub task: Task,
    /// Its state.
    pub state: State,
}

/// Who holds a unique lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    /// The task.
    pub holder: TaskId,
    /// Until when, at most.
    pub expires: Time,
}

/// An aggregation set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AggregationSet {
    /// The queue.
    pub queue: QueueName,
    /// The group that its members are of.
    pub group: GroupName,
    /// The members, and when each came into the group.
    pub members: BTreeSet<(Time, TaskId)>,
    /// When it is stale.
    pub deadline: Time,
}

/// The broker's data.
#[derive(Clone, Debug, Hash)]
pub struct Store {
    settings: Arc<StoreSettings>,
    tasks: BTreeMap<TaskId, Stored>,
    queues: BTreeMap<QueueName, Queue>,
    sets: BTreeMap<SetId, AggregationSet>,
    locks: BTreeMap<UniqueKey, Lock>,
    /// The slots whose ticks were enqueued (`asynq:scheduler_history`).
    history: BTreeMap<EntryId, BTreeSet<u64>>,
    leases: u64,
    last_set: u64,
    journal: Vec<Entry>,
}

impl Store {
    /// An empty store.
    pub fn new(settings: Arc<StoreSettings>) -> Self {
        Store {
            settings,
            tasks: BTreeMap::new(),
            queues: BTreeMap::new(),
            sets: BTreeMap::new(),
            locks: BTreeMap::new(),
            history: BTreeMap::new(),
            leases: 0,
            last_set: 0,
            journal: Vec::new(),
        }
    }

    /// All tasks.
    pub fn tasks(&self) -> &BTreeMap<TaskId, Stored> {
        &self.tasks
    }

    /// All queues.
    pub fn queues(&self) -> &BTreeMap<QueueName, Queue> {
        &self.queues
    }

    /// The aggregation sets.
    pub fn sets(&self) -> &BTreeMap<SetId, AggregationSet> {
        &self.sets
    }

    /// The unique locks.
    pub fn locks(&self) -> &BTreeMap<UniqueKey, Lock> {
        &self.locks
    }

    /// What scripts did, from the first on.
    pub fn journal(&self) -> &[Entry] {
        &self.journal
    }

    /// Executes a script. Returns its reply, and whether it has changed anything.
    pub fn execute(&mut self, now: Time, bug: Option<Bug>, command: &Command) -> (Reply, bool) {
        let before = self.journal.len();
        let mut execution = Execution { store: self, now, bug };
        execution.expire_locks();
        let reply = execution.run(command);
        (reply, self.journal.len() > before)
    }

    fn queue(&mut self, name: QueueName) -> &mut Queue {
        self.queues.entry(name).or_default()
    }
}

/// A script under execution.
struct Execution<'a> {
    store: &'a mut Store,
    now: Time,
    bug: Option<Bug>,
}

impl Execution<'_> {
    fn run(&mut self, command: &Command) -> Reply {
        match command {
            Command::Enqueue { task, when, unique_ttl, tick } => self.enqueue(task, *when, *unique_ttl, *tick),
            Command::Dequeue(queues) => self.dequeue(queues),
            Command::Done(id, lease) => self.done(*id, *lease),
            Command::MarkAsComplete(id, lease) => self.mark_as_complete(*id, *lease),
            Command::Requeue(id, lease) => self.requeue(*id, *lease),
            Command::Retry { id, lease, by, after, counts } => self.retry(*id, *lease, *by, *after, *counts),
            Command::Archive(id, lease, by) => self.archive(*id, *lease, *by),
            Command::ExtendLease(leases) => self.extend_lease(leases),
            Command::ListLeaseExpired => self.list_lease_expired(),
            Command::Forward => self.forward(),
            Command::ListGroups => self.list_groups(),
            Command::AggregationCheck(queue, group, grouping) => self.aggregation_check(*queue, *group, *grouping),
            Command::ReadAggregationSet(set) => self.read_aggregation_set(*set),
            Command::EnqueueAggregated(set, task) => self.enqueue_aggregated(*set, task),
            Command::DeleteAggregationSet(set) => self.delete_aggregation_set(*set),
            Command::ReclaimStaleAggregationSets => self.reclaim_stale_aggregation_sets(),
            Command::DeleteExpiredCompletedTasks => self.delete_expired_completed_tasks(),
            Command::Pause(queue) => self.pause(*queue, true),
            Command::Unpause(queue) => self.pause(*queue, false),
            Command::RunTask(id) => self.run_task(*id),
            Command::ArchiveTask(id) => self.archive_task(*id),
            Command::DeleteTask(id) => self.delete_task(*id),
        }
    }

    fn planted(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn is_guarded(&self) -> bool {
        self.store.settings.scripts == Scripts::Guarded
    }

    fn note(&mut self, event: Event) {
        self.store.journal.push(Entry { at: self.now, event });
    }

    /// The task, which must be there: no list or set names one that is not.
    fn stored(&mut self, id: TaskId) -> &mut Stored {
        self.store.tasks.get_mut(&id).unwrap_or_else(|| panic!("a list names a task that is there, and not {id:?}"))
    }

    /// Releases the unique lock of a task, if it is this task that holds it (`if GET key == id then DEL key`).
    fn release_lock(&mut self, task: &Task) {
        let Some(key) = task.unique else { return };
        if self.store.locks.get(&key).is_some_and(|lock| lock.holder == task.id) {
            self.store.locks.remove(&key);
        }
    }

    /// Unique locks have a time to live (`SET NX EX`).
    fn expire_locks(&mut self) {
        let now = self.now;
        let expired = self.store.locks.iter().filter(|(_, lock)| lock.expires <= now);
        let expired: Vec<(UniqueKey, TaskId)> = expired.map(|(key, lock)| (*key, lock.holder)).collect();
        for (key, holder) in expired {
            self.store.locks.remove(&key);
            self.note(Event::LockExpired(holder));
        }
    }
}
