//! A service: accounts in a local database, the outbox in the same database, the relay that empties it, and the inbox for
//! what other services publish.
//!
//! The log is the database: one record is one local transaction. That a transfer is withdrawn and its message put into
//! the outbox is one record ([`ServiceRecord::Committed`]), and so is that a message is put into the inbox and its money
//! deposited ([`ServiceRecord::Applied`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedbed_sim::{Context, File, NodeId, Process, Time};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::journal::Journal;
use crate::transactions::outbox::bugs::Bug;
use crate::transactions::outbox::marks;
use crate::transactions::outbox::messages::{Deposit, Message, Op, Record, Ret, ServiceRecord, Timer};
use crate::transactions::outbox::settings::{Relay, Settings};
use crate::transactions::store::{Key, Step, Store};

/// The database's log.
pub const WAL: File = File(0);
/// Where a relay that tails the log keeps its position, apart from the database.
const POSITION: File = File(1);

/// Local transactions that deposit are numbered from here on: no client has these numbers. Which deposit is a repetition is
/// told by the inbox alone.
const LOCAL: u64 = 1 << 62;

/// A service.
#[derive(Clone, Debug, Hash)]
pub struct Service {
    broker: NodeId,
    settings: Settings,
    store: Store,
    /// Of the transactions of clients that have ended: whether they are committed.
    outcomes: BTreeMap<TxId, bool>,
    /// The transactions of clients whose commit is durable, in their order: what the properties read.
    commits: Journal<Deposit>,
    /// The outbox: what committed transactions publish, in the order of their commits.
    outbox: Vec<Deposit>,
    /// The messages of the outbox that the broker is known to have.
    sent: BTreeSet<TxId>,
    /// When each message was last sent, on this node's clock: it is not sent again before its acknowledgement is overdue.
    last_sent: BTreeMap<TxId, Time>,
    /// Whether the relay's timer is armed. What comes meanwhile does not put it off.
    relay_armed: bool,
    /// Up to where in the outbox a tailing relay has published.
    position: usize,
    /// The inbox: the messages that were applied, in their order.
    inbox: VecDeque<TxId>,
    /// How many messages were applied.
    applied: u64,
    /// Transactions that wait for the one before them of the same aggregate, each with its client.
    queue: VecDeque<(NodeId, Deposit)>,
    /// Transactions whose half message is on its way to the broker, each with its client.
    halves: BTreeMap<TxId, (NodeId, Deposit)>,
}

impl Service {
    /// A service with these accounts, before it has read its log.
    pub fn new(broker: NodeId, store: Store, settings: Settings) -> Self {
        Service {
            broker,
            settings,
            store,
            outcomes: BTreeMap::new(),
            commits: Journal::default(),
            outbox: Vec::new(),
            sent: BTreeSet::new(),
            last_sent: BTreeMap::new(),
            relay_armed: false,
            position: 0,
            inbox: VecDeque::new(),
            applied: 0,
            queue: VecDeque::new(),
            halves: BTreeMap::new(),
        }
    }

    /// The accounts.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The transactions of clients whose commit is durable, in the order in which this life of the service found that out.
    pub fn commits(&self) -> &[Deposit] {
        self.commits.entries()
    }

    /// Whether it has transactions that have not begun or not ended, or messages that the broker is not known to have.
    pub fn busy(&self) -> bool {
        self.unsent() > 0 || !self.queue.is_empty() || !self.halves.is_empty()
    }

    /// How many messages the broker is not known to have.
    pub fn unsent(&self) -> usize {
        match self.settings.relay {
            Relay::Tailing => self.outbox.len() - self.position,
            Relay::Polling | Relay::Transactional => self.outbox.len() - self.sent.len(),
        }
    }

    fn apply(&mut self, ctx: &Context<'_, Self>, record: &ServiceRecord) {
        match *record {
            ServiceRecord::Committed(deposit) => {
                self.transact(deposit.tx, deposit.transfer.withdrawal());
                self.outcomes.insert(deposit.tx, true);
                self.outbox.push(deposit);
            }
            ServiceRecord::Aborted(tx) => drop(self.outcomes.insert(tx, false)),
            ServiceRecord::Sent(tx) => drop(self.sent.insert(tx)),
            ServiceRecord::Applied(deposit) => {
                self.applied += 1;
                self.transact(TxId(LOCAL | self.applied), deposit.transfer.deposit());
                self.inbox.push_back(deposit.tx);
                if ctx.planted(Bug::DedupWindowTooShort) && self.inbox.len() > 1 {
                    self.inbox.pop_front();
                }
            }
        }
    }

    /// A local transaction of one step.
    fn transact(&mut self, tx: TxId, step: Step) {
        let prepared = self.store.prepare(tx, &[step]);
        assert!(prepared.is_ok(), "a record of the database can be applied: {step:?} by {tx}: {prepared:?}");
        self.store.commit(tx);
    }

    fn write(&mut self, ctx: &mut Context<'_, Self>, record: ServiceRecord) {
        self.apply(ctx, &record);
        let committed = match &record {
            ServiceRecord::Committed(deposit) => Some(*deposit),
            _ => None,
        };
        let write = ctx.append(WAL, Record::Service(record));
        if let Some(deposit) = committed {
            self.commits.push_when_durable(ctx, write.is(deposit));
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Transactions

    /// A client requests a transfer, perhaps again.
    fn request(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, deposit: Deposit) {
        let tx = deposit.tx;
        if let Some(committed) = self.outcomes.get(&tx) {
            return ctx.send(client, Message::Answer(tx, *committed));
        }
        if self.settings.relay != Relay::Transactional {
            if ctx.planted(Bug::PublishBeforeCommit) {
                ctx.send_early(self.broker, Message::Publish(deposit));
            }
            return self.execute(ctx, client, deposit);
        }
        let known = self.halves.contains_key(&tx) || self.queue.iter().any(|(_, waiting)| waiting.tx == tx);
        if !known {
            self.queue.push_back((client, deposit));
            self.begin(ctx);
        }
    }

    /// The local transaction: withdraws, and puts the message into the outbox; or aborts.
    fn execute(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, deposit: Deposit) {
        let (tx, transfer) = (deposit.tx, deposit.transfer);
        assert!(!self.outcomes.contains_key(&tx), "a transaction runs once: {tx}");
        let balance = self.store.get(transfer.from).map_or(0, |cell| cell.value);
        let committed = balance >= transfer.amount;
        if committed {
            self.write(ctx, ServiceRecord::Committed(deposit));
        } else {
            ctx.mark(marks::TRANSACTION_ABORTED);
            self.write(ctx, ServiceRecord::Aborted(tx));
        }
        if committed && ctx.planted(Bug::PublishBeforeDurable) {
            ctx.send_early(self.broker, self.publication(deposit));
        }
        if ctx.planted(Bug::AnswerBeforeDurable) {
            ctx.send_early(client, Message::Answer(tx, committed));
        } else {
            ctx.send(client, Message::Answer(tx, committed));
        }
        match self.settings.relay {
            Relay::Polling if committed => self.arm_relay(ctx),
            Relay::Tailing if committed => self.relay(ctx),
            Relay::Polling | Relay::Tailing => {}
            Relay::Transactional => self.end(ctx, tx, committed),
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // The relay

    /// The messages that are to be sent now. The next of an aggregate follows when the broker has the one before it, so
    /// that the broker has them in order whatever the network does.
    fn next(&self, ctx: &Context<'_, Self>) -> Vec<Deposit> {
        let newest_first = ctx.planted(Bug::RelayReorders);
        if self.settings.relay == Relay::Tailing {
            let unsent = &self.outbox[self.position..];
            let next = if newest_first { unsent.last() } else { unsent.first() };
            return next.copied().into_iter().collect();
        }
        let mut first: BTreeMap<Key, Deposit> = BTreeMap::new();
        for deposit in self.outbox.iter().filter(|deposit| !self.sent.contains(&deposit.tx)) {
            let next = first.entry(deposit.aggregate()).or_insert(*deposit);
            if newest_first {
                *next = *deposit;
            }
        }
        first.into_values().collect()
    }

    /// The relay's timer has fired.
    fn poll(&mut self, ctx: &mut Context<'_, Self>) {
        self.relay_armed = false;
        self.relay(ctx);
    }

    /// Sends what is next, and again what the broker has not acknowledged.
    fn relay(&mut self, ctx: &mut Context<'_, Self>) {
        for deposit in self.next(ctx) {
            if !self.is_due(ctx, deposit.tx) {
                continue;
            }
            if ctx.planted(Bug::MarkSentBeforeSend) && self.settings.relay != Relay::Transactional {
                self.mark_sent(ctx, deposit.tx);
            }
            ctx.send(self.broker, self.publication(deposit));
        }
        for (_, deposit) in self.halves.values() {
            ctx.send(self.broker, Message::Half(*deposit));
        }
        if self.unsent() > 0 || !self.halves.is_empty() {
            self.arm_relay(ctx);
        }
    }

    /// What makes the message of a committed transaction visible at the broker.
    fn publication(&self, deposit: Deposit) -> Message {
        match self.settings.relay {
            Relay::Polling | Relay::Tailing => Message::Publish(deposit),
            Relay::Transactional => Message::End(deposit.tx, true),
        }
    }

    /// Whether a message is to be sent now, and not while the acknowledgement of the last sending may still come: a relay
    /// that polls often would else fill the broker with copies whenever the network is slow. False if the clock has moved
    /// backwards.
    fn is_due(&mut self, ctx: &Context<'_, Self>, tx: TxId) -> bool {
        let now = ctx.now();
        let is_pending = |at: Time| now >= at && now.since(at) < self.settings.retry;
        if self.last_sent.get(&tx).copied().is_some_and(is_pending) {
            return false;
        }
        self.last_sent.insert(tx, now);
        true
    }

    fn arm_relay(&mut self, ctx: &mut Context<'_, Self>) {
        if std::mem::replace(&mut self.relay_armed, true) {
            return;
        }
        let after = match self.settings.relay {
            Relay::Polling => self.settings.poll_interval,
            Relay::Tailing | Relay::Transactional => self.settings.retry,
        };
        ctx.arm(Timer::Relay, after);
    }

    /// There is nothing to send.
    fn disarm_relay(&mut self, ctx: &mut Context<'_, Self>) {
        self.relay_armed = false;
        ctx.cancel(&Timer::Relay);
    }

    /// The broker has stored a message. Not forced: a message that a crash forgets was sent is sent again.
    fn published(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        self.mark_sent(ctx, tx);
        match self.settings.relay {
            Relay::Tailing if self.unsent() > 0 => self.relay(ctx),
            _ if self.unsent() == 0 => self.disarm_relay(ctx),
            _ => {}
        }
    }

    fn mark_sent(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        if self.settings.relay == Relay::Tailing {
            let unsent = &mut self.outbox[self.position..];
            // Only the planted bug sends another than the first one.
            if let Some(at) = unsent.iter().position(|deposit| deposit.tx == tx)
                && (at == 0 || ctx.planted(Bug::RelayReorders))
            {
                unsent[..=at].rotate_right(1);
                self.position += 1;
                self.last_sent.remove(&tx);
                ctx.append_lazily(POSITION, Record::Position(self.position));
            }
        } else if self.outcomes.get(&tx) == Some(&true) && self.sent.insert(tx) {
            self.last_sent.remove(&tx);
            ctx.append_lazily(WAL, Record::Service(ServiceRecord::Sent(tx)));
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Transactional messages

    /// Begins the transactions whose aggregate is free: no earlier transaction of it has a half message whose end the broker
    /// is not known to have stored. RocketMQ keeps no order of transactional messages; this does.
    fn begin(&mut self, ctx: &mut Context<'_, Self>) {
        let unended = self.outbox.iter().filter(|deposit| !self.sent.contains(&deposit.tx));
        let halves = self.halves.values().map(|(_, deposit)| deposit);
        let mut busy: BTreeSet<Key> = unended.chain(halves).map(Deposit::aggregate).collect();
        for (client, deposit) in std::mem::take(&mut self.queue) {
            if let Some(committed) = self.outcomes.get(&deposit.tx) {
                ctx.send(client, Message::Answer(deposit.tx, *committed));
            } else if !ctx.planted(Bug::RelayReorders) && !busy.insert(deposit.aggregate()) {
                ctx.mark(marks::WAITED_FOR_THE_AGGREGATE);
                self.queue.push_back((client, deposit));
            } else {
                self.halves.insert(deposit.tx, (client, deposit));
                ctx.send(self.broker, Message::Half(deposit));
                self.arm_relay(ctx);
            }
        }
    }

    /// The broker has stored the half message: now the local transaction may run.
    fn half_stored(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let Some((client, deposit)) = self.halves.remove(&tx) else { return };
        if ctx.planted(Bug::PublishBeforeCommit) {
            ctx.send_early(self.broker, Message::End(tx, true));
        }
        self.execute(ctx, client, deposit);
    }

    /// Tells the broker how a transaction ended, and begins those that waited for it.
    fn end(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, commit: bool) {
        let commit = commit || ctx.planted(Bug::PublishBeforeCommit);
        ctx.send(self.broker, Message::End(tx, commit));
        if self.unsent() > 0 {
            self.arm_relay(ctx);
        }
        self.begin(ctx);
    }

    /// The broker has stored how a transaction ended.
    fn ended(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        self.mark_sent(ctx, tx);
        self.begin(ctx);
        if self.unsent() == 0 && self.halves.is_empty() {
            self.disarm_relay(ctx);
        }
    }

    /// The broker inquires how a transaction ended. One that a crash has made the service forget has not run and is now
    /// aborted for good: if its client asks again, it is told so.
    fn check_back(&mut self, ctx: &mut Context<'_, Self>, deposit: Deposit) {
        let tx = deposit.tx;
        if self.halves.contains_key(&tx) {
            return self.half_stored(ctx, tx);
        }
        if !self.outcomes.contains_key(&tx) {
            ctx.mark(marks::HALF_MESSAGE_OF_A_FORGOTTEN_TRANSACTION);
            self.write(ctx, ServiceRecord::Aborted(tx));
        }
        self.end(ctx, tx, self.outcomes[&tx]);
    }

    // -----------------------------------------------------------------------------------------------------------------
    // The inbox

    /// Applies a message that is not in the inbox; acknowledges it in any case, once that is durable.
    fn deliver(&mut self, ctx: &mut Context<'_, Self>, broker: NodeId, offset: u64, deposit: Deposit) {
        if self.inbox.contains(&deposit.tx) {
            ctx.mark(marks::DUPLICATE_FOUND_IN_THE_INBOX);
        } else {
            self.write(ctx, ServiceRecord::Applied(deposit));
        }
        ctx.send(broker, Message::Consumed(offset));
    }
}

impl Process for Service {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    /// Recovers from the database's log and the relay's position; what is not known to be sent is sent.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for record in wal::recover(ctx, WAL).unwrap_or_default() {
            match record {
                Record::Service(record) => {
                    self.apply(ctx, &record);
                    if let ServiceRecord::Committed(deposit) = record {
                        self.commits.push(deposit);
                    }
                }
                other => panic!("a database's log has local transactions: {other:?}"),
            }
        }
        for record in wal::recover(ctx, POSITION).unwrap_or_default() {
            match record {
                Record::Position(position) => self.position = position,
                other => panic!("a relay keeps its position: {other:?}"),
            }
        }
        assert!(self.position <= self.outbox.len(), "a relay is not ahead of the log: {}", self.position);
        if self.unsent() > 0 {
            ctx.mark(marks::OUTBOX_FOUND_AFTER_A_CRASH);
            self.relay(ctx);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Request(tx, transfer) => self.request(ctx, from, Deposit { tx, transfer }),
            Message::Published(tx) => self.published(ctx, tx),
            Message::HalfStored(tx) => self.half_stored(ctx, tx),
            Message::Ended(tx) => self.ended(ctx, tx),
            Message::CheckBack(deposit) => self.check_back(ctx, deposit),
            Message::Deliver(offset, deposit) => self.deliver(ctx, from, offset, deposit),
            message => panic!("no message for a service: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Relay => self.poll(ctx),
            timer => panic!("no timer of a service: {timer:?}"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.commits.synced(ctx);
    }
}
