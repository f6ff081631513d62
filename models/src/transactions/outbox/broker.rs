//! A broker: for each consumer a queue on disk, delivered in order, one message at a time, again until it is consumed.
//!
//! What is published twice stands twice in the queue: at-least-once publishing makes duplicates, and the consumer's inbox
//! is there for them. How far a consumer is, is written lazily, so after a crash the broker delivers again.
//!
//! Half messages (Apache RocketMQ, "Transaction Message") stand aside until their transaction has ended. Of those that
//! stay long the broker asks their service, the *check-back*.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, Span};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::outbox::marks;
use crate::transactions::outbox::messages::{Deposit, Message};
use crate::transactions::outbox::model::{Node, Record, Timer};
use crate::transactions::store::Key;

/// The broker's log.
pub const LOG: File = File(0);

/// How a broker is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The services, in their order: each account is kept by one.
    pub services: Vec<NodeId>,
    /// How long it waits before it delivers again.
    pub patience: Span,
    /// How long it waits before it checks back.
    pub check_after: Span,
}

impl Settings {
    /// The service that keeps an account.
    pub fn home(&self, account: Key) -> NodeId {
        self.services[usize::from(account.0) % self.services.len()]
    }
}

/// A record of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A message for all to see.
    Stored(Deposit),
    /// A half message.
    Half(Deposit),
    /// A half message's transaction has ended: it is for all to see, or gone.
    Ended {
        /// The message.
        tx: TxId,
        /// Which of the two.
        commit: bool,
    },
    /// A consumer has consumed this many messages of its queue.
    Consumed {
        /// The consumer.
        by: NodeId,
        /// How many.
        count: u64,
    },
}

/// One consumer's queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Queue {
    messages: Vec<Deposit>,
    consumed: u64,
}

/// A broker.
#[derive(Clone, Debug, Hash)]
pub struct Broker {
    settings: Settings,
    queues: BTreeMap<NodeId, Queue>,
    /// Half messages whose transaction has not ended, as far as it knows.
    halves: BTreeMap<TxId, Deposit>,
    /// How the others ended: a half message that comes late is not taken for a new one.
    ended: BTreeMap<TxId, bool>,
}

impl Broker {
    /// A broker without messages.
    pub fn new(settings: Settings) -> Self {
        Broker { settings, queues: BTreeMap::new(), halves: BTreeMap::new(), ended: BTreeMap::new() }
    }

    /// Whether somebody waits for it.
    pub fn busy(&self) -> bool {
        !self.halves.is_empty() || self.queues.values().any(|queue| queue.consumed < queue.messages.len() as u64)
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            if let Record::Broker(entry) = record {
                self.apply(&entry);
            }
        }
        let consumers: Vec<NodeId> = self.queues.keys().copied().collect();
        for consumer in consumers {
            self.deliver(ctx, consumer);
        }
        if !self.halves.is_empty() {
            ctx.mark(marks::HALF_MESSAGES_FOUND_AFTER_A_CRASH);
            ctx.arm(Timer::CheckBack, self.settings.check_after);
        }
    }

    fn apply(&mut self, entry: &Entry) {
        match *entry {
            Entry::Stored(deposit) => self.show(deposit),
            Entry::Half(deposit) => drop(self.halves.insert(deposit.tx, deposit)),
            Entry::Ended { tx, commit } => {
                let deposit = self.halves.remove(&tx);
                let deposit = deposit.unwrap_or_else(|| panic!("only a half message is ended: {tx}"));
                self.ended.insert(tx, commit);
                if commit {
                    self.show(deposit);
                }
            }
            Entry::Consumed { by, count } => self.queues.entry(by).or_default().consumed = count,
        }
    }

    /// Puts a message into the queue of its consumer, who keeps the account that is paid.
    fn show(&mut self, deposit: Deposit) {
        let consumer = self.settings.home(deposit.transfer.to);
        self.queues.entry(consumer).or_default().messages.push(deposit);
    }

    fn write(&mut self, ctx: &mut Context<'_, Node>, entry: Entry) {
        self.apply(&entry);
        ctx.append(LOG, Record::Broker(entry));
    }

    pub(super) fn publish(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, deposit: Deposit) {
        self.write(ctx, Entry::Stored(deposit));
        ctx.send(from, Message::Published { tx: deposit.tx });
        self.deliver(ctx, self.settings.home(deposit.transfer.to));
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Delivering

    /// Delivers the first message that a consumer has not consumed.
    fn deliver(&mut self, ctx: &mut Context<'_, Node>, consumer: NodeId) {
        let Some(queue) = self.queues.get(&consumer) else { return };
        if let Some(deposit) = queue.messages.get(queue.consumed as usize) {
            ctx.send(consumer, Message::Deliver { offset: queue.consumed, deposit: *deposit });
            ctx.arm(Timer::Redeliver(consumer), self.settings.patience);
        }
    }

    pub(super) fn redeliver(&mut self, ctx: &mut Context<'_, Node>, consumer: NodeId) {
        ctx.mark(marks::DELIVERED_AGAIN);
        self.deliver(ctx, consumer);
    }

    pub(super) fn consumed(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, offset: u64) {
        let queue = self.queues.entry(from).or_default();
        if queue.consumed != offset {
            return;
        }
        queue.consumed += 1;
        let count = queue.consumed;
        ctx.append_lazily(LOG, Record::Broker(Entry::Consumed { by: from, count }));
        ctx.cancel(&Timer::Redeliver(from));
        self.deliver(ctx, from);
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Half messages

    pub(super) fn half(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, deposit: Deposit) {
        let tx = deposit.tx;
        if !self.halves.contains_key(&tx) && !self.ended.contains_key(&tx) {
            if self.halves.is_empty() {
                ctx.arm(Timer::CheckBack, self.settings.check_after);
            }
            self.write(ctx, Entry::Half(deposit));
        }
        ctx.send(from, Message::HalfStored { tx });
    }

    pub(super) fn end(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, commit: bool) {
        match (self.halves.get(&tx).copied(), self.ended.get(&tx)) {
            (Some(deposit), _) => {
                self.write(ctx, Entry::Ended { tx, commit });
                if commit {
                    self.deliver(ctx, self.settings.home(deposit.transfer.to));
                }
            }
            (None, Some(before)) => assert!(*before == commit, "a transaction ends one way: {tx}"),
            (None, None) => panic!("only a half message is ended: {tx}, by {from}"),
        }
        ctx.send(from, Message::Ended { tx });
    }

    pub(super) fn check_back(&mut self, ctx: &mut Context<'_, Node>) {
        for deposit in self.halves.values() {
            ctx.mark(marks::CHECKED_BACK);
            ctx.send(self.settings.home(deposit.aggregate()), Message::CheckBack(*deposit));
        }
        if !self.halves.is_empty() {
            ctx.arm(Timer::CheckBack, self.settings.check_after);
        }
    }
}
