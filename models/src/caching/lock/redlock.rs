//! A lock on Redis servers: one, or several independent ones (Redis's documentation, "Distributed Locks with Redis":
//! "Correct implementation with a single instance" and "The Redlock algorithm"). With one server it is Redlock with a quorum
//! of one. The steps of the algorithm:
//!
//! 1. The client gets the current time.
//! 2. It tries to set the key on all servers to a random value, if there is no such key, with a time to live.
//! 3. It has acquired the lock if a quorum of servers did so, and the validity time is not over: the time to live, less the
//!    time that this took and what is allowed for clocks ([`crate::caching::lock::lease`]).
//! 4. What is left of the validity time is for how long it holds the lock.
//! 5. If it has failed, it deletes the key on all servers where it has the client's value, and tries again after a random
//!    delay.
//!
//! A *watchdog* extends the lease by a script that compares the value before it changes the key, and so does the release.
//!
//! **Fencing tokens** are not a part of the algorithm. Here the script that sets the key also increments a counter, and the
//! token is the greatest count of the quorum. With several servers the client then raises the counters of a quorum to its
//! token *before* it enters, so that any later quorum counts further. The counters must survive crashes. A failover may
//! reset them to earlier values, so the token begins with the epoch of the master.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId, Span, Time};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::events::LockEvent;
use crate::caching::lock::lease::LeaseSettings;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{Acquisition, LockProcess, Timer, Token};
use crate::parts::redis::messages::Epoch;
use crate::parts::redis::{self, Command, Key, Reply, RequestId, Script, Value};

/// The key that is the lock.
pub const LOCK: Key = Key(0);
/// The counter of fencing tokens.
pub const FENCE: Key = Key(1);

/// The name of the n-th request of an acquisition.
fn request_id(acquisition: Acquisition, n: u64) -> RequestId {
    acquisition.0 << 32 | n
}

/// The acquisition that a request was made for.
pub fn acquisition_of(request: RequestId) -> Acquisition {
    Acquisition(request >> 32)
}

/// The settings of a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The servers that are there: in a shrunk scenario some may be missing.
    pub servers: Vec<NodeId>,
    /// The number of servers, of which a quorum is more than half.
    pub of: usize,
    /// The sentinel that knows the master, if there can be failovers.
    pub sentinel: Option<NodeId>,
    /// The lease.
    pub lease: LeaseSettings,
    /// How long an attempt waits for the replies of servers; small beside the time to live.
    pub acquire_timeout: Span,
    /// The next attempt comes after a random delay: at least half of this, at most twice this after the first failure.
    pub retry_delay: Span,
    /// Whether the resource checks fencing tokens.
    pub fencing: bool,
}

/// An attempt to acquire the lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    /// The request whose replies count.
    request: RequestId,
    value: Value,
    began: Time,
    /// The servers that set the key, and the counts of their counters, which begin with the epoch.
    granted: BTreeMap<NodeId, u64>,
    refused: BTreeSet<NodeId>,
    /// The token, once a quorum has set the key, and the servers that have raised their counters to it.
    raising: Option<(Token, BTreeSet<NodeId>)>,
    /// With the planted bug that sets the time to live afterwards: the servers that have done so.
    expiring: Option<BTreeSet<NodeId>>,
}

/// The lock, as its holder has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    value: Value,
    /// The last extension, whose replies count.
    request: RequestId,
    began: Time,
    extended: BTreeSet<NodeId>,
    refused: BTreeSet<NodeId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Idle,
    Attempting(Attempt),
    /// The last attempt has failed, and the next is to come.
    BackingOff,
    Held(Held),
}

/// The client's side of the lock.
#[derive(Clone, Debug, Hash)]
pub struct Redlock {
    settings: Settings,
    /// The epoch of the master, where there can be failovers.
    epoch: Epoch,
    acquisition: Acquisition,
    /// The number of requests of this acquisition.
    requests: u64,
    /// The number of failed attempts of this acquisition.
    failed: u32,
    state: State,
}

impl Redlock {
    /// A client of these servers.
    pub fn new(settings: Settings) -> Self {
        Redlock { settings, epoch: 0, acquisition: Acquisition(0), requests: 0, failed: 0, state: State::Idle }
    }

    /// Whether a server may have set the key for this client, which does not hold the lock yet.
    pub fn is_acquiring(&self) -> bool {
        matches!(self.state, State::Attempting(_))
    }

    /// The value that this client sets the key to, while it acquires or holds the lock.
    pub fn value(&self) -> Option<Value> {
        match &self.state {
            State::Idle | State::BackingOff => None,
            State::Attempting(attempt) => Some(attempt.value),
            State::Held(held) => Some(held.value),
        }
    }

    /// The number of servers that are a quorum.
    fn quorum(&self, ctx: &Context<'_, impl LockProcess>) -> usize {
        let half = self.settings.of / 2;
        if ctx.planted(Bug::RedlockMinority) { half } else { half + 1 }
    }

    /// Whether so many servers have refused that the others are no quorum.
    fn has_failed(&self, ctx: &Context<'_, impl LockProcess>, refused: usize) -> bool {
        refused + self.quorum(ctx) > self.settings.of
    }

    /// The process starts.
    pub fn start(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        self.ask_for_master(ctx);
    }

    fn ask_for_master(&self, ctx: &mut Context<'_, impl LockProcess>) {
        if let Some(sentinel) = self.settings.sentinel {
            ctx.send(sentinel, redis::Message::WhoIsMaster.into());
        }
    }

    /// Sends a command to all servers.
    fn request(&mut self, ctx: &mut Context<'_, impl LockProcess>, command: Command) -> RequestId {
        self.requests += 1;
        let id = request_id(self.acquisition, self.requests);
        ctx.broadcast(self.settings.servers.iter().copied(), redis::Message::Request(id, command).into());
        id
    }

    /// Begins to acquire the lock.
    ///
    /// # Panics
    /// If it is being acquired or held.
    pub fn acquire(&mut self, ctx: &mut Context<'_, impl LockProcess>, acquisition: Acquisition) {
        assert!(
            self.state == State::Idle,
            "a lock is acquired once at a time: {acquisition:?} during {:?}",
            self.state
        );
        (self.acquisition, self.requests, self.failed) = (acquisition, 0, 0);
        self.attempt(ctx);
    }

    /// Steps 1 and 2.
    fn attempt(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        // Acquisition and request make the value unique, whatever is drawn.
        let drawn = self.acquisition.0 << 32 | (self.requests + 1) << 16 | ctx.draw("value", 0..=0xffff);
        let value = if ctx.planted(Bug::ValuePerClient) { u64::from(ctx.id().0) } else { drawn };
        let px = (!ctx.planted(Bug::TtlNotSetAtomically)).then_some(self.settings.lease.ttl);
        let began = ctx.now();
        let mut script = Script::set_and_count(LOCK, value, px, FENCE);
        if ctx.planted(Bug::SetWithoutNx) {
            script = Script {
                when: Vec::new(),
                then: vec![Command::Set { key: LOCK, value, nx: false, px }, Command::Incr(FENCE)],
            };
        }
        let request = self.request(ctx, Command::Eval(script));
        let (granted, refused) = (BTreeMap::new(), BTreeSet::new());
        self.state =
            State::Attempting(Attempt { request, value, began, granted, refused, raising: None, expiring: None });
        ctx.arm(Timer::Timeout, self.settings.acquire_timeout);
    }

    /// A message of a server or of the sentinel.
    ///
    /// # Panics
    /// If it is none for a client.
    pub fn message(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        from: NodeId,
        message: redis::Message,
    ) -> Option<LockEvent> {
        match message {
            redis::Message::Answer(id, reply, epoch) => match &self.state {
                State::Attempting(attempt) if attempt.request == id => self.replied(ctx, from, reply, epoch),
                State::Held(held) if held.request == id => self.extension_replied(ctx, from, reply),
                // A late reply.
                _ => None,
            },
            redis::Message::ReadOnly(_) => {
                ctx.mark(marks::ASKED_A_REPLICA);
                self.ask_for_master(ctx);
                None
            }
            redis::Message::Master(node, epoch) => {
                if epoch >= self.epoch {
                    (self.epoch, self.settings.servers) = (epoch, vec![node]);
                }
                None
            }
            message => panic!("no message for a client of redis: {from} sent {message:?}"),
        }
    }

    /// A server has replied to the current attempt.
    fn replied(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        from: NodeId,
        reply: Reply,
        epoch: Epoch,
    ) -> Option<LockEvent> {
        let quorum = self.quorum(ctx);
        let State::Attempting(attempt) = &mut self.state else { return None };
        if let Some((_, raised)) = &mut attempt.raising {
            // A counter that was not raised was not lower.
            raised.insert(from);
            return if raised.len() >= quorum { self.acquired(ctx) } else { None };
        }
        if let Some(expiring) = &mut attempt.expiring {
            expiring.insert(from);
            return if expiring.len() >= quorum { self.granted_by_quorum(ctx) } else { None };
        }
        match reply {
            Reply::Number(count) => drop(attempt.granted.insert(from, epoch << 32 | count)),
            Reply::Nil | Reply::Ok => drop(attempt.refused.insert(from)),
        }
        let (granted, refused) = (attempt.granted.len(), attempt.refused.len());
        if granted >= quorum {
            if ctx.planted(Bug::TtlNotSetAtomically) {
                self.set_time_to_live(ctx);
                return None;
            }
            return self.granted_by_quorum(ctx);
        }
        if self.has_failed(ctx, refused) {
            self.fail_attempt(ctx);
        }
        None
    }

    /// The second request of the planted bug.
    fn set_time_to_live(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        let request = self.request(ctx, Command::PExpire(LOCK, self.settings.lease.ttl));
        if let State::Attempting(attempt) = &mut self.state {
            (attempt.request, attempt.expiring) = (request, Some(BTreeSet::new()));
        }
    }

    /// A quorum has set the key. With several servers and fencing, their counters are raised to the token first.
    fn granted_by_quorum(&mut self, ctx: &mut Context<'_, impl LockProcess>) -> Option<LockEvent> {
        let State::Attempting(attempt) = &mut self.state else { return None };
        let count = attempt.granted.values().copied().max().expect("a quorum is not empty");
        attempt.raising = Some((Token(count << 14 | u64::from(ctx.id().0)), BTreeSet::new()));
        if self.settings.of == 1 || !self.settings.fencing {
            return self.acquired(ctx);
        }
        let request = self.request(ctx, Command::Eval(Script::raise(FENCE, count)));
        if let State::Attempting(attempt) = &mut self.state {
            attempt.request = request;
        }
        None
    }

    /// Steps 3 and 4: the lock is acquired, if the lease is still valid.
    fn acquired(&mut self, ctx: &mut Context<'_, impl LockProcess>) -> Option<LockEvent> {
        let State::Attempting(Attempt { value, began, raising: Some((token, _)), .. }) = self.state else {
            return None;
        };
        let now = ctx.now();
        let counted_from = if ctx.planted(Bug::RedlockIgnoresElapsed) { now } else { began };
        let valid_until = self.settings.lease.valid_until(counted_from);
        if valid_until <= now {
            ctx.mark(marks::LEASE_OVER_BEFORE_IT_BEGAN);
            self.fail_attempt(ctx);
            return None;
        }
        ctx.cancel(&Timer::Timeout);
        self.arm_watchdog(ctx);
        self.hold(value, 0, began);
        Some(LockEvent::Acquired { token, valid_until: Some(valid_until) })
    }

    fn hold(&mut self, value: Value, request: RequestId, began: Time) {
        self.state = State::Held(Held { value, request, began, extended: BTreeSet::new(), refused: BTreeSet::new() });
    }

    /// Step 5. The greatest delay doubles with each failure, up to a bound: clients whose round trips are longer than the
    /// delay would otherwise split the servers among themselves again and again.
    fn fail_attempt(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        assert!(self.is_acquiring(), "an attempt that fails was made: {:?}", self.state);
        ctx.mark(marks::ATTEMPT_FAILED);
        self.delete_key(ctx);
        self.state = State::BackingOff;
        ctx.cancel(&Timer::Timeout);
        let longest = self.settings.retry_delay * (2 << self.failed.min(3));
        self.failed += 1;
        let after = ctx.draw_span("backoff", Span(self.settings.retry_delay.0 / 2)..=longest);
        ctx.arm(Timer::Retry, after);
    }

    /// Not enough servers have replied in time.
    pub fn timed_out(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        if self.is_acquiring() {
            self.ask_for_master(ctx);
            self.fail_attempt(ctx);
        }
    }

    /// The delay after a failed attempt is over.
    pub fn retry(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        if self.state == State::BackingOff {
            self.attempt(ctx);
        }
    }

    /// The watchdog extends the lease.
    pub fn extend(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        let State::Held(Held { value, .. }) = self.state else { return };
        let ttl = self.settings.lease.ttl;
        let command = if ctx.planted(Bug::RenewAfterExpiry) {
            Command::PExpire(LOCK, ttl)
        } else {
            Command::Eval(Script::compare_and_extend(LOCK, value, ttl))
        };
        let began = ctx.now();
        let request = self.request(ctx, command);
        self.hold(value, request, began);
        self.arm_watchdog(ctx);
    }

    fn arm_watchdog(&self, ctx: &mut Context<'_, impl LockProcess>) {
        if let Some(renew) = self.settings.lease.renew {
            ctx.arm(Timer::Renew, renew);
        }
    }

    /// A server has replied to the last extension. As with an acquisition, a quorum decides.
    fn extension_replied(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        from: NodeId,
        reply: Reply,
    ) -> Option<LockEvent> {
        let quorum = self.quorum(ctx);
        let State::Held(held) = &mut self.state else { return None };
        match reply {
            Reply::Number(1) => held.extended.insert(from),
            Reply::Number(_) | Reply::Nil | Reply::Ok => held.refused.insert(from),
        };
        let (extended, refused) = (held.extended.len(), held.refused.len());
        let valid_until = self.settings.lease.valid_until(held.began);
        if extended == quorum && reply == Reply::Number(1) {
            return (valid_until > ctx.now()).then_some(LockEvent::Extended { valid_until });
        }
        if self.has_failed(ctx, refused) {
            ctx.mark(marks::EXTENSION_REFUSED);
            return Some(LockEvent::Lost);
        }
        None
    }

    /// Releases the lock.
    pub fn release(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        assert!(matches!(self.state, State::Held(_)), "a lock that is released was held: {:?}", self.state);
        self.delete_key(ctx);
        self.state = State::Idle;
        ctx.cancel(&Timer::Renew);
    }

    /// Deletes the key on all servers, also on those that have not replied. Where the request is lost the key expires.
    fn delete_key(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        let Some(value) = self.value() else { return };
        let command = if ctx.planted(Bug::ReleaseWithoutToken) {
            Command::Del(LOCK)
        } else {
            Command::Eval(Script::compare_and_delete(LOCK, value))
        };
        self.request(ctx, command);
    }
}
