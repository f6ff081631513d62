//! A scheduler: it enqueues the task of each cron entry whenever that fires (Asynq, `scheduler.go`). There are several, with the same
//! entries, so that ticks come also where one is down. All give the task of a tick the same identifier, so it is enqueued once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seedbed_sim::{Context, NodeId, Process, Span};

use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::{Command, Reply};
use crate::communication::task_queue::cron::begin_of;
use crate::communication::task_queue::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::task_queue::session::{Happening, Session};
use crate::communication::task_queue::settings::SchedulerSettings;
use crate::communication::task_queue::task::{Behaviour, EntryId, Payload, QueueName, Task, TaskId, Tick, When};

/// For how long it sleeps at most: it notices then that its clock was set.
const LONGEST_SLEEP: Span = Span::ms(100);
/// How often the task of a tick is retried.
const MAX_RETRY: u32 = 2;

/// A scheduler. All of it is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Scheduler {
    settings: Arc<SchedulerSettings>,
    session: Session<Tick>,
    /// The next slot of each entry.
    next: BTreeMap<EntryId, u64>,
    /// The ticks that nobody has confirmed yet.
    waiting: BTreeSet<Tick>,
}

impl Scheduler {
    /// A scheduler.
    pub fn new(settings: Arc<SchedulerSettings>) -> Self {
        let session = Session::new(settings.broker, settings.timeout);
        Scheduler { settings, session, next: BTreeMap::new(), waiting: BTreeSet::new() }
    }

    /// Arms the timer of an entry, unless it is unregistered when it fires next.
    fn await_next(&mut self, ctx: &mut Context<'_, Self>, entry: EntryId) {
        let next = begin_of(self.next[&entry]);
        if next < self.settings.until {
            ctx.arm(Timer::Tick(entry), next.since(ctx.now()).min(LONGEST_SLEEP));
        }
    }

    /// An entry fires: once, however many of its instants a scheduler that stood still has missed.
    fn fire(&mut self, ctx: &mut Context<'_, Self>, entry: EntryId) {
        let slot = self.next[&entry];
        if ctx.now() >= begin_of(slot) {
            let tick = Tick { entry, slot };
            self.waiting.insert(tick);
            self.enqueue(ctx, tick);
            self.next.insert(entry, self.settings.entries[usize::from(entry.0)].next(ctx.now()));
        }
        self.await_next(ctx, entry);
    }

    fn enqueue(&mut self, ctx: &mut Context<'_, Self>, tick: Tick) {
        let own = ctx.planted(Bug::DoubleEnqueueOnTick);
        let id = if own { TaskId::Own(ctx.id(), tick) } else { TaskId::Tick(tick) };
        let task = Task {
            id,
            queue: QueueName(tick.entry.0 % 2),
            payload: Payload::Single(Behaviour::Succeeds),
            max_retry: MAX_RETRY,
            retried: 0,
            timeout: None,
            deadline: None,
            unique: None,
            group: None,
            retention: self.settings.retention,
        };
        let unique_ttl = Span::ZERO;
        let tick_of = (!own).then_some(tick);
        self.session.call(ctx, tick, Command::Enqueue { task, when: When::Now, unique_ttl, tick: tick_of });
    }

    fn happened(&mut self, ctx: &mut Context<'_, Self>, happening: Option<Happening<Tick>>) {
        match happening {
            Some(Happening::Reply(tick, Reply::Ok | Reply::TaskIdConflict)) => _ = self.waiting.remove(&tick),
            Some(Happening::Reply(tick, reply)) => panic!("a tick is enqueued or was: {tick:?} has {reply:?}"),
            Some(Happening::Up) => self.waiting.clone().into_iter().for_each(|tick| self.enqueue(ctx, tick)),
            // Where the session is gone too, it is enqueued when there is another.
            Some(Happening::Lost(ticks)) => ticks.into_iter().for_each(|tick| self.enqueue(ctx, tick)),
            None => {}
        }
    }
}

impl Process for Scheduler {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.session.open(ctx);
        for (number, schedule) in self.settings.clone().entries.iter().enumerate() {
            let entry = EntryId(number as u8);
            self.next.insert(entry, schedule.next(ctx.now()));
            self.await_next(ctx, entry);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let happening = self.session.message(ctx, from, message);
        self.happened(ctx, happening);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Tick(entry) => self.fire(ctx, entry),
            Timer::Connect => self.session.connect_again(ctx),
            Timer::Reply(seq) => {
                let happening = self.session.late(seq);
                self.happened(ctx, happening);
            }
            timer => panic!("no timer of a scheduler: {timer:?}"),
        }
    }
}
