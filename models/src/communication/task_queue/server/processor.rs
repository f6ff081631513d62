//! The processor (`processor.go`): it dequeues tasks while it has workers, runs their handlers, and marks what became of them. A mark is
//! sent while the server has the lease, by its own clock, and never after.

use seedbed_sim::{Context, OpId, Span, Time};

use super::choosing::{draw_backoff, order};
use super::{Event, Phase, Processor, Purpose, Running, Server};
use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::{By, Command};
use crate::communication::task_queue::marks;
use crate::communication::task_queue::messages::{EffectKey, Execution, Message, Ret, Timer};
use crate::communication::task_queue::settings::Scripts;
use crate::communication::task_queue::task::{Behaviour, LeaseId, Payload, QueueName, Task};

/// The timeout of a task that has none, and no deadline (`defaultTimeout`).
const DEFAULT_TIMEOUT: Span = Span::secs(1_800);

/// The error of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Any error.
    Failed,
    /// An error that is no failure.
    Busy,
    /// `SkipRetry`.
    SkipRetry,
    /// `context.DeadlineExceeded`.
    DeadlineExceeded,
}

impl Server {
    /// Looks for a task, if there is a worker for it (`exec`).
    pub(super) fn check(&mut self, ctx: &mut Context<'_, Self>) {
        let has_worker = self.running.len() < self.settings.concurrency;
        if self.processor != Processor::Blocked || self.stopping.is_some() || !has_worker || !self.session.is_up() {
            return;
        }
        let mut first = order(ctx, &self.settings, self.turn);
        self.turn = self.turn.wrapping_add(1);
        let next = match self.settings.scripts {
            Scripts::Guarded => Vec::new(),
            Scripts::AsInAsynq => first.split_off(1),
        };
        self.dequeue(ctx, first, next);
    }

    fn dequeue(&mut self, ctx: &mut Context<'_, Self>, first: Vec<QueueName>, next: Vec<QueueName>) {
        let asked = self.session.call(ctx, Purpose::Dequeue(ctx.now(), next), Command::Dequeue(first));
        self.processor = if asked { Processor::Asking } else { Processor::Blocked };
    }

    /// Looks at the next queue; where there is none, again after a while.
    pub(super) fn found_nothing(&mut self, ctx: &mut Context<'_, Self>, mut next: Vec<QueueName>) {
        if !next.is_empty() {
            let rest = next.split_off(1);
            return self.dequeue(ctx, next, rest);
        }
        self.processor = Processor::Sleeping;
        let interval = self.settings.check_interval;
        let jitter = ctx.draw_span("check", Span::ZERO..=interval);
        ctx.arm(Timer::Check, Span(interval.0 / 2) + jitter);
    }

    /// A worker begins with a task.
    pub(super) fn dequeued(&mut self, ctx: &mut Context<'_, Self>, asked: Time, task: Task, lease: LeaseId) {
        self.processor = Processor::Blocked;
        if self.running.is_empty() {
            ctx.arm(Timer::Heartbeat, self.settings.heartbeat_interval());
        }
        let deadline = deadline(ctx.now(), &task);
        let lease_until = asked + self.settings.lease;
        self.journal.push(Event::Started(task.id, lease));
        ctx.arm(Timer::Deadline(lease), deadline.since(ctx.now()));
        let takes = self.service_time(ctx, &task);
        ctx.arm(Timer::Work(lease), takes);
        if ctx.planted(Bug::DoneBeforeRun) {
            let command = success(&task, lease);
            self.session.call(ctx, Purpose::Nothing, command);
        }
        let before = self.running.insert(lease, Running { task, lease_until, deadline, phase: Phase::Working });
        assert!(before.is_none(), "a lease is given once: {lease:?} is that of {before:?}");
        assert!(self.running.len() <= self.settings.concurrency, "a server has no more tasks than workers");
        self.check(ctx);
    }

    fn service_time(&self, ctx: &mut Context<'_, Self>, task: &Task) -> Span {
        let usual = ctx.draw_span("work", Span::ZERO..=self.settings.service);
        match (behaviour(task), task.timeout) {
            (Some(Behaviour::Overruns { times }), Some(timeout)) if task.retried < u32::from(times) => timeout * 2,
            _ => usual,
        }
    }

    /// A handler has worked, or has waited for its effects in vain.
    pub(super) fn go_on(&mut self, ctx: &mut Context<'_, Self>, lease: LeaseId) {
        let Some(running) = self.running.get(&lease) else { return };
        let id = running.task.id;
        let retried = running.task.retried;
        let fails = |times: u8| retried < u32::from(times);
        match (running.phase, behaviour(&running.task)) {
            (Phase::Marking, _) => {}
            _ if self.is_out_of_time(ctx, lease) => self.failed(ctx, lease, Failure::DeadlineExceeded),
            (Phase::Working, Some(Behaviour::Fails { times })) if fails(times) => {
                self.failed(ctx, lease, Failure::Failed);
            }
            (Phase::Working, Some(Behaviour::SkipsRetry)) => self.failed(ctx, lease, Failure::SkipRetry),
            (Phase::Working, Some(Behaviour::Revokes)) => {
                ctx.mark(marks::REVOKED);
                self.journal.push(Event::Revoked(id, lease));
                self.mark(ctx, lease, Command::Done(id, lease));
            }
            (Phase::Working | Phase::Applying, _) => self.apply(ctx, lease),
        }
    }

    /// The handler has its effects, under keys that are the same for each execution.
    fn apply(&mut self, ctx: &mut Context<'_, Self>, lease: LeaseId) {
        let Some(running) = self.running.get_mut(&lease) else { return };
        running.phase = Phase::Applying;
        let task = &running.task;
        let by_task = self.settings.idempotency_keys && !ctx.planted(Bug::KeyNamesTheAttempt);
        let key = |id| if by_task { EffectKey::Task(id) } else { EffectKey::Execution(id, lease) };
        let (keys, busy) = match &task.payload {
            Payload::Single(Behaviour::MeetsBusy { times }) => (vec![key(task.id)], *times),
            Payload::Single(_) => (vec![key(task.id)], 0),
            Payload::Members(members) => (members.iter().map(|member| key(*member)).collect(), 0),
        };
        let execution = Execution { task: task.id, lease };
        ctx.send(self.settings.ledger, Message::Apply(execution, keys, busy));
        ctx.arm(Timer::Work(lease), self.settings.timeout);
    }

    /// The effects are there: the handler returns.
    pub(super) fn applied(&mut self, ctx: &mut Context<'_, Self>, execution: Execution) {
        let Execution { task: id, lease } = execution;
        let Some(running) = self.running.get(&lease).filter(|running| running.phase == Phase::Applying) else { return };
        if self.is_out_of_time(ctx, lease) {
            return self.failed(ctx, lease, Failure::DeadlineExceeded);
        }
        let (command, deadline) = (success(&running.task, lease), running.deadline);
        self.journal.push(Event::Processed { id, lease, at: ctx.now(), deadline });
        if ctx.planted(Bug::DoneBeforeRun) {
            return self.ended(ctx, lease);
        }
        self.mark(ctx, lease, command);
    }

    /// What a handler needs is busy.
    pub(super) fn busy(&mut self, ctx: &mut Context<'_, Self>, execution: Execution) {
        let lease = execution.lease;
        if self.running.get(&lease).is_some_and(|running| running.phase == Phase::Applying) {
            ctx.mark(marks::BUSY);
            self.failed(ctx, lease, Failure::Busy);
        }
    }

    /// The context of a handler is over.
    pub(super) fn deadline_exceeded(&mut self, ctx: &mut Context<'_, Self>, lease: LeaseId) {
        let is_at_work = self.running.get(&lease).is_some_and(|running| running.phase != Phase::Marking);
        if is_at_work && !ctx.planted(Bug::TimeoutIgnored) {
            self.failed(ctx, lease, Failure::DeadlineExceeded);
        }
    }

    fn is_out_of_time(&self, ctx: &Context<'_, Self>, lease: LeaseId) -> bool {
        self.running[&lease].deadline <= ctx.now() && !ctx.planted(Bug::TimeoutIgnored)
    }

    /// A handler has returned an error (`handleFailedMessage`).
    fn failed(&mut self, ctx: &mut Context<'_, Self>, lease: LeaseId, failure: Failure) {
        let task = self.running[&lease].task.clone();
        match failure {
            Failure::SkipRetry => ctx.mark(marks::SKIPPED_RETRY),
            Failure::DeadlineExceeded => ctx.mark(marks::DEADLINE_EXCEEDED),
            Failure::Failed | Failure::Busy => {}
        }
        let counts = failure != Failure::Busy;
        self.journal.push(Event::Failed { id: task.id, lease, counts });
        let command = if failure == Failure::SkipRetry || is_exhausted(ctx, &task) {
            Command::Archive(task.id, lease, By::Owner)
        } else {
            let after = draw_backoff(ctx, self.settings.backoff, task.retried);
            Command::Retry { id: task.id, lease, by: By::Owner, after, counts }
        };
        self.mark(ctx, lease, command);
    }

    /// Tells the broker what became of an execution, while this server has the lease. If it has not, the recoverer sees to the
    /// task.
    fn mark(&mut self, ctx: &mut Context<'_, Self>, lease: LeaseId, command: Command) {
        let running = self.running.get_mut(&lease).expect("an execution ends once");
        if running.lease_until <= ctx.now() {
            return self.lose(ctx, lease);
        }
        running.phase = Phase::Marking;
        if !self.session.call(ctx, Purpose::Mark(lease, command.clone()), command.clone()) {
            self.sync_later(ctx, lease, command);
        }
    }

    /// The lease is over: whatever this server has done with the task, it does not say so.
    pub(super) fn lose(&mut self, ctx: &mut Context<'_, Self>, lease: LeaseId) {
        ctx.mark(marks::LEASE_EXPIRED_AT_ITS_OWNER);
        self.ended(ctx, lease);
    }

    /// A worker is free.
    pub(super) fn ended(&mut self, ctx: &mut Context<'_, Self>, lease: LeaseId) {
        self.running.remove(&lease);
        ctx.cancel(&Timer::Work(lease));
        ctx.cancel(&Timer::Deadline(lease));
        if self.stopping.is_some() {
            return self.stopped(ctx);
        }
        self.check(ctx);
    }

    /// A shutdown: no more tasks are dequeued, and those at work have a while to end.
    pub(super) fn shut_down(&mut self, ctx: &mut Context<'_, Self>, id: OpId) {
        assert!(self.stopping.is_none(), "a server is shut down once at a time: {id:?} came during another");
        self.stopping = Some(id);
        ctx.arm(Timer::Shutdown, self.settings.shutdown_timeout);
        self.stopped(ctx);
    }

    /// The time of a shutdown is over: tasks at work go back to their queues.
    pub(super) fn requeue_all(&mut self, ctx: &mut Context<'_, Self>) {
        let at_work = self.running.iter().filter(|(_, running)| running.phase != Phase::Marking);
        let at_work: Vec<LeaseId> = at_work.map(|(lease, _)| *lease).collect();
        for lease in at_work {
            let id = self.running[&lease].task.id;
            self.mark(ctx, lease, Command::Requeue(id, lease));
        }
    }

    /// Where all have ended, the server starts again.
    fn stopped(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.running.is_empty() {
            return;
        }
        if let Some(op) = self.stopping.take() {
            ctx.cancel(&Timer::Shutdown);
            ctx.complete(op, Ret::Ok);
            self.check(ctx);
        }
    }
}

/// Whether a task has no retry left (`msg.Retried >= msg.Retry`).
pub(super) fn is_exhausted(ctx: &Context<'_, Server>, task: &Task) -> bool {
    let kept_back = u32::from(ctx.planted(Bug::ArchivedBeforeLastTry));
    task.retried + kept_back >= task.max_retry
}

fn behaviour(task: &Task) -> Option<Behaviour> {
    match task.payload {
        Payload::Single(behaviour) => Some(behaviour),
        Payload::Members(_) => None,
    }
}

/// The mark of a handler that has returned no error.
fn success(task: &Task, lease: LeaseId) -> Command {
    if task.retention > Span::ZERO { Command::MarkAsComplete(task.id, lease) } else { Command::Done(task.id, lease) }
}

/// Until when a handler may take (`computeDeadline`).
fn deadline(now: Time, task: &Task) -> Time {
    match (task.timeout, task.deadline) {
        (Some(timeout), Some(deadline)) => deadline.min(now + timeout),
        (Some(timeout), None) => now + timeout,
        (None, Some(deadline)) => deadline,
        (None, None) => now + DEFAULT_TIMEOUT,
    }
}
