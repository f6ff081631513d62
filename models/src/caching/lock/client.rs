//! A client: it acquires the lock, uses the resource for a while, and releases the lock.
//!
//! Its work has steps. Before a step it checks whether the lease is valid for as long as the step takes; at the end of the
//! step it writes to the resource *without another check*. That is what real clients do, for no check can be so late that
//! nothing happens between it and the write (Kleppmann 2016): a pause within a step makes a client write that has lost the
//! lock.
//!
//! The lock is reentrant: a holder enters again without a message, and releases the lock when it has left as often as it has
//! entered.

use seedbed_sim::{Context, NodeId, OpId, Process, Span, Time};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::events::LockEvent;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{Acquisition, Message, Op, Record, Ret, Timer, Token};
use crate::caching::lock::mutex::Mutex;

/// The settings of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The resource.
    pub resource: NodeId,
    /// How long a step takes.
    pub step: Span,
    /// After how long it sends an unanswered write again.
    pub request_timeout: Span,
}

/// A transition of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// It has requested the lock.
    Requested(Acquisition),
    /// It has entered the critical section, or entered it again.
    Entered {
        /// The acquisition under which it is inside.
        acquisition: Acquisition,
        /// How many times it now is inside.
        depth: u32,
        /// Its fencing token.
        token: Token,
    },
    /// It has left once.
    Left {
        /// The acquisition under which it was inside.
        acquisition: Acquisition,
        /// How many times it still is inside.
        depth: u32,
    },
    /// It has seen that its lease is over or revoked.
    Lost(Acquisition),
}

/// The lock, as its holder has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holding {
    /// The fencing token.
    pub token: Token,
    /// Until when the lease is valid, on the holder's clock; until the release, if there is no lease.
    pub valid_until: Option<Time>,
    /// How many times the holder is inside.
    pub depth: u32,
    /// The number of the next write.
    next_write: u8,
    /// Whether the step under way ends with a write.
    writing: bool,
}

/// The operation under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Work {
    op: OpId,
    input: Op,
    holding: Option<Holding>,
}

impl Work {
    fn acquisition(&self) -> Acquisition {
        Acquisition(self.op.0)
    }
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    settings: Settings,
    mutex: Mutex,
    work: Option<Work>,
    journal: Vec<Transition>,
}

impl Client {
    /// A client that uses this lock.
    pub fn new(settings: Settings, mutex: Mutex) -> Self {
        Client { settings, mutex, work: None, journal: Vec::new() }
    }

    /// The lock.
    pub fn mutex(&self) -> &Mutex {
        &self.mutex
    }

    /// The operation under way.
    pub fn outstanding(&self) -> Option<OpId> {
        self.work.map(|work| work.op)
    }

    /// The lock, if the client holds it.
    pub fn holding(&self) -> Option<Holding> {
        self.work.and_then(|work| work.holding)
    }

    fn holding_mut(&mut self) -> Option<&mut Holding> {
        self.work.as_mut().and_then(|work| work.holding.as_mut())
    }

    /// The client's transitions since it was started.
    pub fn journal(&self) -> &[Transition] {
        &self.journal
    }

    fn lock_event(&mut self, ctx: &mut Context<'_, Self>, event: LockEvent) {
        match event {
            LockEvent::Acquired { token, valid_until } => self.acquired(ctx, token, valid_until),
            LockEvent::Extended { valid_until } => self.extended(ctx, valid_until),
            LockEvent::Lost => self.lost(ctx),
        }
    }

    fn acquired(&mut self, ctx: &mut Context<'_, Self>, token: Token, valid_until: Option<Time>) {
        let work = self.work.as_mut().expect("a lock is acquired for an operation");
        assert!(work.holding.is_none(), "a lock is acquired once for an operation: {work:?}");
        assert!(valid_until.is_none_or(|until| until > ctx.now()), "a lease is valid when it begins: {valid_until:?}");
        ctx.mark(marks::LOCK_TAKEN);
        work.holding = Some(Holding { token, valid_until, depth: 0, next_write: 0, writing: false });
        self.arm_lease_over(ctx);
        self.enter(ctx);
        self.begin_step(ctx);
    }

    /// Enters the critical section, or enters it again.
    fn enter(&mut self, ctx: &mut Context<'_, Self>) {
        let work = self.work.as_mut().expect("a client enters for an operation");
        let acquisition = work.acquisition();
        let holding = work.holding.as_mut().expect("a client that enters holds the lock");
        holding.depth += 1;
        let (depth, token) = (holding.depth, holding.token);
        if depth > 1 {
            ctx.mark(marks::ENTERED_AGAIN);
        }
        self.journal.push(Transition::Entered { acquisition, depth, token });
    }

    fn extended(&mut self, ctx: &mut Context<'_, Self>, valid_until: Time) {
        if let Some(holding) = self.holding_mut() {
            ctx.mark(marks::LEASE_EXTENDED);
            holding.valid_until = holding.valid_until.max(Some(valid_until));
            self.arm_lease_over(ctx);
        }
    }

    fn arm_lease_over(&mut self, ctx: &mut Context<'_, Self>) {
        if let Some(valid_until) = self.holding().and_then(|holding| holding.valid_until) {
            ctx.arm(Timer::LeaseOver, valid_until.since(ctx.now()));
        }
    }

    /// Begins a step, which ends with a write if the lease is valid until then. If it is not, the step is put off: either the
    /// lease is extended meanwhile, or it is over before the step would be.
    fn begin_step(&mut self, ctx: &mut Context<'_, Self>) {
        let step = self.settings.step;
        let Some(holding) = self.holding_mut() else { return };
        holding.writing = holding.valid_until.is_none_or(|valid_until| ctx.now() + step < valid_until);
        if !holding.writing {
            ctx.mark(marks::STEP_PUT_OFF);
        }
        ctx.arm(Timer::Step, step);
    }

    /// A step is done: its result is written, without another look at the clock.
    fn step_done(&mut self, ctx: &mut Context<'_, Self>) {
        match self.holding() {
            Some(Holding { writing: true, valid_until, .. }) => {
                if valid_until.is_some_and(|valid_until| valid_until <= ctx.now()) {
                    ctx.mark(marks::WRITES_THOUGH_ITS_LEASE_IS_OVER);
                }
                self.write(ctx);
            }
            Some(_) => self.begin_step(ctx),
            None => {}
        }
    }

    fn write(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(work) = self.work else { return };
        let Some(Holding { token, next_write: n, .. }) = work.holding else { return };
        ctx.send(self.settings.resource, Message::Write { acquisition: work.acquisition(), n, token });
        let Op::Work { writes, .. } = work.input;
        if ctx.planted(Bug::AnswersBeforeAccepted) && n + 1 == writes {
            return self.leave(ctx, Ret::Done);
        }
        ctx.arm(Timer::Again, self.settings.request_timeout);
    }

    /// The resource has answered: to the outstanding write, or a late copy of an earlier answer.
    fn written(&mut self, ctx: &mut Context<'_, Self>, acquisition: Acquisition, n: u8, accepted: bool) {
        let Some(work) = &mut self.work else {
            if self.journal.is_empty() {
                ctx.mark(marks::ANSWER_TO_A_CLIENT_THAT_HAS_DIED);
            }
            return;
        };
        let (current, Op::Work { writes, depth }) = (work.acquisition(), work.input);
        let Some(holding) = &mut work.holding else { return };
        if (current, holding.next_write) != (acquisition, n) {
            return ctx.mark(marks::LATE_ANSWER_OF_THE_RESOURCE);
        }
        ctx.cancel(&Timer::Again);
        if !accepted {
            ctx.mark(marks::WRITE_REFUSED);
            return self.leave(ctx, Ret::Fenced);
        }
        (holding.next_write, holding.writing) = (n + 1, false);
        let (done, reenters) = (holding.next_write == writes, holding.depth < u32::from(depth));
        if done {
            return self.leave(ctx, Ret::Done);
        }
        if reenters {
            self.enter(ctx);
        }
        self.begin_step(ctx);
    }

    /// Leaves the critical section as often as it has entered, and releases the lock.
    fn leave(&mut self, ctx: &mut Context<'_, Self>, ret: Ret) {
        let work = self.work.expect("a client leaves when its operation is done");
        let holding = work.holding.expect("a client that leaves holds the lock");
        let left = |depth| Transition::Left { acquisition: work.acquisition(), depth };
        let remaining = if ctx.planted(Bug::LeavesOnce) { holding.depth - 1 } else { 0 };
        self.journal.extend((remaining..holding.depth).rev().map(left));
        self.end(ctx, ret);
    }

    /// The lease ceases to be valid by the client's clock, unless that has gone back or the lease was extended.
    fn lease_over(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(valid_until) = self.holding().and_then(|holding| holding.valid_until) else { return };
        if ctx.now() < valid_until {
            return self.arm_lease_over(ctx);
        }
        if ctx.planted(Bug::RenewAfterExpiry) {
            return;
        }
        ctx.mark(marks::LEASE_OVER);
        self.lost(ctx);
    }

    fn lost(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(work) = self.work.filter(|work| work.holding.is_some()) else { return };
        self.journal.push(Transition::Lost(work.acquisition()));
        self.end(ctx, Ret::Lost);
    }

    /// Releases the lock and answers the operation. Also a lock that was lost is released: its server may still keep it.
    fn end(&mut self, ctx: &mut Context<'_, Self>, ret: Ret) {
        for timer in [Timer::Step, Timer::Again, Timer::LeaseOver] {
            ctx.cancel(&timer);
        }
        let work = self.work.take().expect("an operation ends once");
        self.mutex.release(ctx);
        ctx.complete(work.op, ret);
    }
}

impl Process for Client {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.mutex.start(ctx);
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        let outstanding = self.outstanding();
        assert!(outstanding.is_none(), "a client has one operation at a time: {op:?} came during {outstanding:?}");
        let work = Work { op, input, holding: None };
        self.work = Some(work);
        self.journal.push(Transition::Requested(work.acquisition()));
        if let Some(event) = self.mutex.acquire(ctx, work.acquisition()) {
            self.lock_event(ctx, event);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Written { acquisition, n, accepted } => self.written(ctx, acquisition, n, accepted),
            message => {
                if let Some(event) = self.mutex.message(ctx, from, message) {
                    self.lock_event(ctx, event);
                }
            }
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Step => self.step_done(ctx),
            Timer::Again => {
                ctx.mark(marks::WRITE_SENT_AGAIN);
                self.write(ctx);
            }
            Timer::LeaseOver => self.lease_over(ctx),
            timer => self.mutex.timer(ctx, timer),
        }
    }
}
