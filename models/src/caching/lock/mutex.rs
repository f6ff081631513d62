//! The client's side of a lock, whichever lock it is.

use seedbed_sim::{Context, NodeId};

use crate::caching::lock::events::LockEvent;
use crate::caching::lock::message_passing::peer::Peer;
use crate::caching::lock::messages::{Acquisition, LockProcess, Message, Timer};
use crate::caching::lock::on_raft::etcd_mutex::EtcdMutex;
use crate::caching::lock::on_raft::machine::LeaseId;
use crate::caching::lock::redlock::Redlock;
use crate::parts::redis::Value;

/// A lock, as a client has it. Any process that speaks the messages and timers of locks can have one: it hands them on and
/// acts on the events.
// Worlds have few clients: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Mutex {
    /// On one Redis server, or on several independent ones.
    Redlock(Redlock),
    /// On a Raft group.
    Etcd(EtcdMutex),
    /// Among the clients.
    Peer(Peer),
}

impl Mutex {
    /// The process starts.
    pub fn start(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        match self {
            Mutex::Redlock(lock) => lock.start(ctx),
            Mutex::Etcd(lock) => lock.start(ctx),
            Mutex::Peer(_) => {}
        }
    }

    /// Begins to acquire the lock.
    ///
    /// # Panics
    /// If it is being acquired or held.
    pub fn acquire(&mut self, ctx: &mut Context<'_, impl LockProcess>, acquisition: Acquisition) -> Option<LockEvent> {
        match self {
            Mutex::Redlock(lock) => {
                lock.acquire(ctx, acquisition);
                None
            }
            Mutex::Etcd(lock) => {
                lock.acquire(ctx);
                None
            }
            Mutex::Peer(lock) => lock.acquire(ctx),
        }
    }

    /// Releases the lock, also one whose lease is over or lost.
    pub fn release(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        match self {
            Mutex::Redlock(lock) => lock.release(ctx),
            Mutex::Etcd(lock) => lock.release(ctx),
            Mutex::Peer(lock) => lock.release(ctx),
        }
    }

    /// A message of the lock has arrived.
    ///
    /// # Panics
    /// If it is of another kind of lock.
    pub fn message(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        from: NodeId,
        message: Message,
    ) -> Option<LockEvent> {
        match (self, message) {
            (Mutex::Redlock(lock), Message::Redis(message)) => lock.message(ctx, from, message),
            (Mutex::Etcd(lock), Message::Raft(message)) => lock.message(ctx, from, message),
            (Mutex::Etcd(lock), Message::Gone(revision)) => {
                lock.deleted(ctx, revision);
                None
            }
            (Mutex::Peer(lock), Message::Peer(segment)) => lock.message(ctx, from, segment),
            (mutex, message) => panic!("a message of another kind of lock: {message:?} came to {mutex:?}"),
        }
    }

    /// A timer of the lock is due.
    ///
    /// # Panics
    /// If it is of another kind of lock.
    pub fn timer(&mut self, ctx: &mut Context<'_, impl LockProcess>, timer: Timer) {
        match (self, timer) {
            (Mutex::Redlock(lock), Timer::Timeout) => lock.timed_out(ctx),
            (Mutex::Redlock(lock), Timer::Retry) => lock.retry(ctx),
            (Mutex::Redlock(lock), Timer::Renew) => lock.extend(ctx),
            (Mutex::Etcd(lock), timer) => lock.timer(ctx, timer),
            (Mutex::Peer(lock), Timer::Resend(peer)) => lock.resend(ctx, peer),
            (mutex, timer) => panic!("a timer of another kind of lock: {timer:?} of {mutex:?}"),
        }
    }

    /// Whether the lock is being acquired, and a server or peer may have granted it already.
    pub fn is_acquiring(&self) -> bool {
        match self {
            Mutex::Redlock(lock) => lock.is_acquiring(),
            Mutex::Etcd(lock) => lock.is_acquiring(),
            Mutex::Peer(lock) => lock.is_acquiring(),
        }
    }

    /// The value that this client sets the key on Redis to, while it acquires or holds the lock.
    pub fn value(&self) -> Option<Value> {
        match self {
            Mutex::Redlock(lock) => lock.value(),
            Mutex::Etcd(_) | Mutex::Peer(_) => None,
        }
    }

    /// This client's lease on the Raft group.
    pub fn lease(&self) -> Option<LeaseId> {
        match self {
            Mutex::Etcd(lock) => lock.lease(),
            Mutex::Redlock(_) | Mutex::Peer(_) => None,
        }
    }
}
