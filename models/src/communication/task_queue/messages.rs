//! What nodes send each other, their timers, what is on disk, what clients are asked and answer.

use seedbed_sim::{Kinded, OpId, Process, Span, Time};
use serde::{Deserialize, Serialize};

use crate::communication::task_queue::command::{Command, Reply};
use crate::communication::task_queue::task::{Behaviour, EntryId, LeaseId, QueueName, TaskId, When};

/// A client's number for an attempt to connect.
pub type Nonce = u64;

/// The number of a request in its session, from one on.
pub type Seq = u64;

/// A session with the broker: which life of it, and which session of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// The life.
    pub life: u64,
    /// The number in this life.
    pub number: u64,
}

/// What an effect is an effect of: a task, and under which lease it was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Execution {
    /// The task.
    pub task: TaskId,
    /// The lease.
    pub lease: LeaseId,
}

/// The key by which the ledger knows an effect again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKey {
    /// The task: all executions have the effect together once.
    Task(TaskId),
    /// The execution: each has the effect.
    Execution(TaskId, LeaseId),
}

impl EffectKey {
    /// The task whose effect it is.
    pub fn task(self) -> TaskId {
        match self {
            EffectKey::Task(task) | EffectKey::Execution(task, _) => task,
        }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Message {
    /// A client connects.
    Connect(Nonce),
    /// The broker has opened a session.
    Connected(Nonce, SessionId),
    /// A client's script.
    Request(SessionId, Seq, Command),
    /// The reply.
    Answer(SessionId, Seq, Reply),
    /// The broker does not know this session, or has closed it.
    Reset(SessionId),
    /// A handler has its effects, if what it needs is not busy, as it is so many times.
    Apply(Execution, Vec<EffectKey>, u8),
    /// They are there.
    Applied(Execution),
    /// It is busy.
    Busy(Execution),
}

/// A timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// A client connects again.
    Connect,
    /// The reply to a request is late.
    Reply(Seq),
    /// A server looks for a task.
    Check,
    /// A handler has done its work, or has heard nothing of its effects.
    Work(LeaseId),
    /// The timeout or the deadline of a task.
    Deadline(LeaseId),
    /// A heartbeat is due.
    Heartbeat,
    /// The forwarder is due.
    Forward,
    /// The recoverer is due.
    Recover,
    /// The syncer is due.
    Sync,
    /// The aggregator is due.
    Aggregate,
    /// The janitor is due.
    Janitor,
    /// The time of a shutdown is over.
    Shutdown,
    /// A cron entry fires.
    Tick(EntryId),
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The broker was started.
    Started,
    /// A script that was executed at this time. Scripts are logged, and not what they did: each does the same again, for it
    /// reads no clock and draws nothing.
    Script(Time, Command),
    /// Effects that the ledger has.
    Effects(Execution, Vec<EffectKey>),
}

/// A task that a client is asked to enqueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// Its queue.
    pub queue: QueueName,
    /// How its handler behaves.
    pub behaviour: Behaviour,
    /// When it is to be processed.
    pub when: When,
    /// How often it may be retried.
    pub max_retry: u8,
    /// How long its handler may take.
    pub timeout: Span,
    /// Until when its handler may take, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
    /// The unique lock that it takes, and for how long at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<(u8, Span)>,
    /// Its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u8>,
    /// How long it is kept once it is completed.
    pub retention: Span,
}

/// What a client, or a server, is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Enqueue a task.
    Enqueue(NewTask),
    /// Enqueue as many plain tasks, spread over the queues by their weights.
    EnqueueBatch(u16),
    /// Pause a queue.
    Pause(QueueName),
    /// Let a queue go on.
    Unpause(QueueName),
    /// Run one of the tasks that this client has enqueued in this life now: the last, if zero.
    Run(u8),
    /// Archive one of them.
    Archive(u8),
    /// Delete one of them.
    Delete(u8),
    /// Shut a server down, and start it again.
    Restart,
}

/// What it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// The task is there.
    Enqueued,
    /// Another task holds the unique lock.
    Duplicate,
    /// So it is.
    Ok,
    /// There is no such task, or not in such a state.
    NotFound,
}

/// A process of this world: a session is written for any.
pub trait TaskProcess: Process<Message = Message, Timer = Timer, Record = Record, Ret = Ret> {}

impl<P: Process<Message = Message, Timer = Timer, Record = Record, Ret = Ret>> TaskProcess for P {}

/// The identifier of a task of an operation.
pub fn task_id(op: OpId, index: u16) -> TaskId {
    TaskId::Op(op.0, index)
}
