//! A client: it enqueues tasks, and does what operators do. Where a reply is lost it asks again: the task has the same identifier, so
//! it is there once, unless it was processed and deleted in between.

use std::collections::BTreeSet;

use seedbed_sim::{Context, NodeId, OpId, Process, Span};

use crate::communication::task_queue::command::{Command, Reply};
use crate::communication::task_queue::messages::{Message, NewTask, Op, Record, Ret, Timer, task_id};
use crate::communication::task_queue::session::{Happening, Session};
use crate::communication::task_queue::task::{Behaviour, GroupName, Payload, QueueName, Task, TaskId, UniqueKey, When};

/// How long a handler of a task of a batch may take.
const BATCH_TIMEOUT: Span = Span::secs(30);
/// How often a task of a batch is retried.
const BATCH_RETRIES: u32 = 3;

/// How many scripts of a batch are sent before they are answered.
const WINDOW: usize = 16;

/// An operation under way: the scripts that it takes, and those that are not answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Work {
    id: OpId,
    op: Op,
    commands: Vec<Command>,
    /// The scripts that were sent, from the first on.
    sent: usize,
    unanswered: BTreeSet<usize>,
}

/// A script of an operation, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Script {
    op: OpId,
    index: usize,
}

/// A client. All of it is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    /// The weights of the queues, by which the tasks of a batch are spread.
    weights: Vec<u8>,
    session: Session<Script>,
    work: Option<Work>,
    /// What it has enqueued in this life.
    enqueued: Vec<TaskId>,
}

impl Client {
    /// A client of a broker whose queues have these weights.
    pub fn new(broker: NodeId, timeout: Span, weights: Vec<u8>) -> Self {
        Client { weights, session: Session::new(broker, timeout), work: None, enqueued: Vec::new() }
    }

    /// The operation under way.
    pub fn outstanding(&self) -> Option<OpId> {
        self.work.as_ref().map(|work| work.id)
    }

    /// Sends what was sent and is not answered, in a new session.
    fn send_all(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(work) = &self.work else { return };
        for index in work.unanswered.iter().copied() {
            self.session.call(ctx, Script { op: work.id, index }, work.commands[index].clone());
        }
        self.send_more(ctx);
    }

    /// Sends as many scripts as may be unanswered.
    fn send_more(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(work) = &mut self.work else { return };
        while work.sent < work.commands.len() && work.unanswered.len() < WINDOW && self.session.is_up() {
            let index = work.sent;
            work.sent += 1;
            work.unanswered.insert(index);
            self.session.call(ctx, Script { op: work.id, index }, work.commands[index].clone());
        }
    }

    /// Sends a script again whose reply was lost.
    fn send_again(&mut self, ctx: &mut Context<'_, Self>, script: Script) {
        let work = self.work.as_ref().filter(|work| work.id == script.op);
        if let Some(work) = work.filter(|work| work.unanswered.contains(&script.index)) {
            self.session.call(ctx, script, work.commands[script.index].clone());
        }
    }

    /// The scripts of an operation; none if there is no such task.
    fn commands(&self, id: OpId, op: &Op) -> Vec<Command> {
        let back = |places: &u8| self.enqueued.iter().rev().nth(usize::from(*places)).copied();
        match op {
            Op::Enqueue(new) => vec![enqueue(id, new)],
            Op::EnqueueBatch(count) => {
                let names = self.weights.iter().zip(0..).flat_map(|(weight, name)| vec![name; usize::from(*weight)]);
                let names = names.map(QueueName).collect::<Vec<_>>().into_iter().cycle();
                (0..*count).zip(names).map(|(index, name)| plain(task_id(id, index), name)).collect()
            }
            Op::Pause(queue) => vec![Command::Pause(*queue)],
            Op::Unpause(queue) => vec![Command::Unpause(*queue)],
            Op::Run(places) => back(places).map(Command::RunTask).into_iter().collect(),
            Op::Archive(places) => back(places).map(Command::ArchiveTask).into_iter().collect(),
            Op::Delete(places) => back(places).map(Command::DeleteTask).into_iter().collect(),
            Op::Restart => Vec::new(),
        }
    }

    fn replied(&mut self, ctx: &mut Context<'_, Self>, script: Script, reply: &Reply) {
        let work = self.work.as_mut().filter(|work| work.id == script.op).expect("a reply is to the operation");
        assert!(work.unanswered.remove(&script.index), "a script has one reply: {script:?} has another");
        if let Command::Enqueue { task, .. } = &work.commands[script.index]
            && matches!(reply, Reply::Ok | Reply::TaskIdConflict)
        {
            self.enqueued.push(task.id);
        }
        if work.sent < work.commands.len() {
            return self.send_more(ctx);
        }
        if !work.unanswered.is_empty() {
            return;
        }
        let ret = match (&work.op, reply) {
            (Op::Enqueue(_), Reply::DuplicateTask) => Ret::Duplicate,
            (Op::Enqueue(_) | Op::EnqueueBatch(_), Reply::Ok | Reply::TaskIdConflict) => Ret::Enqueued,
            (_, Reply::Ok) => Ret::Ok,
            (_, Reply::NotFound) => Ret::NotFound,
            (op, reply) => panic!("a broker answers what it is asked: {reply:?} to {op:?}"),
        };
        let id = work.id;
        self.work = None;
        ctx.complete(id, ret);
    }

    fn happened(&mut self, ctx: &mut Context<'_, Self>, happening: Option<Happening<Script>>) {
        match happening {
            Some(Happening::Up) => self.send_all(ctx),
            Some(Happening::Reply(script, reply)) => self.replied(ctx, script, &reply),
            // Where the session is gone too, they are sent when there is another.
            Some(Happening::Lost(lost)) => lost.into_iter().for_each(|script| self.send_again(ctx, script)),
            None => {}
        }
    }
}

fn enqueue(op: OpId, new: &NewTask) -> Command {
    let task = Task {
        id: task_id(op, 0),
        queue: new.queue,
        payload: Payload::Single(new.behaviour),
        max_retry: new.max_retry.into(),
        retried: 0,
        timeout: Some(new.timeout),
        deadline: new.deadline,
        unique: new.unique.map(|(key, _)| UniqueKey(key)),
        group: new.group.map(GroupName),
        retention: new.retention,
    };
    let unique_ttl = new.unique.map_or(Span::ZERO, |(_, ttl)| ttl);
    Command::Enqueue { task, when: new.when, unique_ttl, tick: None }
}

/// A task of a batch.
fn plain(id: TaskId, queue: QueueName) -> Command {
    let task = Task {
        id,
        queue,
        payload: Payload::Single(Behaviour::Succeeds),
        max_retry: BATCH_RETRIES,
        retried: 0,
        timeout: Some(BATCH_TIMEOUT),
        deadline: None,
        unique: None,
        group: None,
        retention: Span::ZERO,
    };
    Command::Enqueue { task, when: When::Now, unique_ttl: Span::ZERO, tick: None }
}

impl Process for Client {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.session.open(ctx);
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, id: OpId, op: Op) {
        let outstanding = self.outstanding();
        assert!(outstanding.is_none(), "a client has one operation at a time: {id:?} came during {outstanding:?}");
        if op == Op::Restart {
            return ctx.fail(id, "only servers are restarted");
        }
        let commands = self.commands(id, &op);
        if commands.is_empty() {
            return ctx.complete(id, Ret::NotFound);
        }
        self.work = Some(Work { id, op, commands, sent: 0, unanswered: BTreeSet::new() });
        self.send_more(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let happening = self.session.message(ctx, from, message);
        self.happened(ctx, happening);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Connect => self.session.connect_again(ctx),
            Timer::Reply(seq) => {
                let happening = self.session.late(seq);
                self.happened(ctx, happening);
            }
            timer => panic!("no timer of a client: {timer:?}"),
        }
    }
}
