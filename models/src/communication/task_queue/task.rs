//! Tasks: what a client enqueues, what is kept of it, and the names of all that belongs to it (Asynq, `internal/base`).

use seedbed_sim::{NodeId, Span, Time};
use serde::{Deserialize, Serialize};

/// A queue. Queue 0 has the highest priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueName(pub u8);

/// A group of a queue, whose tasks are aggregated into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupName(pub u8);

/// A key of which at most one task holds the unique lock. (In Asynq it is made of queue, type and payload.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UniqueKey(pub u8);

/// An aggregation set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SetId(pub u64);

/// A cron entry, which all schedulers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryId(pub u8);

/// A lease: one execution of a task. No two executions have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseId(pub u64);

/// An instant at which a cron entry fires, as the entry names it: when it fires, and not when a scheduler notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tick {
    /// The entry.
    pub entry: EntryId,
    /// The slot since the beginning of time in which it fires.
    pub slot: u64,
}

/// The identifier of a task. Whoever enqueues a task chooses it (option `TaskID`), so that enqueuing again is not enqueuing twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskId {
    /// Of the operation of a client, and its place in a batch.
    Op(u64, u16),
    /// Of a periodic task: the same from every scheduler.
    Tick(Tick),
    /// Of a periodic task whose scheduler makes up its own identifiers: a planted bug.
    Own(NodeId, Tick),
    /// The task that members of this set were aggregated into.
    Aggregated(SetId),
}

/// How the handler of a task behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// It has its effect and returns.
    Succeeds,
    /// It returns an error while the task was retried fewer times.
    Fails {
        /// How often.
        times: u8,
    },
    /// It returns `SkipRetry`: the task is archived, however many retries it has left.
    SkipsRetry,
    /// It returns `RevokeTask`: the task is done, neither retried nor archived.
    Revokes,
    /// What it needs is busy so many times. The error that it returns then is no failure (`IsFailure`), and is not counted.
    MeetsBusy {
        /// How often.
        times: u8,
    },
    /// It takes longer than its timeout while the task was retried fewer times.
    Overruns {
        /// How often.
        times: u8,
    },
}

/// What the handler of a task works on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// A task of its own.
    Single(Behaviour),
    /// The members of a group.
    Members(Vec<TaskId>),
}

/// A task, as it is stored (`base.TaskMessage`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    /// Its identifier.
    pub id: TaskId,
    /// Its queue.
    pub queue: QueueName,
    /// What its handler works on.
    pub payload: Payload,
    /// How often it may be retried (`MaxRetry`).
    pub max_retry: u32,
    /// How often it was, not counting errors that are no failures.
    pub retried: u32,
    /// How long its handler may take.
    pub timeout: Option<Span>,
    /// Until when its handler may take.
    pub deadline: Option<Time>,
    /// The unique lock that it took when it was enqueued.
    pub unique: Option<UniqueKey>,
    /// The group that it waits in until it is aggregated.
    pub group: Option<GroupName>,
    /// How long it is kept once it is completed; if for no time, it is deleted when it is done.
    pub retention: Span,
}

/// When a task is to be processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// As soon as somebody can.
    Now,
    /// After so long (`ProcessIn`).
    In(Span),
    /// At this time (`ProcessAt`).
    At(Time),
}

impl When {
    /// From when on it may be processed, if it is not yet.
    pub fn due(self, now: Time) -> Option<Time> {
        let due = match self {
            When::Now => now,
            When::In(after) => now + after,
            When::At(at) => at,
        };
        (due > now).then_some(due)
    }
}

/// The states of a task (`base.TaskState`). The row of the catalogue has six of them; *aggregating*, a task of a group that waits
/// to be aggregated, is Asynq's seventh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A handler works on it, or a worker that had it is lost.
    Active,
    /// It can be processed.
    Pending,
    /// Its time has not come.
    Scheduled,
    /// It has failed, and the time of its next attempt has not come.
    Retry,
    /// It has failed for good.
    Archived,
    /// It was processed, and is kept for a while.
    Completed,
    /// It waits in its group, or in an aggregation set.
    Aggregating,
}
