//! The timestamp oracle (section 2.3): timestamps in strictly increasing order, over crashes and failovers.
//!
//! Two oracles share the [`register`](super::register). The active one allocates timestamps in batches, by a durable
//! upper bound, and hands them out from memory; before it answers, it has the register confirm that its epoch is still
//! the current one, once for all requests that wait. That is what the paper leaves to the reader: an oracle that was
//! replaced and does not know it would hand out timestamps below those of its successor, and a transaction could commit
//! in the past of a snapshot that was already read. No clock is relied on; the timestamp of a request is decided between
//! its arrival and the confirmation, so timestamps agree with real time. (The argument of Raft's ReadIndex, Ongaro's
//! thesis, section 6.4.)
//!
//! The other is on standby. A request makes it probe the active one, and if that is not there, it claims the next epoch
//! and begins above the bound. It may be wrong about that: then the other is deposed, and nothing else happens.

use seedbed_sim::{Context, File, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::mvcc::bugs::Bug;
use crate::transactions::mvcc::marks;
use crate::transactions::mvcc::messages::{Allocation, Holder, Message, Op, Record, Ret, Stage, Timer};
use crate::transactions::mvcc::settings::Settings;
use crate::transactions::mvcc::timestamp::{Epoch, Ts};

/// The file that counts its incarnations.
const INCARNATION: File = File(0);

/// The state of an oracle.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It leaves it to the other to hand out timestamps.
    Standby,
    /// It was asked for a timestamp, and probes the other.
    Probing,
    /// It claims the epoch after this one.
    Claiming(Epoch),
    /// It hands out timestamps, in its own epoch.
    Active(ActiveEpoch),
}

/// The epoch in which an oracle hands out timestamps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActiveEpoch {
    /// The epoch.
    pub epoch: Epoch,
    /// The last timestamp that was assigned to a request.
    last: Ts,
    /// Up to where the register has confirmed its allocation.
    allocated: Ts,
    /// The confirmation that is under way: up to which timestamp, and the bound.
    confirming: Option<(Ts, Ts)>,
}

/// A client that waits, and the timestamp that it gets once that is confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Waiting {
    client: NodeId,
    tx: TxId,
    stage: Stage,
    ts: Option<Ts>,
}

/// An oracle.
#[derive(Clone, Debug, Hash)]
pub struct Oracle {
    register: NodeId,
    /// The other oracle, if there is one.
    peer: Option<NodeId>,
    /// Whether it claims an epoch as soon as it starts.
    eager: bool,
    settings: Settings,
    incarnation: u64,
    /// The last epoch that it has heard of.
    known: Epoch,
    state: State,
    waiting: Vec<Waiting>,
}

impl Oracle {
    /// An oracle before it has read its disk. An `eager` one claims an epoch as soon as it starts; another is on standby
    /// until it is asked.
    pub fn new(register: NodeId, peer: Option<NodeId>, eager: bool, settings: Settings) -> Self {
        let (incarnation, known, state, waiting) = (0, Epoch(0), State::Standby, Vec::new());
        Oracle { register, peer, eager, settings, incarnation, known, state, waiting }
    }

    /// Its state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A client requests a timestamp, perhaps again: until it is answered, both are one request.
    fn ask(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, tx: TxId, stage: Stage) {
        if !self.waiting.iter().any(|w| w.client == client && w.tx == tx && w.stage == stage) {
            // A client has one request open: it does not wait for earlier ones any more.
            self.waiting.retain(|w| w.client != client);
            self.waiting.push(Waiting { client, tx, stage, ts: None });
        }
        match self.state {
            State::Active(_) => self.confirm(ctx),
            State::Standby => self.probe(ctx),
            State::Probing | State::Claiming(_) => {}
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Handing out

    /// Assigns timestamps to all who wait, and has the register confirm the last of them. One confirmation is under way
    /// at a time: requests that come meanwhile wait for the next (the paper's batching of RPCs).
    fn confirm(&mut self, ctx: &mut Context<'_, Self>) {
        let Oracle { settings, state: State::Active(active), waiting, .. } = self else { return };
        if active.confirming.is_some() || waiting.is_empty() {
            return;
        }
        for waiting in waiting.iter_mut().filter(|waiting| waiting.ts.is_none()) {
            active.last = Ts(active.last.0 + 1);
            waiting.ts = Some(active.last);
        }
        if ctx.planted(Bug::StaleOracle) && active.last <= active.allocated {
            let upto = active.last;
            return self.hand_out(ctx, upto);
        }
        let mut bound = active.allocated;
        while bound < active.last {
            bound = Ts(bound.0 + settings.batch);
        }
        if bound > active.allocated {
            ctx.mark(marks::TIMESTAMPS_RESERVED);
        }
        active.confirming = Some((active.last, bound));
        self.ask_register(ctx);
    }

    /// Sends the request that the state waits for, now and again.
    fn ask_register(&mut self, ctx: &mut Context<'_, Self>) {
        let message = match self.state {
            State::Claiming(over) => Message::Claim { incarnation: self.incarnation, over },
            State::Active(ActiveEpoch { epoch, confirming: Some((upto, bound)), .. }) => {
                Message::Confirm { epoch, upto, bound }
            }
            _ => return,
        };
        ctx.send(self.register, message);
        ctx.arm(Timer::Retry, self.settings.retry);
    }

    /// The register confirms the epoch.
    fn confirmed(&mut self, ctx: &mut Context<'_, Self>, epoch: Epoch, upto: Ts) {
        let State::Active(active) = &mut self.state else { return };
        let is_answer = |(asked, _): &mut (Ts, Ts)| active.epoch == epoch && *asked == upto;
        let Some((_, bound)) = active.confirming.take_if(is_answer) else { return };
        assert!(
            active.allocated <= bound && upto <= bound,
            "the bound never falls, and is above what is handed out: {bound}, after {}, for {upto}",
            active.allocated
        );
        active.allocated = bound;
        ctx.cancel(&Timer::Retry);
        self.hand_out(ctx, upto);
        self.confirm(ctx);
    }

    /// Answers all who wait for a timestamp up to this one.
    fn hand_out(&mut self, ctx: &mut Context<'_, Self>, upto: Ts) {
        self.waiting.retain(|waiting| match waiting.ts {
            Some(ts) if ts <= upto => {
                ctx.send(waiting.client, Message::Timestamp(waiting.tx, waiting.stage, ts));
                false
            }
            _ => true,
        });
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Taking over

    /// Looks whether the other is active; takes over at once if there is none.
    fn probe(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(peer) = self.peer else {
            return self.claim(ctx, self.known);
        };
        self.state = State::Probing;
        ctx.send(peer, Message::Ping);
        ctx.arm(Timer::Takeover, self.settings.retry);
    }

    /// The other has answered the probe.
    fn pong(&mut self, ctx: &mut Context<'_, Self>, active: bool) {
        if self.state != State::Probing {
            return;
        }
        ctx.cancel(&Timer::Takeover);
        if active {
            self.stand_by(ctx);
        } else {
            self.claim(ctx, self.known);
        }
    }

    /// The other has not answered the probe.
    fn take_over(&mut self, ctx: &mut Context<'_, Self>) {
        if self.state == State::Probing {
            self.claim(ctx, self.known);
        }
    }

    /// Claims the epoch after this one.
    fn claim(&mut self, ctx: &mut Context<'_, Self>, over: Epoch) {
        assert!(!matches!(self.state, State::Active(_)), "an active oracle has an epoch: {:?}", self.state);
        self.state = State::Claiming(over);
        self.ask_register(ctx);
    }

    /// The register tells which epoch is current, and whose it is.
    fn held(&mut self, ctx: &mut Context<'_, Self>, Allocation { epoch, holder, bound }: Allocation) {
        self.known = self.known.max(epoch);
        match self.state {
            State::Claiming(over) if epoch > over => {
                if holder != Some(Holder { node: ctx.id(), incarnation: self.incarnation }) {
                    // Another oracle, or an earlier incarnation, has claimed that epoch: claims the next one.
                    return self.claim(ctx, epoch);
                }
                if epoch > Epoch(1) {
                    ctx.mark(marks::ORACLE_TOOK_OVER);
                }
                ctx.cancel(&Timer::Retry);
                // Begins above all that was ever allocated, with nothing allocated to itself.
                self.state = State::Active(ActiveEpoch { epoch, last: bound, allocated: bound, confirming: None });
                self.confirm(ctx);
            }
            State::Active(ActiveEpoch { epoch: own, .. }) if epoch > own => {
                ctx.mark(marks::ORACLE_DEPOSED);
                self.stand_by(ctx);
            }
            _ => {}
        }
    }

    /// Leaves it to the other to hand out timestamps, and redirects all who wait.
    fn stand_by(&mut self, ctx: &mut Context<'_, Self>) {
        self.state = State::Standby;
        ctx.cancel(&Timer::Retry);
        for waiting in std::mem::take(&mut self.waiting) {
            ctx.send(waiting.client, Message::Elsewhere(waiting.tx));
        }
    }
}

impl Process for Oracle {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, INCARNATION) else { return };
        let incarnations = records.into_iter().map(|record| match record {
            Record::Incarnation(incarnation) => incarnation,
            other => panic!("an oracle counts its incarnations: {other:?}"),
        });
        self.incarnation = incarnations.max().unwrap_or(0) + 1;
        ctx.replace(INCARNATION, vec![Record::Incarnation(self.incarnation)]);
        if self.eager {
            self.claim(ctx, self.known);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Ask(tx, stage) => self.ask(ctx, from, tx, stage),
            Message::Ping => ctx.send(from, Message::Pong(matches!(self.state, State::Active(_)))),
            Message::Pong(active) => self.pong(ctx, active),
            Message::Held(allocation) => self.held(ctx, allocation),
            Message::Confirmed(epoch, upto) => self.confirmed(ctx, epoch, upto),
            message => panic!("no message for an oracle: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Retry => self.ask_register(ctx),
            Timer::Takeover => self.take_over(ctx),
            timer => panic!("no timer of an oracle: {timer:?}"),
        }
    }
}
