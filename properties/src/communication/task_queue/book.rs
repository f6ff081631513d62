//! A book of the tasks: what the journal of the broker says of each. It knows the rules from Asynq's documentation, and nothing of
//! how the broker keeps its lists.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::task_queue::store::journal::{Entry, Event, Fate};
use seedbed_models::communication::task_queue::task::{LeaseId, QueueName, SetId, State, Task, TaskId};
use seedbed_sim::Time;

/// A task that is there.
#[derive(Clone, Debug)]
pub struct Known {
    /// As it was enqueued.
    pub task: Task,
    /// Its state.
    pub state: State,
    /// When its time comes, while it is scheduled or retried.
    pub due: Option<Time>,
    /// Until when it is kept, once it is completed.
    pub kept_until: Option<Time>,
    /// Until when it has its unique lock, if it has.
    pub locked_until: Option<Time>,
    /// When it came into its group.
    pub joined: Option<Time>,
    /// The aggregation set that it is in.
    pub set: Option<SetId>,
    /// The lease of its execution.
    pub lease: Option<LeaseId>,
    /// When the broker last heard of its worker: at the dequeue, or by a heartbeat.
    pub heard: Time,
    /// How often it was dequeued.
    pub attempts: u32,
    /// How many of these do not count: what ended them was no failure, or somebody has run the task by hand.
    pub excused: u32,
    /// How many failures were counted.
    pub failures: u32,
}

/// The book.
#[derive(Clone, Debug, Default)]
pub struct Book {
    tasks: BTreeMap<TaskId, Known>,
    paused: BTreeSet<QueueName>,
    pending: BTreeMap<QueueName, i64>,
    sets: BTreeMap<SetId, Vec<TaskId>>,
}

impl Book {
    /// A task that is there.
    pub fn task(&self, id: TaskId) -> Option<&Known> {
        self.tasks.get(&id)
    }

    /// All tasks that are there.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskId, &Known)> {
        self.tasks.iter().map(|(id, known)| (*id, known))
    }

    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether a queue is paused.
    pub fn is_paused(&self, queue: QueueName) -> bool {
        self.paused.contains(&queue)
    }

    /// The queues that have pending tasks and are not paused.
    pub fn backlogged(&self) -> impl Iterator<Item = QueueName> {
        let has_tasks = self.pending.iter().filter(|(_, count)| **count > 0);
        has_tasks.map(|(queue, _)| *queue).filter(|queue| !self.is_paused(*queue))
    }

    /// The members that were put into a set.
    pub fn members(&self, set: SetId) -> Option<&[TaskId]> {
        self.sets.get(&set).map(Vec::as_slice)
    }

    /// Enters what a script did.
    pub fn read(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.event {
            Event::Entered { task, state, due, locked_until, .. } => {
                let known = Known {
                    task: task.clone(),
                    state: State::Aggregating,
                    due: None,
                    kept_until: None,
                    locked_until: *locked_until,
                    joined: None,
                    set: None,
                    lease: None,
                    heard: at,
                    attempts: 0,
                    excused: 0,
                    failures: 0,
                };
                self.tasks.insert(task.id, known);
                self.becomes(task.id, *state, at);
                self.change(task.id, |known| known.due = *due);
            }
            Event::Forwarded { id, to, .. } => self.becomes(*id, *to, at),
            Event::Dequeued { id, lease, .. } => {
                self.becomes(*id, State::Active, at);
                self.change(*id, |known| {
                    (known.lease, known.heard) = (Some(*lease), at);
                    known.attempts += 1;
                });
            }
            Event::Heartbeat(leases) => {
                for (id, lease) in leases {
                    self.change(*id, |known| {
                        if known.lease == Some(*lease) {
                            known.heard = at;
                        }
                    });
                }
            }
            Event::Finished { id, fate, .. } => self.finished(*id, *fate, at),
            Event::Gathered { set, members, .. } => {
                self.sets.insert(*set, members.iter().map(|(_, id)| *id).collect());
                members.iter().for_each(|(_, id)| self.change(*id, |known| known.set = Some(*set)));
            }
            Event::Reclaimed(_, members) => members.iter().for_each(|id| self.change(*id, |known| known.set = None)),
            Event::Left(id, _) => self.gone(*id),
            Event::Ran(id) => {
                self.becomes(*id, State::Pending, at);
                self.change(*id, |known| known.excused += 1);
            }
            Event::ArchivedByHand(id) => self.becomes(*id, State::Archived, at),
            Event::Paused(queue) => _ = self.paused.insert(*queue),
            Event::Unpaused(queue) => _ = self.paused.remove(queue),
            Event::LockExpired(id) => self.change(*id, |known| known.locked_until = None),
            Event::Aggregated(..) => {}
        }
    }

    fn finished(&mut self, id: TaskId, fate: Fate, at: Time) {
        match fate {
            Fate::Done => self.gone(id),
            Fate::Completed(_) => {
                self.becomes(id, State::Completed, at);
                self.change(id, |known| {
                    (known.kept_until, known.locked_until) = (Some(at + known.task.retention), None);
                });
            }
            Fate::Retried { due, counted, .. } => {
                self.becomes(id, State::Retry, at);
                self.change(id, |known| {
                    known.due = Some(due);
                    if counted { known.failures += 1 } else { known.excused += 1 }
                });
            }
            Fate::Archived => self.becomes(id, State::Archived, at),
            Fate::Requeued => {
                self.becomes(id, State::Pending, at);
                self.change(id, |known| known.excused += 1);
            }
        }
    }

    fn change(&mut self, id: TaskId, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.tasks.get_mut(&id) {
            change(known);
        }
    }

    fn becomes(&mut self, id: TaskId, state: State, at: Time) {
        let Some(known) = self.tasks.get_mut(&id) else { return };
        let pending = |state: State| i64::from(state == State::Pending);
        *self.pending.entry(known.task.queue).or_default() += pending(state) - pending(known.state);
        known.state = state;
        (known.due, known.kept_until, known.lease, known.set) = (None, None, None, None);
        known.joined = (state == State::Aggregating).then_some(at);
    }

    fn gone(&mut self, id: TaskId) {
        if let Some(known) = self.tasks.remove(&id)
            && known.state == State::Pending
        {
            *self.pending.entry(known.task.queue).or_default() -= 1;
        }
    }
}

/// The tasks that an entry is about.
pub fn touched(event: &Event) -> Vec<TaskId> {
    match event {
        Event::Entered { task, .. } => vec![task.id],
        Event::Forwarded { id, .. }
        | Event::Dequeued { id, .. }
        | Event::Finished { id, .. }
        | Event::Left(id, _)
        | Event::Ran(id)
        | Event::ArchivedByHand(id)
        | Event::LockExpired(id) => vec![*id],
        Event::Heartbeat(leases) => leases.iter().map(|(id, _)| *id).collect(),
        Event::Gathered { members, .. } => members.iter().map(|(_, id)| *id).collect(),
        Event::Reclaimed(_, members) | Event::Aggregated(_, members) => members.clone(),
        Event::Paused(_) | Event::Unpaused(_) => Vec::new(),
    }
}
