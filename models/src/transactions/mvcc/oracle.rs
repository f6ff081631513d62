//! The timestamp oracle (section 2.3): timestamps in strictly increasing order, over crashes and failovers.
//!
//! Two oracles share the [`register`](super::register). The active one reserves timestamps in batches, by a durable
//! upper bound, and hands them out from memory; before it answers, it has the register confirm that its epoch is still
//! the current one, once for all requests that wait. That is what the paper leaves to the reader: an oracle that was
//! replaced and does not know it would hand out timestamps below those of its successor, and a transaction could commit
//! in the past of a snapshot that was already read. No clock is relied on; the timestamp of a request is decided between
//! its arrival and the confirmation, so timestamps agree with real time. (The argument of Raft's ReadIndex, Ongaro's
//! thesis, section 6.4.)
//!
//! The other is on standby. Who asks it makes it look whether the active one is there, and if not, it claims the next
//! epoch and begins above the bound. It may be wrong about that: then the other is deposed, and nothing else happens.

use seedbed_sim::{Context, File, NodeId, Span};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::mvcc::bugs::Bug;
use crate::transactions::mvcc::marks;
use crate::transactions::mvcc::messages::{Holder, Message, Stage};
use crate::transactions::mvcc::model::{Node, Record, Timer};
use crate::transactions::mvcc::timestamp::{Epoch, Ts};

/// The file that counts its lives.
const LIVES: File = File(0);

/// How an oracle is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Where the register is.
    pub register: NodeId,
    /// The other oracle, if there is one.
    pub peer: Option<NodeId>,
    /// Whether it claims the oracle's office as soon as it starts.
    pub eager: bool,
    /// How many timestamps it reserves at a time.
    pub batch: u64,
    /// How long it waits for the register before it asks again.
    pub patience: Span,
    /// How long it waits for the other before it takes over.
    pub takeover: Span,
    /// The planted bug.
    pub bug: Option<Bug>,
}

/// What an oracle is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It leaves it to the other.
    Standby,
    /// It was asked, and looks whether the other is there.
    Probing,
    /// It wants to be the one.
    Claiming {
        /// The epoch that it knows of.
        over: Epoch,
    },
    /// It hands out timestamps.
    Active(Reign),
}

/// What an oracle knows while it hands out timestamps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reign {
    /// Its epoch.
    pub epoch: Epoch,
    /// The last timestamp that was assigned to a request.
    last: Ts,
    /// Up to here the register has reserved for it.
    reserved: Ts,
    /// What it waits for the register to confirm: up to which timestamp, and the bound.
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
    settings: Settings,
    life: u64,
    /// The last epoch that it has heard of.
    known: Epoch,
    state: State,
    waiting: Vec<Waiting>,
}

impl Oracle {
    /// An oracle.
    pub fn new(settings: Settings) -> Self {
        Oracle { settings, life: 0, known: Epoch(0), state: State::Standby, waiting: Vec::new() }
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(lives) = wal::recover(ctx, LIVES) else { return };
        self.life = lives.iter().filter_map(Record::life).max().unwrap_or(0) + 1;
        ctx.replace(LIVES, vec![Record::Life(self.life)]);
        if self.settings.eager {
            self.claim(ctx, self.known);
        }
    }

    /// A client asks. Asking again is asking once.
    pub(super) fn ask(&mut self, ctx: &mut Context<'_, Node>, client: NodeId, tx: TxId, stage: Stage) {
        if !self.waiting.iter().any(|w| w.client == client && w.tx == tx && w.stage == stage) {
            // A client has one request open: what it asked before, it has stopped waiting for.
            self.waiting.retain(|w| w.client != client);
            self.waiting.push(Waiting { client, tx, stage, ts: None });
        }
        match self.state {
            State::Active(_) => self.confirm(ctx),
            State::Standby => self.probe(ctx),
            State::Probing | State::Claiming { .. } => {}
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Handing out

    /// Assigns timestamps to all who wait, and has the register confirm the last of them. One confirmation is under way
    /// at a time: who comes meanwhile waits for the next (the paper's batching of RPCs).
    fn confirm(&mut self, ctx: &mut Context<'_, Node>) {
        let Oracle { settings, state: State::Active(reign), waiting, .. } = self else { return };
        if reign.confirming.is_some() || waiting.is_empty() {
            return;
        }
        for waiting in waiting.iter_mut().filter(|waiting| waiting.ts.is_none()) {
            reign.last = Ts(reign.last.0 + 1);
            waiting.ts = Some(reign.last);
        }
        if settings.bug == Some(Bug::StaleOracle) && reign.last <= reign.reserved {
            let upto = reign.last;
            return self.hand_out(ctx, upto);
        }
        let mut bound = reign.reserved;
        while bound < reign.last {
            bound = Ts(bound.0 + settings.batch);
        }
        if bound > reign.reserved {
            ctx.mark(marks::TIMESTAMPS_RESERVED);
        }
        reign.confirming = Some((reign.last, bound));
        self.ask_register(ctx);
    }

    fn ask_register(&mut self, ctx: &mut Context<'_, Node>) {
        let message = match self.state {
            State::Claiming { over } => Message::Claim { life: self.life, over },
            State::Active(Reign { epoch, confirming: Some((upto, bound)), .. }) => {
                Message::Confirm { epoch, upto, bound }
            }
            _ => return,
        };
        ctx.send(self.settings.register, message);
        ctx.arm(Timer::Retry, self.settings.patience);
    }

    pub(super) fn confirmed(&mut self, ctx: &mut Context<'_, Node>, epoch: Epoch, upto: Ts) {
        let State::Active(reign) = &mut self.state else { return };
        let Some((_, bound)) = reign.confirming.take_if(|(asked, _)| reign.epoch == epoch && *asked == upto) else {
            return;
        };
        reign.reserved = bound;
        ctx.cancel(&Timer::Retry);
        self.hand_out(ctx, upto);
        self.confirm(ctx);
    }

    fn hand_out(&mut self, ctx: &mut Context<'_, Node>, upto: Ts) {
        self.waiting.retain(|waiting| match waiting.ts {
            Some(ts) if ts <= upto => {
                ctx.send(waiting.client, Message::Timestamp { tx: waiting.tx, stage: waiting.stage, ts });
                false
            }
            _ => true,
        });
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Taking over

    /// Looks whether the other is there.
    fn probe(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(peer) = self.settings.peer else {
            return self.claim(ctx, self.known);
        };
        self.state = State::Probing;
        ctx.send(peer, Message::Ping);
        ctx.arm(Timer::Takeover, self.settings.takeover);
    }

    pub(super) fn ping(&mut self, ctx: &mut Context<'_, Node>, from: NodeId) {
        ctx.send(from, Message::Pong { active: matches!(self.state, State::Active(_)) });
    }

    pub(super) fn pong(&mut self, ctx: &mut Context<'_, Node>, active: bool) {
        if self.state != State::Probing {
            return;
        }
        ctx.cancel(&Timer::Takeover);
        match active {
            true => self.stand_by(ctx),
            false => self.claim(ctx, self.known),
        }
    }

    /// The other does not answer.
    pub(super) fn take_over(&mut self, ctx: &mut Context<'_, Node>) {
        if self.state == State::Probing {
            self.claim(ctx, self.known);
        }
    }

    fn claim(&mut self, ctx: &mut Context<'_, Node>, over: Epoch) {
        self.state = State::Claiming { over };
        self.ask_register(ctx);
    }

    /// The register tells whose the epoch is.
    pub(super) fn held(&mut self, ctx: &mut Context<'_, Node>, epoch: Epoch, holder: Option<Holder>, bound: Ts) {
        self.known = self.known.max(epoch);
        match self.state {
            State::Claiming { over } if epoch > over => {
                if holder != Some(Holder { node: ctx.id(), life: self.life }) {
                    // Somebody has held it since: then over that one.
                    return self.claim(ctx, epoch);
                }
                if epoch > Epoch(1) {
                    ctx.mark(marks::ORACLE_TOOK_OVER);
                }
                ctx.cancel(&Timer::Retry);
                // Above all that anybody has ever reserved; nothing of it is reserved for this one yet.
                self.state = State::Active(Reign { epoch, last: bound, reserved: bound, confirming: None });
                self.confirm(ctx);
            }
            State::Active(Reign { epoch: mine, .. }) if epoch > mine => {
                ctx.mark(marks::ORACLE_DEPOSED);
                self.stand_by(ctx);
            }
            _ => {}
        }
    }

    /// Leaves it to the other, and sends there all who wait.
    fn stand_by(&mut self, ctx: &mut Context<'_, Node>) {
        self.state = State::Standby;
        ctx.cancel(&Timer::Retry);
        for waiting in std::mem::take(&mut self.waiting) {
            ctx.send(waiting.client, Message::Elsewhere { tx: waiting.tx });
        }
    }

    /// The register has not answered.
    pub(super) fn retry(&mut self, ctx: &mut Context<'_, Node>) {
        self.ask_register(ctx);
    }
}
