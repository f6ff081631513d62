//! A participant: it reserves, and then uses or gives back, each by one local transaction that commits at once.
//!
//! Its journal makes try, confirm and cancel idempotent. A cancel whose try has not come is written down as *empty*,
//! and the try that comes after it is refused, so that no reservation hangs.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::ledger::{Deed, Effect, Ledger};
use crate::transactions::store::{Prepared, Refused, Step, Store};
use crate::transactions::tcc::bugs::Bug;
use crate::transactions::tcc::business::{self, COORDINATOR, Request};
use crate::transactions::tcc::marks;
use crate::transactions::tcc::messages::{Message, Record, Why};
use crate::transactions::tcc::model::{Node, Settings, Timer};

/// The log of a participant.
pub const LOG: File = File(0);

/// The three things that a participant does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Reserves.
    Try,
    /// Uses what is reserved.
    Confirm,
    /// Gives it back.
    Cancel,
}

/// An entry of a participant's journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// For which transaction.
    pub tx: TxId,
    /// All of it.
    pub request: Request,
    /// What was done.
    pub act: Act,
    /// What it came to.
    pub effect: Effect<Why>,
}

impl Deed for Entry {
    type Name = (TxId, Act);

    fn name(&self) -> (TxId, Act) {
        (self.tx, self.act)
    }

    fn local(&self) -> Option<&Prepared> {
        self.effect.local()
    }
}

/// A participant.
#[derive(Clone, Debug, Hash)]
pub struct Participant {
    id: NodeId,
    settings: Settings,
    bug: Option<Bug>,
    ledger: Ledger<Entry>,
    /// What is reserved, and neither used nor given back.
    reservations: BTreeMap<TxId, Request>,
}

impl Participant {
    /// A participant as it is at the beginning.
    pub fn new(id: NodeId, settings: Settings, bug: Option<Bug>) -> Self {
        let ledger = Ledger::new(Store::holding(business::cells(id)));
        Participant { id, settings, bug, ledger, reservations: BTreeMap::new() }
    }

    /// Its data.
    pub fn store(&self) -> &Store {
        self.ledger.store()
    }

    /// What is reserved, and neither used nor given back.
    pub fn reservations(&self) -> impl Iterator<Item = (TxId, Request)> {
        self.reservations.iter().map(|(tx, request)| (*tx, *request))
    }

    fn effect(&self, tx: TxId, act: Act) -> Option<&Effect<Why>> {
        self.ledger.find(&(tx, act)).map(|entry| &entry.effect)
    }

    /// Recovers from the log. Reservations last on, and get their whole time anew.
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Entry(entry) => {
                    self.note(&entry);
                    self.ledger.restore(entry);
                }
                other => panic!("a participant's log has entries: {other:?}"),
            }
        }
        for tx in self.reservations.keys() {
            ctx.mark(marks::RESERVATION_RECOVERED);
            ctx.arm(Timer::Expires(*tx), self.settings.reservation);
        }
    }

    /// *Try*.
    pub(super) fn reserve(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, request: Request) {
        if self.effect(tx, Act::Try).is_none() {
            let effect = match self.try_once(tx, request) {
                Ok(prepared) => Effect::Done(prepared),
                Err(why) => {
                    ctx.mark(if why == Why::Cancelled { marks::LATE_TRY_REFUSED } else { marks::TRY_REFUSED });
                    Effect::Refused(why)
                }
            };
            self.enter(ctx, Entry { tx, request, act: Act::Try, effect });
            if self.reservations.contains_key(&tx) {
                ctx.arm(Timer::Expires(tx), self.settings.reservation);
            }
        }
        let refused = match self.effect(tx, Act::Try) {
            Some(Effect::Refused(why)) => Some(*why),
            _ => None,
        };
        ctx.send(COORDINATOR, Message::Tried { tx, refused });
    }

    fn try_once(&mut self, tx: TxId, request: Request) -> Result<Prepared, Why> {
        if self.effect(tx, Act::Cancel).is_some() && self.bug != Some(Bug::HangingTry) {
            return Err(Why::Cancelled);
        }
        self.ledger.transact(&request.try_at(self.id)).map_err(|refused| match refused {
            Refused::Overdrawn { key } => Why::Short { key },
            refused => panic!("a local transaction is alone: {refused}"),
        })
    }

    /// *Confirm*.
    pub(super) fn confirm(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, request: Request) {
        let again = self.effect(tx, Act::Confirm).is_some();
        let tried = matches!(self.effect(tx, Act::Try), Some(Effect::Done(_)));
        let cancelled = self.effect(tx, Act::Cancel).is_some();
        assert!(tried && !cancelled, "only what is reserved is confirmed: {tx} tried {tried}, cancelled {cancelled}");
        if again {
            ctx.mark(marks::CONFIRM_REPEATED);
        }
        if !again || self.bug == Some(Bug::DoubleConfirm) {
            self.settle(ctx, tx, request, Act::Confirm, &request.confirm_at(self.id));
        }
        ctx.send(COORDINATOR, Message::Confirmed { tx });
    }

    /// *Cancel*.
    pub(super) fn cancel(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, request: Request) {
        assert!(self.effect(tx, Act::Confirm).is_none(), "what is confirmed is not cancelled: {tx}");
        match (self.effect(tx, Act::Try), self.effect(tx, Act::Cancel)) {
            (_, Some(_)) => ctx.mark(marks::CANCEL_REPEATED),
            (Some(Effect::Done(_)), None) => self.settle(ctx, tx, request, Act::Cancel, &request.cancel_at(self.id)),
            // A try that was refused stays so: its entry is there already.
            (Some(_), None) => {}
            (None, None) if self.bug == Some(Bug::EmptyCancelCreates) => {
                let gives = |step: &Step| matches!(step, Step::Add { amount, .. } if *amount > 0);
                let created: Vec<Step> = request.cancel_at(self.id).into_iter().filter(gives).collect();
                self.settle(ctx, tx, request, Act::Cancel, &created);
            }
            (None, None) => {
                ctx.mark(marks::EMPTY_CANCEL);
                self.enter(ctx, Entry { tx, request, act: Act::Cancel, effect: Effect::Empty });
            }
        }
        ctx.send(COORDINATOR, Message::Cancelled { tx });
    }

    /// A reservation has timed out. The participant may not cancel it by itself, for the others may be confirming: it
    /// asks, and goes on asking.
    pub(super) fn expired(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let Some(request) = self.reservations.get(&tx).copied() else { return };
        ctx.mark(marks::RESERVATION_TIMED_OUT);
        if self.bug == Some(Bug::TimeoutVersusConfirm) {
            return self.settle(ctx, tx, request, Act::Cancel, &request.cancel_at(self.id));
        }
        ctx.send(COORDINATOR, Message::Ask { tx, request });
        ctx.arm(Timer::Expires(tx), self.settings.retry);
    }

    /// The second phase, one way or the other.
    fn settle(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, request: Request, act: Act, steps: &[Step]) {
        let effect = match self.ledger.transact(steps) {
            Ok(prepared) => Effect::Done(prepared),
            Err(_) if self.bug == Some(Bug::DoubleConfirm) => return,
            Err(why) => panic!("what is reserved can be used and given back: {act:?} of {tx}: {why}"),
        };
        ctx.cancel(&Timer::Expires(tx));
        self.enter(ctx, Entry { tx, request, act, effect });
    }

    fn enter(&mut self, ctx: &mut Context<'_, Node>, entry: Entry) {
        ctx.note(|| match (entry.act, &entry.effect) {
            (Act::Try, Effect::Done(_)) => format!("reserves for {}", entry.tx),
            (_, Effect::Refused(why)) => format!("refuses to reserve for {}: {why:?}", entry.tx),
            (Act::Confirm, _) => format!("uses what was reserved for {}", entry.tx),
            (Act::Cancel, Effect::Empty) => format!("has nothing to give back for {}", entry.tx),
            (_, _) => format!("gives back what was reserved for {}", entry.tx),
        });
        self.note(&entry);
        self.ledger.enter(entry.clone());
        ctx.append(LOG, Record::Entry(entry));
    }

    fn note(&mut self, entry: &Entry) {
        match (entry.act, &entry.effect) {
            (Act::Try, Effect::Done(_)) => drop(self.reservations.insert(entry.tx, entry.request)),
            (Act::Try, _) => {}
            (Act::Confirm | Act::Cancel, _) => drop(self.reservations.remove(&entry.tx)),
        }
    }
}
