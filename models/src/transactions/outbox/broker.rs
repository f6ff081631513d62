//! A broker: for each consumer a queue on disk, delivered in order, one message at a time, again until it is consumed.
//!
//! A message that is published twice stands twice in the queue: at-least-once publishing makes duplicates, and the
//! consumer's inbox is there for them. How far a consumer is, is written lazily, so after a crash the broker delivers
//! again.
//!
//! Half messages (Apache RocketMQ, "Transaction Message") stand aside until their transaction has ended. Of those that
//! stay long the broker asks their service, the *check-back*.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::outbox::bugs::Bug;
use crate::transactions::outbox::marks;
use crate::transactions::outbox::messages::{BrokerRecord, Deposit, Message, Op, Record, Ret, Timer};
use crate::transactions::outbox::settings::Settings;
use crate::transactions::store::Key;
use crate::transactions::transfer::home;

/// The broker's log.
pub const LOG: File = File(0);

/// One consumer's queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Queue {
    messages: Vec<Deposit>,
    consumed: u64,
}

/// A broker.
#[derive(Clone, Debug, Hash)]
pub struct Broker {
    /// By their places: each keeps its share of the accounts.
    services: Vec<NodeId>,
    settings: Settings,
    queues: BTreeMap<NodeId, Queue>,
    /// Half messages of transactions that are not known to have ended.
    halves: BTreeMap<TxId, Deposit>,
    /// Whether the others were committed: a half message that comes late is not taken for a new one.
    ended: BTreeMap<TxId, bool>,
}

impl Broker {
    /// A broker between these services, before it has read its log.
    pub fn new(services: Vec<NodeId>, settings: Settings) -> Self {
        Broker { services, settings, queues: BTreeMap::new(), halves: BTreeMap::new(), ended: BTreeMap::new() }
    }

    /// Whether it has messages that are not consumed.
    pub fn busy(&self) -> bool {
        !self.halves.is_empty() || self.queues.values().any(|queue| queue.consumed < queue.messages.len() as u64)
    }

    fn home(&self, account: Key) -> NodeId {
        home(&self.services, account)
    }

    /// The consumer of a message: the service that keeps the account which is paid.
    fn consumer(&self, deposit: Deposit) -> NodeId {
        self.home(deposit.transfer.to)
    }

    fn apply(&mut self, record: &BrokerRecord) {
        match *record {
            BrokerRecord::Stored(deposit) => self.enqueue(deposit),
            BrokerRecord::Half(deposit) => drop(self.halves.insert(deposit.tx, deposit)),
            BrokerRecord::Ended(tx, commit) => {
                let deposit = self.halves.remove(&tx);
                let deposit = deposit.unwrap_or_else(|| panic!("only a half message is ended: {tx}"));
                self.ended.insert(tx, commit);
                if commit {
                    self.enqueue(deposit);
                }
            }
            BrokerRecord::Consumed(by, count) => self.queues.entry(by).or_default().consumed = count,
        }
    }

    fn enqueue(&mut self, deposit: Deposit) {
        let consumer = self.consumer(deposit);
        self.queues.entry(consumer).or_default().messages.push(deposit);
    }

    fn write(&mut self, ctx: &mut Context<'_, Self>, record: BrokerRecord) {
        self.apply(&record);
        ctx.append(LOG, Record::Broker(record));
    }

    /// A relay publishes a message, perhaps again.
    fn publish(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, deposit: Deposit) {
        self.write(ctx, BrokerRecord::Stored(deposit));
        ctx.send(from, Message::Published(deposit.tx));
        self.deliver(ctx, self.consumer(deposit));
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Delivering

    /// Delivers the first message that a consumer has not consumed.
    fn deliver(&mut self, ctx: &mut Context<'_, Self>, consumer: NodeId) {
        let Some(queue) = self.queues.get(&consumer) else { return };
        if let Some(deposit) = queue.messages.get(queue.consumed as usize) {
            ctx.send(consumer, Message::Deliver(queue.consumed, *deposit));
            ctx.arm(Timer::Redeliver(consumer), self.settings.retry);
        }
    }

    /// A consumer has not acknowledged a message.
    fn redeliver(&mut self, ctx: &mut Context<'_, Self>, consumer: NodeId) {
        ctx.mark(marks::DELIVERED_AGAIN);
        self.deliver(ctx, consumer);
    }

    /// A consumer acknowledges a message, perhaps again.
    fn consumed(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, offset: u64) {
        let queue = self.queues.entry(from).or_default();
        if queue.consumed != offset {
            return;
        }
        queue.consumed += 1;
        let count = queue.consumed;
        ctx.append_lazily(LOG, Record::Broker(BrokerRecord::Consumed(from, count)));
        ctx.cancel(&Timer::Redeliver(from));
        self.deliver(ctx, from);
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Half messages

    /// A service announces a message, perhaps again.
    fn half(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, deposit: Deposit) {
        let tx = deposit.tx;
        if !self.halves.contains_key(&tx) && !self.ended.contains_key(&tx) {
            if self.halves.is_empty() {
                ctx.arm(Timer::CheckBack, self.settings.check_back_after());
            }
            self.write(ctx, BrokerRecord::Half(deposit));
        }
        ctx.send(from, Message::HalfStored(tx));
    }

    /// The transaction of a half message has ended.
    fn end(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId, commit: bool) {
        match (self.halves.get(&tx).copied(), self.ended.get(&tx)) {
            (Some(deposit), _) => {
                self.write(ctx, BrokerRecord::Ended(tx, commit));
                if commit {
                    self.deliver(ctx, self.consumer(deposit));
                }
            }
            (None, Some(before)) => {
                assert!(*before == commit, "a transaction ends one way: {tx}");
                if ctx.planted(Bug::EndAnsweredOnce) {
                    return;
                }
            }
            (None, None) => panic!("only a half message is ended: {tx}, by {from}"),
        }
        ctx.send(from, Message::Ended(tx));
    }

    /// Inquires how the transactions of the half messages ended.
    fn check_back(&mut self, ctx: &mut Context<'_, Self>) {
        for deposit in self.halves.values() {
            ctx.mark(marks::CHECKED_BACK);
            ctx.send(self.home(deposit.aggregate()), Message::CheckBack(*deposit));
        }
        if !self.halves.is_empty() {
            ctx.arm(Timer::CheckBack, self.settings.check_back_after());
        }
    }
}

impl Process for Broker {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    /// Recovers from the log, and delivers to each consumer what it is not known to have consumed.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Broker(record) => self.apply(&record),
                other => panic!("a broker's log has messages: {other:?}"),
            }
        }
        let consumers: Vec<NodeId> = self.queues.keys().copied().collect();
        for consumer in consumers {
            self.deliver(ctx, consumer);
        }
        if !self.halves.is_empty() {
            ctx.mark(marks::HALF_MESSAGES_FOUND_AFTER_A_CRASH);
            ctx.arm(Timer::CheckBack, self.settings.check_back_after());
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Publish(deposit) => self.publish(ctx, from, deposit),
            Message::Half(deposit) => self.half(ctx, from, deposit),
            Message::End(tx, commit) => self.end(ctx, from, tx, commit),
            Message::Consumed(offset) => self.consumed(ctx, from, offset),
            message => panic!("no message for a broker: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Redeliver(consumer) => self.redeliver(ctx, consumer),
            Timer::CheckBack => self.check_back(ctx),
            timer => panic!("no timer of a broker: {timer:?}"),
        }
    }
}
