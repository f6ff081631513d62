//! A client: it takes the lock, uses the resource for a while, and gives the lock back.
//!
//! A turn has steps. Before a step it looks whether the lease still lasts for it; at the end of the step, *without another
//! look*, it writes to the resource. That is what real clients do, for no look can be so late that nothing comes between it
//! and the write (Kleppmann 2016): a pause in a step makes a write of one who has lost the lock.
//!
//! The lock is reentrant: inside, a client enters again for free, and counts; it gives the lock back when it has left as
//! often as it entered.

use seedbed_sim::{Context, NodeId, OpId, Span, Time};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{Message, Token, Turn};
use crate::caching::lock::model::{Node, Op, Ret, Timer};
use crate::caching::lock::taker::{Taker, Told};

/// How a client works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The resource.
    pub resource: NodeId,
    /// How long a step takes.
    pub step: Span,
    /// How long it waits for an answer before asking again.
    pub patience: Span,
    /// The planted bug.
    pub bug: Option<Bug>,
}

/// What a client did, in this life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happened {
    /// It asked for the lock.
    Asked(Turn),
    /// It entered, or entered again.
    Entered {
        /// In which turn.
        turn: Turn,
        /// How often it now is inside.
        depth: u32,
        /// With which token.
        token: Token,
    },
    /// It left.
    Left {
        /// In which turn.
        turn: Turn,
        /// How often it still is inside.
        depth: u32,
    },
    /// It saw that its lease was over, or gone.
    Lost(Turn),
}

/// A client that holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holding {
    /// The token of this turn.
    pub token: Token,
    /// Until when it believes so, on its own clock; until it gives the lock back, if absent.
    pub until: Option<Time>,
    /// How often it has entered.
    pub depth: u32,
    /// The next write.
    n: u8,
    /// Whether the write is under way.
    writing: bool,
}

/// What a client is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Work {
    op: OpId,
    asked: Op,
    holding: Option<Holding>,
}

impl Work {
    fn turn(&self) -> Turn {
        Turn(self.op.0)
    }
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    settings: Settings,
    taker: Taker,
    work: Option<Work>,
    journal: Vec<Happened>,
}

impl Client {
    /// A client that takes the lock in this way.
    pub fn new(settings: Settings, taker: Taker) -> Self {
        Client { settings, taker, work: None, journal: Vec::new() }
    }

    /// How it takes the lock.
    pub fn taker(&self) -> &Taker {
        &self.taker
    }

    /// The operation that is open.
    pub fn open(&self) -> Option<OpId> {
        self.work.map(|work| work.op)
    }

    /// The lock as it holds it.
    pub fn holding(&self) -> Option<Holding> {
        self.work.and_then(|work| work.holding)
    }

    /// What it did in this life.
    pub fn journal(&self) -> &[Happened] {
        &self.journal
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        self.taker.start(ctx);
    }

    pub(super) fn invoke(&mut self, ctx: &mut Context<'_, Node>, op: OpId, asked: Op) {
        let open = self.open();
        assert!(open.is_none(), "a client has one operation open at a time: {op:?} came during {open:?}");
        let work = Work { op, asked, holding: None };
        self.work = Some(work);
        self.journal.push(Happened::Asked(work.turn()));
        let told = self.taker.take(ctx, work.turn());
        self.heed(ctx, told);
    }

    pub(super) fn message(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, message: Message) {
        match message {
            Message::Written { turn, n, accepted } => self.written(ctx, turn, n, accepted),
            message => {
                let told = self.taker.message(ctx, from, message);
                self.heed(ctx, told);
            }
        }
    }

    pub(super) fn timer(&mut self, ctx: &mut Context<'_, Node>, timer: Timer) {
        match timer {
            Timer::Step => self.step_done(ctx),
            Timer::Again => self.write(ctx),
            Timer::LeaseOver => self.lease_over(ctx),
            timer => {
                let told = self.taker.timer(ctx, timer);
                self.heed(ctx, told);
            }
        }
    }

    fn heed(&mut self, ctx: &mut Context<'_, Node>, told: Option<Told>) {
        match told {
            None => {}
            Some(Told::Granted { token, until }) => self.enter(ctx, token, until),
            Some(Told::Extended { until }) => self.extended(ctx, until),
            Some(Told::Lost) => self.lost(ctx),
        }
    }

    fn enter(&mut self, ctx: &mut Context<'_, Node>, token: Token, until: Option<Time>) {
        let work = self.work.as_mut().expect("a lock is granted to those who want it");
        assert!(work.holding.is_none(), "a lock is granted once a turn: {work:?}");
        assert!(until.is_none_or(|until| until > ctx.now()), "a lease is granted while it lasts: {until:?}");
        ctx.mark(marks::LOCK_TAKEN);
        work.holding = Some(Holding { token, until, depth: 0, n: 0, writing: false });
        self.watch_lease(ctx);
        self.reenter(ctx);
        self.step(ctx);
    }

    /// Enters, or enters again.
    fn reenter(&mut self, ctx: &mut Context<'_, Node>) {
        let work = self.work.as_mut().expect("who enters has work");
        let turn = work.turn();
        let holding = work.holding.as_mut().expect("who enters holds the lock");
        holding.depth += 1;
        let (depth, token) = (holding.depth, holding.token);
        if depth > 1 {
            ctx.mark(marks::ENTERED_AGAIN);
        }
        self.journal.push(Happened::Entered { turn, depth, token });
    }

    fn extended(&mut self, ctx: &mut Context<'_, Node>, until: Time) {
        if let Some(Work { holding: Some(holding), .. }) = &mut self.work {
            ctx.mark(marks::LEASE_EXTENDED);
            holding.until = holding.until.max(Some(until));
            self.watch_lease(ctx);
        }
    }

    fn watch_lease(&mut self, ctx: &mut Context<'_, Node>) {
        if let Some(until) = self.holding().and_then(|holding| holding.until) {
            ctx.arm(Timer::LeaseOver, until.since(ctx.now()));
        }
    }

    /// Begins a step if the lease lasts for it. If not, the lease is extended, or is over before the step would be.
    fn step(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(holding) = self.holding() else { return };
        let lasts = holding.until.is_none_or(|until| ctx.now() + self.settings.step < until);
        if !lasts {
            ctx.mark(marks::STEP_PUT_OFF);
        }
        if let Some(Work { holding: Some(holding), .. }) = &mut self.work {
            holding.writing = lasts;
        }
        ctx.arm(Timer::Step, self.settings.step);
    }

    /// The step is done: its result is written. There is no look at the clock here, see above.
    fn step_done(&mut self, ctx: &mut Context<'_, Node>) {
        match self.holding() {
            Some(Holding { writing: true, .. }) => self.write(ctx),
            Some(_) => self.step(ctx),
            None => {}
        }
    }

    fn write(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(work) = self.work else { return };
        let Some(holding) = work.holding else { return };
        let write = Message::Write { turn: work.turn(), n: holding.n, token: holding.token };
        ctx.send(self.settings.resource, write);
        ctx.arm(Timer::Again, self.settings.patience);
    }

    fn written(&mut self, ctx: &mut Context<'_, Node>, turn: Turn, n: u8, accepted: bool) {
        let Some(work) = &mut self.work else { return };
        let (now_turn, Op::Work { writes, depth }) = (work.turn(), work.asked);
        let Some(holding) = work.holding.as_mut().filter(|holding| (now_turn, holding.n) == (turn, n)) else { return };
        ctx.cancel(&Timer::Again);
        if !accepted {
            ctx.mark(marks::WRITE_REFUSED);
            return self.leave(ctx, Ret::Fenced);
        }
        (holding.n, holding.writing) = (holding.n + 1, false);
        let (done, again) = (holding.n == writes, holding.depth < u32::from(depth));
        if done {
            return self.leave(ctx, Ret::Done);
        }
        if again {
            self.reenter(ctx);
        }
        self.step(ctx);
    }

    /// Leaves as often as it entered; the last time, it gives the lock back.
    fn leave(&mut self, ctx: &mut Context<'_, Node>, ret: Ret) {
        let work = self.work.expect("who leaves has work");
        let holding = work.holding.expect("who leaves holds the lock");
        let left = |depth| Happened::Left { turn: work.turn(), depth };
        self.journal.extend((0..holding.depth).rev().map(left));
        self.end(ctx, ret);
    }

    /// It has seen by its own clock that it does not hold the lock any more.
    fn lease_over(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(until) = self.holding().and_then(|holding| holding.until) else { return };
        if ctx.now() < until {
            return self.watch_lease(ctx);
        }
        if self.settings.bug == Some(Bug::RenewAfterExpiry) {
            return;
        }
        ctx.mark(marks::LEASE_OVER);
        self.lost(ctx);
    }

    fn lost(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(work) = self.work.filter(|work| work.holding.is_some()) else { return };
        self.journal.push(Happened::Lost(work.turn()));
        self.end(ctx, Ret::Lost);
    }

    fn end(&mut self, ctx: &mut Context<'_, Node>, ret: Ret) {
        for timer in [Timer::Step, Timer::Again, Timer::LeaseOver] {
            ctx.cancel(&timer);
        }
        if let Some(work) = self.work.take() {
            self.taker.give_back(ctx);
            ctx.complete(work.op, ret);
        }
    }
}
