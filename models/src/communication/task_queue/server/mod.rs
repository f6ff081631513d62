//! A server (Asynq, `server.go`): a process in which workers process tasks, and which does what keeps the queues going. All servers do
//! the same; each part is safe to run in all of them at once.
//!
//! | part | file | what it does |
//! |---|---|---|
//! | processor | `processor` | dequeues, runs handlers, marks what became of them |
//! | heartbeater | `keeping` | extends the leases of what is processed here |
//! | forwarder | `keeping` | makes tasks pending whose time has come |
//! | recoverer | `keeping` | retries or archives tasks whose leases have expired, reclaims stale aggregation sets |
//! | syncer | `keeping` | sends marks again whose replies were lost |
//! | janitor | `keeping` | deletes completed tasks whose retention is over |
//! | aggregator | `aggregating` | makes one task of the members of a group |

mod aggregating;
pub mod choosing;
mod keeping;
mod processor;

use std::collections::BTreeMap;
use std::sync::Arc;

use seedbed_sim::{Context, NodeId, OpId, Process, Time};

use crate::communication::task_queue::command::{Command, Reply};
use crate::communication::task_queue::marks;
use crate::communication::task_queue::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::task_queue::session::{Happening, Session};
use crate::communication::task_queue::settings::ServerSettings;
use crate::communication::task_queue::task::{LeaseId, QueueName, SetId, Task, TaskId};

/// What handlers of this server did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// One has begun.
    Started(TaskId, LeaseId),
    /// One has had its effects, and was done at this time of the server's clock, with its task's deadline.
    Processed {
        /// The task.
        id: TaskId,
        /// The lease.
        lease: LeaseId,
        /// When.
        at: Time,
        /// The deadline.
        deadline: Time,
    },
    /// One has revoked its task.
    Revoked(TaskId, LeaseId),
    /// One has returned an error, or has run out of time.
    Failed {
        /// The task.
        id: TaskId,
        /// The lease.
        lease: LeaseId,
        /// Whether that is a failure (`IsFailure`).
        counts: bool,
    },
}

/// How far an execution has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// The handler works.
    Working,
    /// It waits for its effects.
    Applying,
    /// It has ended, and the broker is told.
    Marking,
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Running {
    task: Task,
    /// Until when this server has the lease, on its own clock: counted from when it asked for it.
    lease_until: Time,
    deadline: Time,
    phase: Phase,
}

/// What the processor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Processor {
    /// It waits for a worker, or for a session.
    Blocked,
    /// It has asked for a task.
    Asking,
    /// It has found none, and will look again.
    Sleeping,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Purpose {
    /// A task, asked for at this time; where queues are looked at one by one, these come next.
    Dequeue(Time, Vec<QueueName>),
    /// The mark of an execution.
    Mark(LeaseId, Command),
    /// A mark that is sent again, until this time.
    Sync(Command, Time),
    /// A heartbeat, at this time, with these leases.
    Heartbeat(Time, Vec<(TaskId, LeaseId)>),
    /// The list of orphaned tasks.
    ListLeaseExpired,
    /// The list of groups.
    ListGroups,
    /// An aggregation set, asked for at this time.
    AggregationCheck(Time, QueueName),
    /// Its members.
    ReadAggregationSet(Time, QueueName, SetId),
    /// The aggregated task, whose set is to be deleted next.
    EnqueueAggregated(SetId),
    /// Nothing follows.
    Nothing,
}

/// A server. All of it is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Server {
    settings: Arc<ServerSettings>,
    session: Session<Purpose>,
    processor: Processor,
    /// How often it has chosen an order of the queues.
    turn: u64,
    running: BTreeMap<LeaseId, Running>,
    /// Marks whose replies were lost, until when they may be sent again.
    unsynced: Vec<(Command, Time)>,
    /// The operation by which it is shut down.
    stopping: Option<OpId>,
    journal: Vec<Event>,
}

impl Server {
    /// A server.
    pub fn new(settings: Arc<ServerSettings>) -> Self {
        Server {
            session: Session::new(settings.broker, settings.timeout),
            settings,
            processor: Processor::Blocked,
            turn: 0,
            running: BTreeMap::new(),
            unsynced: Vec::new(),
            stopping: None,
            journal: Vec::new(),
        }
    }

    /// What handlers did in this life, in order.
    pub fn journal(&self) -> &[Event] {
        &self.journal
    }

    /// The tasks that it processes, and until when it believes to have their leases.
    pub fn processing(&self) -> impl Iterator<Item = (TaskId, LeaseId, Time)> + '_ {
        self.running.iter().map(|(lease, running)| (running.task.id, *lease, running.lease_until))
    }

    fn happened(&mut self, ctx: &mut Context<'_, Self>, happening: Option<Happening<Purpose>>) {
        match happening {
            Some(Happening::Up) => self.check(ctx),
            Some(Happening::Reply(purpose, reply)) => self.replied(ctx, purpose, reply),
            Some(Happening::Lost(lost)) => lost.into_iter().for_each(|purpose| self.lost(ctx, purpose)),
            None => {}
        }
    }

    fn replied(&mut self, ctx: &mut Context<'_, Self>, purpose: Purpose, reply: Reply) {
        match (purpose, reply) {
            (Purpose::Dequeue(asked, _), Reply::Dequeued(task, lease)) => self.dequeued(ctx, asked, task, lease),
            (Purpose::Dequeue(_, next), Reply::NoProcessableTask) => self.found_nothing(ctx, next),
            (Purpose::Mark(lease, _), Reply::Ok | Reply::NotFound) => self.ended(ctx, lease),
            (Purpose::Sync(..), Reply::Ok) => ctx.mark(marks::MARK_SYNCED_LATER),
            // It was executed before, or the lease is another's.
            (Purpose::Sync(..), Reply::NotFound) => {}
            (Purpose::Heartbeat(at, asked), Reply::Extended(extended)) => self.extended(ctx, at, &asked, &extended),
            (Purpose::ListLeaseExpired, Reply::LeaseExpired(orphaned)) => self.recover(ctx, orphaned),
            (Purpose::ListGroups, Reply::Groups(groups)) => self.check_groups(ctx, groups),
            (Purpose::AggregationCheck(at, queue), Reply::AggregationSet(set)) => self.checked(ctx, at, queue, set),
            (Purpose::ReadAggregationSet(at, queue, set), Reply::Members(members, _)) => {
                self.aggregate(ctx, at, queue, set, members);
            }
            // It was reclaimed.
            (Purpose::ReadAggregationSet(..), Reply::NotFound) => {}
            (Purpose::EnqueueAggregated(set), Reply::Ok | Reply::TaskIdConflict) => self.delete_set(ctx, set),
            (Purpose::Nothing, Reply::Ok | Reply::NotFound | Reply::TaskIdConflict) => {}
            (purpose, reply) => panic!("the broker answers what it is asked: {reply:?} to {purpose:?}"),
        }
    }

    /// What became of a request will not be known. What is done now and then is done again anyhow.
    fn lost(&mut self, ctx: &mut Context<'_, Self>, purpose: Purpose) {
        match purpose {
            Purpose::Dequeue(..) => {
                self.processor = Processor::Blocked;
                self.check(ctx);
            }
            Purpose::Mark(lease, command) => self.sync_later(ctx, lease, command),
            Purpose::Sync(command, until) => self.await_sync(ctx, command, until),
            Purpose::Heartbeat(..)
            | Purpose::ListLeaseExpired
            | Purpose::ListGroups
            | Purpose::AggregationCheck(..)
            | Purpose::ReadAggregationSet(..)
            | Purpose::EnqueueAggregated(_)
            | Purpose::Nothing => {}
        }
    }
}

impl Process for Server {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.session.open(ctx);
        self.start_keeping(ctx);
    }

    /// A server is shut down, and started again.
    fn invoke(&mut self, ctx: &mut Context<'_, Self>, id: OpId, op: Op) {
        match op {
            Op::Restart => self.shut_down(ctx, id),
            _ => ctx.fail(id, "clients enqueue tasks, and servers do not"),
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Applied(execution) => self.applied(ctx, execution),
            Message::Busy(execution) => self.busy(ctx, execution),
            message => {
                let happening = self.session.message(ctx, from, message);
                self.happened(ctx, happening);
            }
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Connect => self.session.connect_again(ctx),
            Timer::Reply(seq) => {
                let happening = self.session.late(seq);
                self.happened(ctx, happening);
            }
            Timer::Check => {
                self.processor = Processor::Blocked;
                self.check(ctx);
            }
            Timer::Work(lease) => self.go_on(ctx, lease),
            Timer::Deadline(lease) => self.deadline_exceeded(ctx, lease),
            Timer::Heartbeat => self.heartbeat(ctx),
            Timer::Forward => self.forward(ctx),
            Timer::Recover => self.look_for_orphans(ctx),
            Timer::Sync => self.sync(ctx),
            Timer::Aggregate => self.list_groups(ctx),
            Timer::Janitor => self.delete_expired(ctx),
            Timer::Shutdown => self.requeue_all(ctx),
            timer @ Timer::Tick(_) => panic!("no timer of a server: {timer:?}"),
        }
    }
}
