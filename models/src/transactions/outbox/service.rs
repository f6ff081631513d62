//! A service: accounts in a local database, the outbox in the same database, the relay that empties it, and the inbox for
//! what other services publish.
//!
//! The log is the database: one record is one local transaction. That a transfer is withdrawn and its message put into
//! the outbox is one record ([`Entry::Committed`]), and so is that a message is put into the inbox and its money deposited
//! ([`Entry::Applied`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedbed_sim::{Context, File, NodeId, Span, Time};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::outbox::bugs::Bug;
use crate::transactions::outbox::marks;
use crate::transactions::outbox::messages::{Deposit, Message};
use crate::transactions::outbox::model::{Node, Record, Relay, Timer};
use crate::transactions::store::{Key, Step, Store};

/// The database's log.
pub const WAL: File = File(0);
/// Where a relay that tails the log keeps its position, apart from the database.
const POSITION: File = File(1);

/// How a service is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The broker.
    pub broker: NodeId,
    /// How messages get from the outbox to the broker.
    pub relay: Relay,
    /// How long a polling relay lets pass between two looks into the outbox.
    pub interval: Span,
    /// How long everybody else waits for an answer before asking again.
    pub patience: Span,
    /// The planted bug.
    pub bug: Option<Bug>,
}

/// A record of the log: one local transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The money is withdrawn, and the message is in the outbox.
    Committed(Deposit),
    /// The transaction is aborted; a request that comes late does not begin it anew.
    Aborted(TxId),
    /// The broker has the message.
    Sent(TxId),
    /// The message is in the inbox, and the money is deposited.
    Applied(Deposit),
}

/// Numbers the local transactions that deposit: they are no client's, and the inbox alone tells which is a repetition.
const LOCAL: u64 = 1 << 62;

/// A service.
#[derive(Clone, Debug, Hash)]
pub struct Service {
    settings: Settings,
    store: Store,
    /// How the transactions of clients ended.
    outcomes: BTreeMap<TxId, bool>,
    /// The outbox: what committed transactions publish, in the order of their commits.
    outbox: Vec<Deposit>,
    /// What of it the broker is known to have.
    sent: BTreeSet<TxId>,
    /// When each message was sent last, on this node's clock: until its answer is due it is not sent again.
    tried: BTreeMap<TxId, Time>,
    /// Whether it is going to look into the outbox. A look that is due is not put off by what comes meanwhile.
    looking: bool,
    /// Up to where a relay that tails the log has sent it.
    position: usize,
    /// The inbox: what was applied, in its order.
    inbox: VecDeque<TxId>,
    applied: u64,
    /// Transactions that wait for the one before them of the same aggregate.
    queue: VecDeque<(NodeId, Deposit)>,
    /// Transactions whose half message is on its way to the broker, with the client that waits.
    halves: BTreeMap<TxId, (Option<NodeId>, Deposit)>,
}

impl Service {
    /// A service with these accounts.
    pub fn new(settings: Settings, store: Store) -> Self {
        Service {
            settings,
            store,
            outcomes: BTreeMap::new(),
            outbox: Vec::new(),
            sent: BTreeSet::new(),
            tried: BTreeMap::new(),
            looking: false,
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

    /// How many messages the broker is not known to have.
    pub fn unsent(&self) -> usize {
        match self.settings.relay {
            Relay::Tailing => self.outbox.len() - self.position,
            Relay::Polling | Relay::Transactional => self.outbox.len() - self.sent.len(),
        }
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        for record in wal::recover(ctx, WAL).unwrap_or_default() {
            if let Record::Service(entry) = record {
                self.apply(&entry);
            }
        }
        for record in wal::recover(ctx, POSITION).unwrap_or_default() {
            if let Record::Position(position) = record {
                self.position = position;
            }
        }
        assert!(self.position <= self.outbox.len(), "a relay is not ahead of the log: {}", self.position);
        if self.unsent() > 0 {
            ctx.mark(marks::OUTBOX_FOUND_AFTER_A_CRASH);
            self.relay(ctx);
        }
    }

    fn apply(&mut self, entry: &Entry) {
        match *entry {
            Entry::Committed(deposit) => {
                self.local(deposit.tx, deposit.transfer.withdrawal());
                self.outcomes.insert(deposit.tx, true);
                self.outbox.push(deposit);
            }
            Entry::Aborted(tx) => drop(self.outcomes.insert(tx, false)),
            Entry::Sent(tx) => drop(self.sent.insert(tx)),
            Entry::Applied(deposit) => {
                self.applied += 1;
                self.local(TxId(LOCAL | self.applied), deposit.transfer.deposit());
                self.inbox.push_back(deposit.tx);
                if self.settings.bug == Some(Bug::DedupWindowTooShort) && self.inbox.len() > 1 {
                    self.inbox.pop_front();
                }
            }
        }
    }

    fn local(&mut self, tx: TxId, step: Step) {
        let done = self.store.prepare(tx, &[step]);
        assert!(done.is_ok(), "what the log has can be done: {step:?} by {tx}");
        self.store.commit(tx);
    }

    fn write(&mut self, ctx: &mut Context<'_, Node>, entry: Entry) {
        self.apply(&entry);
        ctx.append(WAL, Record::Service(entry));
    }

    // -----------------------------------------------------------------------------------------------------------------
    // What clients ask

    pub(super) fn request(&mut self, ctx: &mut Context<'_, Node>, client: NodeId, deposit: Deposit) {
        let tx = deposit.tx;
        if let Some(committed) = self.outcomes.get(&tx) {
            return ctx.send(client, Message::Answer { tx, committed: *committed });
        }
        if self.settings.relay != Relay::Transactional {
            if self.settings.bug == Some(Bug::PublishBeforeCommit) {
                ctx.send_early(self.settings.broker, Message::Publish(deposit));
            }
            return self.execute(ctx, Some(client), deposit);
        }
        let known = self.halves.contains_key(&tx) || self.queue.iter().any(|(_, waiting)| waiting.tx == tx);
        if !known {
            self.queue.push_back((client, deposit));
            self.begin(ctx);
        }
    }

    /// The local transaction: withdraws, and puts the message into the outbox; or aborts.
    fn execute(&mut self, ctx: &mut Context<'_, Node>, client: Option<NodeId>, deposit: Deposit) {
        let (tx, transfer) = (deposit.tx, deposit.transfer);
        let balance = self.store.get(transfer.from).map_or(0, |cell| cell.value);
        let committed = balance >= transfer.amount;
        match committed {
            true => self.write(ctx, Entry::Committed(deposit)),
            false => {
                ctx.mark(marks::TRANSACTION_ABORTED);
                self.write(ctx, Entry::Aborted(tx));
            }
        }
        if let Some(client) = client {
            ctx.send(client, Message::Answer { tx, committed });
        }
        match self.settings.relay {
            // It will be seen at the next look.
            Relay::Polling if committed => self.look_later(ctx),
            Relay::Tailing if committed => self.relay(ctx),
            Relay::Polling | Relay::Tailing => {}
            Relay::Transactional => self.end(ctx, tx, committed),
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // The relay

    /// The messages that are to be sent now. The next of an aggregate follows when the broker has the one before it, so
    /// that the broker has them in order whatever the network does.
    fn next(&self) -> Vec<Deposit> {
        let newest_first = self.settings.bug == Some(Bug::RelayReorders);
        if self.settings.relay == Relay::Tailing {
            let unsent = &self.outbox[self.position..];
            let next = if newest_first { unsent.last() } else { unsent.first() };
            return next.copied().into_iter().collect();
        }
        let mut first: BTreeMap<Key, Deposit> = BTreeMap::new();
        for deposit in self.outbox.iter().filter(|deposit| !self.sent.contains(&deposit.tx)) {
            let row = first.entry(deposit.aggregate()).or_insert(*deposit);
            if newest_first {
                *row = *deposit;
            }
        }
        first.into_values().collect()
    }

    /// The time has come to look what is to be sent.
    pub(super) fn look(&mut self, ctx: &mut Context<'_, Node>) {
        self.looking = false;
        self.relay(ctx);
    }

    /// Sends what is next, and again what the broker has not acknowledged.
    fn relay(&mut self, ctx: &mut Context<'_, Node>) {
        for deposit in self.next() {
            if !self.due(ctx, deposit.tx) {
                continue;
            }
            if self.settings.bug == Some(Bug::MarkSentBeforeSend) && self.settings.relay != Relay::Transactional {
                self.mark_sent(ctx, deposit.tx);
            }
            let message = match self.settings.relay {
                Relay::Polling | Relay::Tailing => Message::Publish(deposit),
                Relay::Transactional => Message::End { tx: deposit.tx, commit: true },
            };
            ctx.send(self.settings.broker, message);
        }
        for (_, deposit) in self.halves.values() {
            ctx.send(self.settings.broker, Message::Half(*deposit));
        }
        if self.unsent() > 0 || !self.halves.is_empty() {
            self.look_later(ctx);
        }
    }

    /// Whether a message is to be sent now. A relay that looks often would else fill the broker with copies whenever the
    /// network is slow.
    fn due(&mut self, ctx: &Context<'_, Node>, tx: TxId) -> bool {
        let now = ctx.now();
        let waits = |at: Time| now >= at && now.since(at) < self.settings.patience;
        if self.tried.get(&tx).copied().is_some_and(waits) {
            return false;
        }
        self.tried.insert(tx, now);
        true
    }

    fn look_later(&mut self, ctx: &mut Context<'_, Node>) {
        if std::mem::replace(&mut self.looking, true) {
            return;
        }
        let after = match self.settings.relay {
            Relay::Polling => self.settings.interval,
            Relay::Tailing | Relay::Transactional => self.settings.patience,
        };
        ctx.arm(Timer::Relay, after);
    }

    /// There is nothing to look for.
    fn look_no_more(&mut self, ctx: &mut Context<'_, Node>) {
        self.looking = false;
        ctx.cancel(&Timer::Relay);
    }

    /// The broker has a message. Written lazily: what a crash forgets is sent again.
    pub(super) fn published(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        self.mark_sent(ctx, tx);
        match self.settings.relay {
            Relay::Tailing if self.unsent() > 0 => self.relay(ctx),
            _ if self.unsent() == 0 => self.look_no_more(ctx),
            _ => {}
        }
    }

    fn mark_sent(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        if self.settings.relay == Relay::Tailing {
            let unsent = &mut self.outbox[self.position..];
            // Only the planted bug sends another than the first.
            if let Some(at) = unsent.iter().position(|deposit| deposit.tx == tx)
                && (at == 0 || self.settings.bug == Some(Bug::RelayReorders))
            {
                unsent[..=at].rotate_right(1);
                self.position += 1;
                self.tried.remove(&tx);
                ctx.append_lazily(POSITION, Record::Position(self.position));
            }
        } else if self.outcomes.get(&tx) == Some(&true) && self.sent.insert(tx) {
            self.tried.remove(&tx);
            ctx.append_lazily(WAL, Record::Service(Entry::Sent(tx)));
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Transactional messages

    /// Begins the transactions whose aggregate is free: that has no half message which the broker does not know the end
    /// of. RocketMQ keeps no order of transactional messages; this does.
    fn begin(&mut self, ctx: &mut Context<'_, Node>) {
        let mut busy: BTreeSet<Key> = match self.settings.bug {
            Some(Bug::RelayReorders) => BTreeSet::new(),
            _ => {
                let unended = self.outbox.iter().filter(|deposit| !self.sent.contains(&deposit.tx));
                let halves = self.halves.values().map(|(_, deposit)| deposit);
                unended.chain(halves).map(Deposit::aggregate).collect()
            }
        };
        for (client, deposit) in std::mem::take(&mut self.queue) {
            if let Some(committed) = self.outcomes.get(&deposit.tx) {
                ctx.send(client, Message::Answer { tx: deposit.tx, committed: *committed });
            } else if self.settings.bug != Some(Bug::RelayReorders) && !busy.insert(deposit.aggregate()) {
                ctx.mark(marks::WAITED_FOR_THE_AGGREGATE);
                self.queue.push_back((client, deposit));
            } else {
                self.halves.insert(deposit.tx, (Some(client), deposit));
                ctx.send(self.settings.broker, Message::Half(deposit));
                self.look_later(ctx);
            }
        }
    }

    /// The broker has the half message: now the local transaction may run.
    pub(super) fn half_stored(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let Some((client, deposit)) = self.halves.remove(&tx) else { return };
        if self.settings.bug == Some(Bug::PublishBeforeCommit) {
            ctx.send_early(self.settings.broker, Message::End { tx, commit: true });
        }
        self.execute(ctx, client, deposit);
    }

    fn end(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, commit: bool) {
        let commit = commit || self.settings.bug == Some(Bug::PublishBeforeCommit);
        ctx.send(self.settings.broker, Message::End { tx, commit });
        if self.unsent() > 0 {
            self.look_later(ctx);
        }
        self.begin(ctx);
    }

    /// The broker knows how a transaction ended.
    pub(super) fn ended(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        self.mark_sent(ctx, tx);
        self.begin(ctx);
        if self.unsent() == 0 && self.halves.is_empty() {
            self.look_no_more(ctx);
        }
    }

    /// The broker asks how a transaction ended. One that nobody knows of has not begun and is now aborted for good: its
    /// client may ask again, and is told so.
    pub(super) fn check_back(&mut self, ctx: &mut Context<'_, Node>, deposit: Deposit) {
        let tx = deposit.tx;
        if self.halves.contains_key(&tx) {
            return self.half_stored(ctx, tx);
        }
        if !self.outcomes.contains_key(&tx) {
            ctx.mark(marks::HALF_MESSAGE_OF_A_FORGOTTEN_TRANSACTION);
            self.write(ctx, Entry::Aborted(tx));
        }
        self.end(ctx, tx, self.outcomes[&tx]);
    }

    // -----------------------------------------------------------------------------------------------------------------
    // The inbox

    /// Applies a message that is not in the inbox; acknowledges it in any case, once that is durable.
    pub(super) fn deliver(&mut self, ctx: &mut Context<'_, Node>, broker: NodeId, offset: u64, deposit: Deposit) {
        match self.inbox.contains(&deposit.tx) {
            true => ctx.mark(marks::DUPLICATE_FOUND_IN_THE_INBOX),
            false => self.write(ctx, Entry::Applied(deposit)),
        }
        ctx.send(broker, Message::Consumed { offset });
    }
}
