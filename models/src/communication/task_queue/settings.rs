//! How the broker, servers and schedulers are set up. Times are Asynq's, scaled down.

use seedbed_sim::{NodeId, Span, Time};
use serde::{Deserialize, Serialize};

use crate::communication::task_queue::cron::Cron;

/// How a server chooses the queue that it takes its next task from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// The queue of the highest priority that has a task (`StrictPriority`).
    Strict,
    /// At random, by weights.
    Weighted,
}

/// What the scripts of the broker guard against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scripts {
    /// A mark names the lease; a recovery looks at the lease again; all queues are looked at in one script; an aggregated task is
    /// enqueued and its set deleted in one script; ticks are remembered.
    Guarded,
    /// As Asynq has them: a mark names the task alone; a recovery acts on what a list said; queues are looked at one by one; an
    /// aggregated task is enqueued, and then its set is deleted; a tick is known only while its task is.
    AsInAsynq,
}

/// The settings of the broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreSettings {
    /// What scripts guard against.
    pub scripts: Scripts,
    /// The length of a lease (30 s in Asynq).
    pub lease: Span,
    /// How long after its end a lease counts as expired (30 s in Asynq, for clocks that differ).
    pub lease_margin: Span,
    /// How long an aggregator may take (2 min in Asynq).
    pub aggregation_timeout: Span,
    /// How many archived tasks a queue keeps (10,000 in Asynq).
    pub max_archived: usize,
}

/// How a group becomes one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grouping {
    /// How long no task may have come.
    pub grace_period: Span,
    /// How long its first task may have waited; for ever if zero.
    pub max_delay: Span,
    /// How many tasks it has at most; any number if zero.
    pub max_size: usize,
}

/// The settings of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerSettings {
    /// The broker.
    pub broker: NodeId,
    /// Where handlers have their effects.
    pub ledger: NodeId,
    /// What the broker's scripts guard against.
    pub scripts: Scripts,
    /// How the queue is chosen.
    pub priority: Priority,
    /// The weights of the queues.
    pub weights: Vec<u8>,
    /// How many tasks it processes at once (`Concurrency`).
    pub concurrency: usize,
    /// The length of a lease.
    pub lease: Span,
    /// How long a handler takes at most, if it does not overrun.
    pub service: Span,
    /// The first backoff, doubled with each retry.
    pub backoff: Span,
    /// For how long it waits for a reply.
    pub timeout: Span,
    /// How often it looks for tasks when there are none (`TaskCheckInterval`).
    pub check_interval: Span,
    /// How long handlers may go on at a shutdown (`ShutdownTimeout`).
    pub shutdown_timeout: Span,
    /// How groups are aggregated.
    pub grouping: Grouping,
    /// How long an aggregator may take.
    pub aggregation_timeout: Span,
    /// Whether the effects of a task have its identifier for an idempotency key.
    pub idempotency_keys: bool,
}

impl ServerSettings {
    /// How often leases are extended: several times in the length of one.
    pub fn heartbeat_interval(&self) -> Span {
        Span((self.lease.0 / 4).max(1))
    }

    /// How often orphaned tasks are looked for.
    pub fn recover_interval(&self) -> Span {
        self.lease
    }

    /// How often groups are looked at: at least once in a grace period, for a check looks at the last task alone.
    pub fn aggregation_interval(&self) -> Span {
        self.grouping.grace_period
    }
}

/// The settings of a scheduler.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchedulerSettings {
    /// The broker.
    pub broker: NodeId,
    /// For how long it waits for a reply.
    pub timeout: Span,
    /// The entries, by their numbers.
    pub entries: Vec<Cron>,
    /// When the entries are unregistered.
    pub until: Time,
    /// How long the task of a tick is kept when it is completed.
    pub retention: Span,
}
