//! The coordinator: it asks all to reserve, decides, and asks for ever until all have done what was decided.
//!
//! Only decisions are forced to disk. A coordinator that crashes before it has decided forgets the transaction;
//! whoever asks about a transaction that it does not know is told that it is cancelled, once *that* is on disk. So a
//! transaction that is asked for again can not be confirmed after somebody was told that it is cancelled.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, File, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::tcc::business::Request;
use crate::transactions::tcc::marks;
use crate::transactions::tcc::messages::{Message, Outcome, Record, Timer, Why};
use crate::transactions::tcc::settings::Settings;

/// The log of the coordinator.
pub const LOG: File = File(0);

/// A transaction whose participants are asked to reserve.
#[derive(Clone, Debug, Hash)]
struct Trying {
    request: Request,
    client: NodeId,
    reserved: BTreeSet<NodeId>,
}

/// A transaction that is decided.
#[derive(Clone, Debug, Hash)]
struct Decided {
    request: Request,
    outcome: Outcome,
    /// The participants that have not acknowledged the decision.
    unacknowledged: Vec<NodeId>,
}

/// The coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    /// By their places.
    participants: Vec<NodeId>,
    settings: Settings,
    trying: BTreeMap<TxId, Trying>,
    decided: BTreeMap<TxId, Decided>,
}

impl Coordinator {
    /// A coordinator of these participants, by their places, before it has read its log.
    pub fn new(participants: Vec<NodeId>, settings: Settings) -> Self {
        Coordinator { participants, settings, trying: BTreeMap::new(), decided: BTreeMap::new() }
    }

    /// What was decided on a transaction, if anything.
    pub fn outcome(&self, tx: TxId) -> Option<Outcome> {
        self.decided.get(&tx).map(|decided| decided.outcome)
    }

    /// How many transactions are not decided, and how many are and not yet done by all.
    pub fn open(&self) -> (usize, usize) {
        (self.trying.len(), self.decided.values().filter(|decided| !decided.unacknowledged.is_empty()).count())
    }

    /// The transactions that are not decided, or not yet done by all.
    pub fn unfinished(&self) -> impl Iterator<Item = TxId> {
        let undone = self.decided.iter().filter(|(_, decided)| !decided.unacknowledged.is_empty());
        self.trying.keys().chain(undone.map(|(tx, _)| tx)).copied()
    }

    /// Those who take part in a transaction, ascending.
    fn participants_of(&self, request: Request) -> Vec<NodeId> {
        request.places().into_iter().map(|place| self.participants[usize::from(place)]).collect()
    }

    /// A client asks. The same transaction may be asked for again and again.
    fn book(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, tx: TxId, request: Request) {
        if let Some(outcome) = self.outcome(tx) {
            return ctx.send(client, Message::Ended(tx, outcome));
        }
        if let Entry::Vacant(place) = self.trying.entry(tx) {
            place.insert(Trying { request, client, reserved: BTreeSet::new() });
            ctx.arm(Timer::GiveUp(tx), self.settings.give_up);
            self.resend(ctx, tx);
        }
    }

    /// A participant has reserved, or refuses to.
    fn tried(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId, refused: Option<Why>) {
        let Some(trying) = self.trying.get_mut(&tx) else { return };
        if let Some(why) = refused {
            // It has nothing to cancel.
            return self.decide(ctx, tx, Outcome::Cancelled(why), Some(from));
        }
        trying.reserved.insert(from);
        let trying = &self.trying[&tx];
        let all = self.participants_of(trying.request);
        if all.iter().all(|participant| trying.reserved.contains(participant)) {
            self.decide(ctx, tx, Outcome::Confirmed, None);
        }
    }

    /// It takes too long to reserve.
    fn give_up(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        if self.trying.contains_key(&tx) {
            ctx.mark(marks::GIVEN_UP);
            self.decide(ctx, tx, Outcome::Cancelled(Why::Late), None);
        }
    }

    /// A reservation has timed out at a participant. What is decided is decided; what is not, is cancelled.
    fn asked(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId, request: Request) {
        if let Some(decided) = self.decided.get(&tx) {
            return ctx.send(from, decided.message(tx));
        }
        if self.trying.contains_key(&tx) {
            ctx.mark(marks::CANCELLED_BECAUSE_A_RESERVATION_TIMED_OUT);
            return self.decide(ctx, tx, Outcome::Cancelled(Why::Expired), None);
        }
        ctx.mark(marks::ASKED_ABOUT_A_FORGOTTEN_TRANSACTION);
        let (outcome, unacknowledged) = (Outcome::Cancelled(Why::Forgotten), self.participants_of(request));
        self.write(ctx, tx, Decided { request, outcome, unacknowledged });
    }

    /// A participant has done what was decided. Precondition: the decision is on disk, for nobody is told before.
    fn acknowledged(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let decided = self.decided.get_mut(&tx).unwrap_or_else(|| panic!("nobody does what is not decided: {tx}"));
        let before = decided.unacknowledged.len();
        decided.unacknowledged.retain(|participant| *participant != from);
        if before > 0 && decided.unacknowledged.is_empty() {
            ctx.cancel(&Timer::Retry(tx));
            ctx.append_lazily(LOG, Record::Ended(tx));
        }
    }

    /// Nobody answered for a while.
    fn retry(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        ctx.mark(marks::ASKED_AGAIN);
        self.resend(ctx, tx);
    }

    fn decide(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, outcome: Outcome, not: Option<NodeId>) {
        let Trying { request, client, .. } = self.trying.remove(&tx).expect("what is decided was tried");
        assert!(!self.decided.contains_key(&tx), "a decision is final: {tx}");
        ctx.cancel(&Timer::GiveUp(tx));
        ctx.note(|| format!("decides on {tx}: {outcome:?}"));
        let unacknowledged =
            self.participants_of(request).into_iter().filter(|participant| Some(*participant) != not).collect();
        self.write(ctx, tx, Decided { request, outcome, unacknowledged });
        ctx.send(client, Message::Ended(tx, outcome));
    }

    /// Forces a decision to disk, and tells it.
    fn write(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, decided: Decided) {
        let Decided { request, outcome, unacknowledged } = decided.clone();
        ctx.append(LOG, Record::Decided { tx, request, outcome, unacknowledged });
        self.decided.insert(tx, decided);
        self.resend(ctx, tx);
    }

    /// Asks whoever has not answered.
    fn resend(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let asked = match (self.trying.get(&tx), self.decided.get(&tx)) {
            (Some(trying), _) => {
                let request = trying.request;
                let open = self.participants_of(request).into_iter().filter(|node| !trying.reserved.contains(node));
                open.map(|node| (node, Message::Try(tx, request))).collect::<Vec<_>>()
            }
            (None, Some(decided)) => decided.unacknowledged.iter().map(|node| (*node, decided.message(tx))).collect(),
            (None, None) => panic!("a transaction is tried and then decided: {tx}"),
        };
        if asked.is_empty() {
            return ctx.cancel(&Timer::Retry(tx));
        }
        for (node, message) in asked {
            ctx.send(node, message);
        }
        ctx.arm(Timer::Retry(tx), self.settings.retry);
    }
}

impl Process for Coordinator {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Request;
    type Ret = Outcome;

    /// Recovers from the log: what was decided is asked for again.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Decided { tx, request, outcome, unacknowledged } => {
                    self.decided.insert(tx, Decided { request, outcome, unacknowledged });
                }
                Record::Ended(tx) => {
                    self.decided.get_mut(&tx).expect("what ends was decided").unacknowledged.clear();
                }
                Record::Entry(entry) => panic!("a coordinator's log has decisions, and not {entry:?}"),
            }
        }
        let open = self.decided.iter().filter(|(_, decided)| !decided.unacknowledged.is_empty());
        for tx in open.map(|(tx, _)| *tx).collect::<Vec<_>>() {
            ctx.mark(marks::DECISION_RECOVERED);
            self.resend(ctx, tx);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Book(tx, request) => self.book(ctx, from, tx, request),
            Message::Tried(tx, refused) => self.tried(ctx, from, tx, refused),
            Message::Confirmed(tx) | Message::Cancelled(tx) => self.acknowledged(ctx, from, tx),
            Message::Ask(tx, request) => self.asked(ctx, from, tx, request),
            message => panic!("no message for a coordinator: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Retry(tx) => self.retry(ctx, tx),
            Timer::GiveUp(tx) => self.give_up(ctx, tx),
            timer => panic!("no timer of a coordinator: {timer:?}"),
        }
    }
}

impl Decided {
    fn message(&self, tx: TxId) -> Message {
        let request = self.request;
        match self.outcome {
            Outcome::Confirmed => Message::Confirm(tx, request),
            Outcome::Cancelled(_) => Message::Cancel(tx, request),
        }
    }
}
