//! What scripts did, in their order: what properties read.

use seedbed_sim::Time;

use crate::communication::task_queue::command::By;
use crate::communication::task_queue::settings::Grouping;
use crate::communication::task_queue::task::{GroupName, LeaseId, QueueName, SetId, State, Task, TaskId, Tick};

/// What became of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The task was processed, and is gone.
    Done,
    /// The task was processed, and is kept until then.
    Completed(Time),
    /// It is tried again at this time.
    Retried {
        /// When.
        due: Time,
        /// Whether the failure was counted.
        counted: bool,
        /// How often it was retried before, by which the backoff is drawn.
        retried: u32,
    },
    /// It has failed for good.
    Archived,
    /// It is pending again.
    Requeued,
}

/// Why a task is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gone {
    /// Its retention is over, which was until then.
    Retention(Time),
    /// The archive was too large.
    ArchiveTrimmed,
    /// Somebody deleted it.
    Deleted,
    /// It was aggregated into the task of this set.
    Aggregated(SetId),
}

/// Something that a script did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// There is a new task.
    Entered {
        /// The task.
        task: Task,
        /// Its state.
        state: State,
        /// When its time comes, if it is scheduled.
        due: Option<Time>,
        /// Until when it holds its unique lock.
        locked_until: Option<Time>,
        /// The tick that it is for.
        tick: Option<Tick>,
    },
    /// The time of a task has come.
    Forwarded {
        /// The task.
        id: TaskId,
        /// When it was due.
        due: Time,
        /// What it is now.
        to: State,
    },
    /// A task is active.
    Dequeued {
        /// The task.
        id: TaskId,
        /// Its queue.
        queue: QueueName,
        /// The lease.
        lease: LeaseId,
        /// The queues in the order in which they were looked at.
        order: Vec<QueueName>,
        /// Those that had pending tasks and were not paused.
        backlogged: Vec<QueueName>,
    },
    /// A heartbeat has named these leases.
    Heartbeat(Vec<(TaskId, LeaseId)>),
    /// An execution has ended.
    Finished {
        /// The task.
        id: TaskId,
        /// The lease that the mark named.
        lease: LeaseId,
        /// Who marked it.
        by: By,
        /// What became of it.
        fate: Fate,
    },
    /// Members of a group are in an aggregation set.
    Gathered {
        /// The set.
        set: SetId,
        /// The queue.
        queue: QueueName,
        /// The group.
        group: GroupName,
        /// The rules.
        grouping: Grouping,
        /// The members, and when each came into the group.
        members: Vec<(Time, TaskId)>,
        /// How many the group had, and when the last of them came.
        of: (usize, Time),
        /// When the set is stale.
        deadline: Time,
    },
    /// The members of a stale set are in their group again.
    Reclaimed(SetId, Vec<TaskId>),
    /// The members of a set were aggregated into one task.
    Aggregated(SetId, Vec<TaskId>),
    /// A task is gone.
    Left(TaskId, Gone),
    /// A task was made pending by hand.
    Ran(TaskId),
    /// A task was archived by hand.
    ArchivedByHand(TaskId),
    /// A queue is paused.
    Paused(QueueName),
    /// A queue is not paused any more.
    Unpaused(QueueName),
    /// The unique lock of this task has expired.
    LockExpired(TaskId),
}

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// On the broker's clock.
    pub at: Time,
    /// What was done.
    pub event: Event,
}
