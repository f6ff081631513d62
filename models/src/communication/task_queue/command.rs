//! The scripts of the broker (Asynq, `internal/rdb`), and their replies. Each is executed whole.

use seedbed_sim::{Span, Time};

use crate::communication::task_queue::settings::Grouping;
use crate::communication::task_queue::task::{GroupName, LeaseId, QueueName, SetId, Task, TaskId, Tick, When};

/// Who marks a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// Who has the lease.
    Owner,
    /// A recoverer, since the lease has expired.
    Recoverer,
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A new task: pending, scheduled, or a member of its group (`enqueue`, `schedule`, `addToGroup`, and their forms with a
    /// unique lock).
    Enqueue {
        /// The task.
        task: Task,
        /// When it is to be processed.
        when: When,
        /// For how long it holds its unique lock at most.
        unique_ttl: Span,
        /// The tick that it is for.
        tick: Option<Tick>,
    },
    /// A task of the first of these queues that has one and is not paused becomes active (`dequeue`).
    Dequeue(Vec<QueueName>),
    /// A task was processed, and is deleted (`done`).
    Done(TaskId, LeaseId),
    /// A task was processed, and is kept (`markAsComplete`).
    MarkAsComplete(TaskId, LeaseId),
    /// A task goes back to the head of its queue (`requeue`).
    Requeue(TaskId, LeaseId),
    /// A task has failed, and is tried again after a while (`retry`).
    Retry {
        /// The task.
        id: TaskId,
        /// The lease under which it failed.
        lease: LeaseId,
        /// Who says so.
        by: By,
        /// After how long.
        after: Span,
        /// Whether the failure is counted (`IsFailure`).
        counts: bool,
    },
    /// A task has failed for good (`archive`).
    Archive(TaskId, LeaseId, By),
    /// A heartbeat: leases are extended (`ExtendLease`).
    ExtendLease(Vec<(TaskId, LeaseId)>),
    /// The tasks whose leases have expired (`listLeaseExpired`).
    ListLeaseExpired,
    /// Tasks whose time has come become pending (`forward`).
    Forward,
    /// The groups that have members (`ListGroups`).
    ListGroups,
    /// A group that is ready becomes an aggregation set (`aggregationCheck`).
    AggregationCheck(QueueName, GroupName, Grouping),
    /// The members of an aggregation set (`readAggregationSet`).
    ReadAggregationSet(SetId),
    /// An aggregated task is enqueued, and the set that it is made of is deleted. In Asynq these are two scripts.
    EnqueueAggregated(SetId, Task),
    /// An aggregation set is deleted with its members (`deleteAggregationSet`).
    DeleteAggregationSet(SetId),
    /// The members of aggregation sets whose time is over go back to their groups (`reclaimStaleAggregationSets`).
    ReclaimStaleAggregationSets,
    /// Completed tasks whose retention is over are deleted (`deleteExpiredCompletedTasks`).
    DeleteExpiredCompletedTasks,
    /// A queue is paused.
    Pause(QueueName),
    /// A queue is not paused any more.
    Unpause(QueueName),
    /// A waiting, archived or completed task becomes pending (`runTask`).
    RunTask(TaskId),
    /// A waiting task is archived (`archiveTask`).
    ArchiveTask(TaskId),
    /// A task that is not active is deleted (`deleteTask`).
    DeleteTask(TaskId),
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// It is done.
    Ok,
    /// Another task holds the unique lock (`ErrDuplicateTask`).
    DuplicateTask,
    /// There is a task of this identifier (`ErrTaskIDConflict`), or the tick was enqueued.
    TaskIdConflict,
    /// There is no such task, or it is not in a state, or under a lease, for that.
    NotFound,
    /// No queue has a task (`ErrNoProcessableTask`).
    NoProcessableTask,
    /// A task to process.
    Dequeued(Task, LeaseId),
    /// The leases that were extended.
    Extended(Vec<(TaskId, LeaseId)>),
    /// Tasks whose leases have expired.
    LeaseExpired(Vec<(Task, LeaseId)>),
    /// Groups.
    Groups(Vec<(QueueName, GroupName)>),
    /// The aggregation set, if one was made.
    AggregationSet(Option<SetId>),
    /// The members of an aggregation set, and its deadline.
    Members(Vec<TaskId>, Time),
}
