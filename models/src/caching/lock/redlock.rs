//! A lock on Redis servers: one, or several that know nothing of each other (Redis's documentation, "Distributed Locks
//! with Redis": "Correct implementation with a single instance" and "The Redlock algorithm"). One server is Redlock with a
//! quorum of one.
//!
//! 1. The client takes the time.
//! 2. It asks all servers to set the key to a value that nobody else has, if it is not set, with a time to live.
//! 3. It holds the lock if a quorum did so, and if something is left of the time to live after the time that this took and
//!    what is allowed for clocks.
//! 4. What is left is how long it holds it.
//! 5. If it does not hold it, it deletes the key on all servers, where it has its value, and tries again after a random
//!    while.
//!
//! A *watchdog* extends the lease in the same way, by a script that compares the value; so does a release.
//!
//! **Fencing tokens** are not a part of it. Here, the script that sets the key also counts, and the token is the greatest
//! count of the quorum. With several servers the client then raises the counts of a quorum to its token *before* it
//! enters, so that any later quorum counts further. The counters must survive crashes. After a failover they may have gone
//! back; so the token begins with the epoch of the master.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId, Span, Time};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::lease::Terms;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{Message, Token, Turn};
use crate::caching::lock::model::{Node, Timer};
use crate::caching::lock::taker::Told;
use crate::parts::redis::{self, Command, Key, Reply, Script, Value};

/// The lock.
pub const LOCK: Key = Key(0);
/// How often it was set.
pub const FENCE: Key = Key(1);

/// How it is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The servers that are there.
    pub servers: Vec<NodeId>,
    /// How many there should be: a quorum is more than half of these.
    pub of: usize,
    /// Who knows which server is the master, if that can change.
    pub sentinel: Option<NodeId>,
    /// The lease.
    pub terms: Terms,
    /// How long it waits for the servers' answers; small beside the time to live.
    pub timeout: Span,
    /// How long it waits about before it tries again.
    pub retry: Span,
    /// Whether the resource looks at tokens.
    pub fencing: bool,
    /// The planted bug.
    pub bug: Option<Bug>,
}

/// One attempt to set the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    /// The number of what it asked last.
    id: u64,
    value: Value,
    began: Time,
    /// The servers that set the key, and what they counted.
    granted: BTreeMap<NodeId, u64>,
    refused: BTreeSet<NodeId>,
    /// The token, once its counts are raised; and where they are.
    raising: Option<(Token, BTreeSet<NodeId>)>,
    /// With the bug: where the time to live is set.
    expiring: Option<BTreeSet<NodeId>>,
}

/// A lock that is held.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    value: Value,
    /// The extension under way.
    id: u64,
    began: Time,
    yes: BTreeSet<NodeId>,
    no: BTreeSet<NodeId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Idle,
    Trying(Attempt),
    /// It will try again.
    Backing,
    Held(Held),
}

/// The client's side of the lock.
#[derive(Clone, Debug, Hash)]
pub struct Redlock {
    settings: Settings,
    /// In which epoch the one server is the master.
    epoch: u64,
    turn: Turn,
    /// Counts what was asked in this turn.
    asked: u64,
    /// How many attempts of this turn have failed.
    failed: u32,
    state: State,
}

impl Redlock {
    /// A client of these servers.
    pub fn new(settings: Settings) -> Self {
        Redlock { settings, epoch: 0, turn: Turn(0), asked: 0, failed: 0, state: State::Idle }
    }

    /// Whether some server may have the key set for it, though it does not hold the lock.
    pub fn is_taking(&self) -> bool {
        matches!(self.state, State::Trying(_))
    }

    /// The value that it now has in the key, or wants there.
    pub fn value(&self) -> Option<Value> {
        match &self.state {
            State::Idle | State::Backing => None,
            State::Trying(attempt) => Some(attempt.value),
            State::Held(held) => Some(held.value),
        }
    }

    fn has_bug(&self, bug: Bug) -> bool {
        self.settings.bug == Some(bug)
    }

    /// More than half.
    fn quorum(&self) -> usize {
        match self.has_bug(Bug::RedlockMinority) {
            true => self.settings.of / 2,
            false => self.settings.of / 2 + 1,
        }
    }

    /// Whether so many have refused that no quorum is left.
    fn hopeless(&self, refused: usize) -> bool {
        refused + self.quorum() > self.settings.of
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        self.ask_for_master(ctx);
    }

    fn ask_for_master(&self, ctx: &mut Context<'_, Node>) {
        if let Some(sentinel) = self.settings.sentinel {
            ctx.send(sentinel, Message::Redis(redis::Message::WhoIsMaster));
        }
    }

    /// Asks all servers. The answer's number tells turn and question.
    fn ask(&mut self, ctx: &mut Context<'_, Node>, command: &Command) -> u64 {
        self.asked += 1;
        let id = self.turn.0 << 32 | self.asked;
        let request = Message::Redis(redis::Message::Request { id, command: command.clone() });
        ctx.broadcast(self.settings.servers.iter().copied(), request);
        id
    }

    pub(super) fn take(&mut self, ctx: &mut Context<'_, Node>, turn: Turn) -> Option<Told> {
        assert!(self.state == State::Idle, "redlock takes one turn at a time: {:?}", self.state);
        (self.turn, self.asked, self.failed) = (turn, 0, 0);
        self.attempt(ctx);
        None
    }

    /// Steps 1 and 2.
    fn attempt(&mut self, ctx: &mut Context<'_, Node>) {
        // Unlike any other, even without the luck of a draw: turns and questions are numbered.
        let value = self.turn.0 << 32 | (self.asked + 1) << 16 | ctx.draw("value", 0..=0xffff);
        let px = (!self.has_bug(Bug::TtlNotSetAtomically)).then_some(self.settings.terms.ttl);
        let began = ctx.now();
        let id = self.ask(ctx, &Command::Eval(Script::set_and_count(LOCK, value, px, FENCE)));
        let (granted, refused) = (BTreeMap::new(), BTreeSet::new());
        self.state = State::Trying(Attempt { id, value, began, granted, refused, raising: None, expiring: None });
        ctx.arm(Timer::Timeout, self.settings.timeout);
    }

    pub(super) fn message(
        &mut self,
        ctx: &mut Context<'_, Node>,
        from: NodeId,
        message: redis::Message,
    ) -> Option<Told> {
        match message {
            redis::Message::Answer { id, reply, epoch } => match &self.state {
                State::Trying(attempt) if attempt.id == id => self.tried(ctx, from, reply, epoch),
                State::Held(held) if held.id == id => self.extended(ctx, from, reply),
                _ => None,
            },
            redis::Message::ReadOnly { .. } => {
                ctx.mark(marks::ASKED_A_REPLICA);
                self.ask_for_master(ctx);
                None
            }
            redis::Message::Master { node, epoch } => {
                if epoch >= self.epoch {
                    (self.epoch, self.settings.servers) = (epoch, vec![node]);
                }
                None
            }
            message => panic!("redlock: {from} sent a client {message:?}"),
        }
    }

    /// Step 3: a server has answered.
    fn tried(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, reply: Reply, epoch: u64) -> Option<Told> {
        let quorum = self.quorum();
        let State::Trying(attempt) = &mut self.state else { return None };
        if let Some((_, raised)) = &mut attempt.raising {
            // Whether it was raised or was not lower.
            raised.insert(from);
            return if raised.len() >= quorum { self.granted(ctx) } else { None };
        }
        if let Some(expiring) = &mut attempt.expiring {
            expiring.insert(from);
            return if expiring.len() >= quorum { self.set(ctx) } else { None };
        }
        match reply {
            Reply::Number(count) => drop(attempt.granted.insert(from, epoch << 32 | count)),
            Reply::Nil | Reply::Ok => drop(attempt.refused.insert(from)),
        }
        let (granted, refused) = (attempt.granted.len(), attempt.refused.len());
        if granted >= quorum {
            return match self.has_bug(Bug::TtlNotSetAtomically) {
                true => self.set_time_to_live(ctx),
                false => self.set(ctx),
            };
        }
        if self.hopeless(refused) {
            self.give_up(ctx);
        }
        None
    }

    /// The bug's second question.
    fn set_time_to_live(&mut self, ctx: &mut Context<'_, Node>) -> Option<Told> {
        let asked = self.ask(ctx, &Command::PExpire(LOCK, self.settings.terms.ttl));
        if let State::Trying(attempt) = &mut self.state {
            (attempt.id, attempt.expiring) = (asked, Some(BTreeSet::new()));
        }
        None
    }

    /// A quorum has set the key. With several servers and tokens, the counts are to be raised first.
    fn set(&mut self, ctx: &mut Context<'_, Node>) -> Option<Told> {
        let State::Trying(attempt) = &self.state else { return None };
        let count = attempt.granted.values().copied().max().expect("a quorum has somebody in it");
        let token = Token(count << 14 | u64::from(ctx.id().0));
        if self.settings.of == 1 || !self.settings.fencing {
            if let State::Trying(attempt) = &mut self.state {
                attempt.raising = Some((token, BTreeSet::new()));
            }
            return self.granted(ctx);
        }
        let id = self.ask(ctx, &Command::Eval(Script::raise(FENCE, count)));
        if let State::Trying(attempt) = &mut self.state {
            (attempt.id, attempt.raising) = (id, Some((token, BTreeSet::new())));
        }
        None
    }

    /// Step 4: what is left of the time to live.
    fn granted(&mut self, ctx: &mut Context<'_, Node>) -> Option<Told> {
        let State::Trying(Attempt { value, began, raising: Some((token, _)), .. }) = self.state else { return None };
        let now = ctx.now();
        let counted_from = match self.has_bug(Bug::RedlockIgnoresElapsed) {
            true => now,
            false => began,
        };
        let until = self.settings.terms.until(counted_from);
        if until <= now {
            ctx.mark(marks::LEASE_OVER_BEFORE_IT_BEGAN);
            self.give_up(ctx);
            return None;
        }
        ctx.cancel(&Timer::Timeout);
        self.watch(ctx);
        self.state = State::Held(Held { value, id: 0, began, yes: BTreeSet::new(), no: BTreeSet::new() });
        Some(Told::Granted { token, until: Some(until) })
    }

    /// Step 5: this attempt has failed. The random while grows with every attempt, or several who ask masters that are
    /// further away than that would keep each other from a quorum for ever.
    fn give_up(&mut self, ctx: &mut Context<'_, Node>) {
        ctx.mark(marks::ATTEMPT_FAILED);
        self.delete(ctx);
        self.state = State::Backing;
        ctx.cancel(&Timer::Timeout);
        let longest = self.settings.retry * (2 << self.failed.min(3));
        self.failed += 1;
        let after = ctx.draw_span("backoff", Span(self.settings.retry.0 / 2)..=longest);
        ctx.arm(Timer::Retry, after);
    }

    pub(super) fn timed_out(&mut self, ctx: &mut Context<'_, Node>) -> Option<Told> {
        if matches!(self.state, State::Trying(_)) {
            self.ask_for_master(ctx);
            self.give_up(ctx);
        }
        None
    }

    pub(super) fn retry(&mut self, ctx: &mut Context<'_, Node>) -> Option<Told> {
        if self.state == State::Backing {
            self.attempt(ctx);
        }
        None
    }

    /// The watchdog extends the lease.
    pub(super) fn renew(&mut self, ctx: &mut Context<'_, Node>) -> Option<Told> {
        let State::Held(Held { value, .. }) = self.state else { return None };
        let ttl = self.settings.terms.ttl;
        let command = match self.has_bug(Bug::RenewAfterExpiry) {
            true => Command::PExpire(LOCK, ttl),
            false => Command::Eval(Script::compare_and_extend(LOCK, value, ttl)),
        };
        let began = ctx.now();
        let id = self.ask(ctx, &command);
        self.state = State::Held(Held { value, id, began, yes: BTreeSet::new(), no: BTreeSet::new() });
        self.watch(ctx);
        None
    }

    fn watch(&self, ctx: &mut Context<'_, Node>) {
        if let Some(renew) = self.settings.terms.renew {
            ctx.arm(Timer::Renew, renew);
        }
    }

    fn extended(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, reply: Reply) -> Option<Told> {
        let quorum = self.quorum();
        let State::Held(held) = &mut self.state else { return None };
        match reply {
            Reply::Number(1) => held.yes.insert(from),
            Reply::Number(_) | Reply::Nil | Reply::Ok => held.no.insert(from),
        };
        let (yes, no, until) = (held.yes.len(), held.no.len(), self.settings.terms.until(held.began));
        if yes == quorum && reply == Reply::Number(1) {
            return (until > ctx.now()).then_some(Told::Extended { until });
        }
        if self.hopeless(no) {
            ctx.mark(marks::EXTENSION_REFUSED);
            return Some(Told::Lost);
        }
        None
    }

    pub(super) fn give_back(&mut self, ctx: &mut Context<'_, Node>) {
        self.delete(ctx);
        self.state = State::Idle;
        ctx.cancel(&Timer::Renew);
    }

    /// On all servers, also those that have not answered. What does not arrive is freed by its time to live.
    fn delete(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(value) = self.value() else { return };
        let command = match self.has_bug(Bug::ReleaseWithoutToken) {
            true => Command::Del(LOCK),
            false => Command::Eval(Script::compare_and_delete(LOCK, value)),
        };
        self.ask(ctx, &command);
    }
}
