//! The ways in which a client takes the lock, behind one face.

use seedbed_sim::{Context, NodeId, Time};

use crate::caching::lock::by_messages::Peer;
use crate::caching::lock::messages::{Message, Token, Turn};
use crate::caching::lock::model::{Node, Timer};
use crate::caching::lock::on_raft::{LeaseId, Waiter};
use crate::caching::lock::redlock::Redlock;
use crate::parts::redis::Value;

/// What a lock tells its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is yours.
    Granted {
        /// The fencing token.
        token: Token,
        /// Until when, on the client's clock; until it is given back, if absent.
        until: Option<Time>,
    },
    /// The lease lasts longer.
    Extended {
        /// Until when.
        until: Time,
    },
    /// It is not yours any more.
    Lost,
}

/// One of the locks, as its client runs it.
// Worlds have few clients: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Taker {
    /// On one Redis server, or on several independent ones.
    Redlock(Redlock),
    /// In the queue of a Raft group.
    Raft(Waiter),
    /// Among the clients.
    Peer(Peer),
}

impl Taker {
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        match self {
            Taker::Redlock(lock) => lock.start(ctx),
            Taker::Raft(lock) => lock.start(ctx),
            Taker::Peer(_) => {}
        }
    }

    pub(super) fn take(&mut self, ctx: &mut Context<'_, Node>, turn: Turn) -> Option<Told> {
        match self {
            Taker::Redlock(lock) => lock.take(ctx, turn),
            Taker::Raft(lock) => lock.take(ctx),
            Taker::Peer(lock) => lock.take(ctx),
        }
    }

    pub(super) fn give_back(&mut self, ctx: &mut Context<'_, Node>) {
        match self {
            Taker::Redlock(lock) => lock.give_back(ctx),
            Taker::Raft(lock) => lock.give_back(ctx),
            Taker::Peer(lock) => lock.give_back(ctx),
        }
    }

    pub(super) fn message(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, message: Message) -> Option<Told> {
        match (self, message) {
            (Taker::Redlock(lock), Message::Redis(message)) => lock.message(ctx, from, message),
            (Taker::Raft(lock), Message::Raft(message)) => lock.message(ctx, from, message),
            (Taker::Raft(lock), Message::Gone { revision }) => lock.gone(ctx, revision),
            (Taker::Peer(lock), Message::Peer(frame)) => lock.message(ctx, from, frame),
            (taker, message) => panic!("lock: a message of another lock: {taker:?} got {message:?}"),
        }
    }

    pub(super) fn timer(&mut self, ctx: &mut Context<'_, Node>, timer: Timer) -> Option<Told> {
        match (self, timer) {
            (Taker::Redlock(lock), Timer::Timeout) => lock.timed_out(ctx),
            (Taker::Redlock(lock), Timer::Retry) => lock.retry(ctx),
            (Taker::Redlock(lock), Timer::Renew) => lock.renew(ctx),
            (Taker::Raft(lock), timer) => lock.timer(ctx, timer),
            (Taker::Peer(lock), Timer::Resend(peer)) => lock.resend(ctx, peer),
            (taker, timer) => panic!("lock: a timer of another lock: {taker:?} got {timer:?}"),
        }
    }

    /// Whether it has asked for the lock, and somebody has it reserved for it, though it does not hold it yet.
    pub fn is_taking(&self) -> bool {
        match self {
            Taker::Redlock(lock) => lock.is_taking(),
            Taker::Raft(lock) => lock.is_waiting(),
            Taker::Peer(lock) => lock.is_waiting(),
        }
    }

    /// The value that it has in the key on Redis, or wants there.
    pub fn value(&self) -> Option<Value> {
        match self {
            Taker::Redlock(lock) => lock.value(),
            Taker::Raft(_) | Taker::Peer(_) => None,
        }
    }

    /// The lease on the Raft group that it has.
    pub fn lease(&self) -> Option<LeaseId> {
        match self {
            Taker::Raft(lock) => lock.lease(),
            Taker::Redlock(_) | Taker::Peer(_) => None,
        }
    }
}
