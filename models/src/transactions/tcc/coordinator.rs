//! The coordinator: it asks all to reserve, decides, and asks for ever until all have done what was decided.
//!
//! Only decisions are forced to disk. A coordinator that crashes before it has decided forgets the transaction;
//! whoever asks about a transaction that it does not know is told that it is cancelled, once *that* is on disk. So a
//! transaction that is asked for again can not be confirmed after somebody was told that it is cancelled.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, File, NodeId};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::tcc::business::Request;
use crate::transactions::tcc::marks;
use crate::transactions::tcc::messages::{Message, Outcome, Record, Why};
use crate::transactions::tcc::model::{Node, Settings, Timer};

/// The log of the coordinator.
pub const LOG: File = File(0);

/// A transaction that is not decided.
#[derive(Clone, Debug, Hash)]
struct Trying {
    request: Request,
    client: NodeId,
    reserved: BTreeSet<NodeId>,
}

/// One that is.
#[derive(Clone, Debug, Hash)]
struct Decided {
    request: Request,
    outcome: Outcome,
    /// Who has not done yet what was decided.
    waiting: Vec<NodeId>,
}

/// The coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    settings: Settings,
    trying: BTreeMap<TxId, Trying>,
    decided: BTreeMap<TxId, Decided>,
}

impl Coordinator {
    /// One that has coordinated nothing yet.
    pub fn new(settings: Settings) -> Self {
        Coordinator { settings, trying: BTreeMap::new(), decided: BTreeMap::new() }
    }

    /// What was decided on a transaction, if anything.
    pub fn outcome(&self, tx: TxId) -> Option<Outcome> {
        self.decided.get(&tx).map(|decided| decided.outcome)
    }

    /// How many transactions are not decided, and how many are and not yet done by all.
    pub fn open(&self) -> (usize, usize) {
        (self.trying.len(), self.decided.values().filter(|decided| !decided.waiting.is_empty()).count())
    }

    /// Recovers from the log: what was decided is asked for again.
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Decided { tx, request, outcome, waiting } => {
                    self.decided.insert(tx, Decided { request, outcome, waiting });
                }
                Record::Ended { tx } => {
                    self.decided.get_mut(&tx).expect("what ends was decided").waiting.clear();
                }
                other => panic!("the coordinator's log has decisions: {other:?}"),
            }
        }
        let open = self.decided.iter().filter(|(_, decided)| !decided.waiting.is_empty());
        for tx in open.map(|(tx, _)| *tx).collect::<Vec<_>>() {
            ctx.mark(marks::DECISION_RECOVERED);
            self.go_on(ctx, tx);
        }
    }

    /// A client asks. The same transaction may be asked for again and again.
    pub(super) fn book(&mut self, ctx: &mut Context<'_, Node>, client: NodeId, tx: TxId, request: Request) {
        if let Some(outcome) = self.outcome(tx) {
            return ctx.send(client, Message::Ended { tx, outcome });
        }
        if let Entry::Vacant(place) = self.trying.entry(tx) {
            place.insert(Trying { request, client, reserved: BTreeSet::new() });
            ctx.arm(Timer::GiveUp(tx), self.settings.give_up);
            self.go_on(ctx, tx);
        }
    }

    /// A participant has reserved, or refuses to.
    pub(super) fn tried(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, refused: Option<Why>) {
        let Some(trying) = self.trying.get_mut(&tx) else { return };
        if let Some(why) = refused {
            // It has nothing to cancel.
            return self.decide(ctx, tx, Outcome::Cancelled(why), Some(from));
        }
        trying.reserved.insert(from);
        if trying.request.participants().iter().all(|participant| trying.reserved.contains(participant)) {
            self.decide(ctx, tx, Outcome::Confirmed, None);
        }
    }

    /// It takes too long to reserve.
    pub(super) fn give_up(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        if self.trying.contains_key(&tx) {
            ctx.mark(marks::GIVEN_UP);
            self.decide(ctx, tx, Outcome::Cancelled(Why::Late), None);
        }
    }

    /// A reservation has timed out at a participant. What is decided is decided; what is not, is cancelled.
    pub(super) fn asked(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, request: Request) {
        if let Some(decided) = self.decided.get(&tx) {
            return ctx.send(from, decided.message(tx));
        }
        if self.trying.contains_key(&tx) {
            ctx.mark(marks::CANCELLED_BECAUSE_A_RESERVATION_TIMED_OUT);
            return self.decide(ctx, tx, Outcome::Cancelled(Why::Expired), None);
        }
        ctx.mark(marks::ASKED_ABOUT_A_FORGOTTEN_TRANSACTION);
        let (outcome, waiting) = (Outcome::Cancelled(Why::Forgotten), request.participants());
        self.write(ctx, tx, Decided { request, outcome, waiting });
    }

    /// A participant has done what was decided.
    pub(super) fn done(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let decided = self.decided.get_mut(&tx).unwrap_or_else(|| panic!("nobody does what is not decided: {tx}"));
        let before = decided.waiting.len();
        decided.waiting.retain(|participant| *participant != from);
        if before > 0 && decided.waiting.is_empty() {
            ctx.cancel(&Timer::Retry(tx));
            ctx.append_lazily(LOG, Record::Ended { tx });
        }
    }

    /// Nobody answered for a while.
    pub(super) fn retry(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        ctx.mark(marks::ASKED_AGAIN);
        self.go_on(ctx, tx);
    }

    fn decide(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, outcome: Outcome, not: Option<NodeId>) {
        let Trying { request, client, .. } = self.trying.remove(&tx).expect("what is decided was tried");
        ctx.cancel(&Timer::GiveUp(tx));
        ctx.note(|| format!("decides on {tx}: {outcome:?}"));
        let waiting = request.participants().into_iter().filter(|participant| Some(*participant) != not).collect();
        self.write(ctx, tx, Decided { request, outcome, waiting });
        ctx.send(client, Message::Ended { tx, outcome });
    }

    /// Forces a decision to disk, and tells it.
    fn write(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, decided: Decided) {
        let Decided { request, outcome, waiting } = decided.clone();
        ctx.append(LOG, Record::Decided { tx, request, outcome, waiting });
        self.decided.insert(tx, decided);
        self.go_on(ctx, tx);
    }

    /// Asks whoever has not answered.
    fn go_on(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let asked = match (self.trying.get(&tx), self.decided.get(&tx)) {
            (Some(trying), _) => {
                let request = trying.request;
                let open = request.participants().into_iter().filter(|node| !trying.reserved.contains(node));
                open.map(|node| (node, Message::Try { tx, request })).collect::<Vec<_>>()
            }
            (None, Some(decided)) => decided.waiting.iter().map(|node| (*node, decided.message(tx))).collect(),
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

impl Decided {
    fn message(&self, tx: TxId) -> Message {
        let request = self.request;
        match self.outcome {
            Outcome::Confirmed => Message::Confirm { tx, request },
            Outcome::Cancelled(_) => Message::Cancel { tx, request },
        }
    }
}
