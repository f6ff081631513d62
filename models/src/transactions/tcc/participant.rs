//! A participant: it reserves, and then uses or gives back, each by one local transaction that commits at once.
//!
//! Its journal makes try, confirm and cancel idempotent. A cancel whose try has not come is written down as *empty*,
//! and the try that comes after it is refused, so that no reservation hangs.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::ledger::{Effect, Ledger};
use crate::transactions::store::{Prepared, Refused, Step, Store};
use crate::transactions::tcc::bugs::Bug;
use crate::transactions::tcc::business::{self, Request};
use crate::transactions::tcc::marks;
use crate::transactions::tcc::messages::{Act, Entry, Message, Outcome, Record, Timer, Why};
use crate::transactions::tcc::settings::Settings;

/// The log of a participant.
pub const LOG: File = File(0);

/// A participant.
#[derive(Clone, Debug, Hash)]
pub struct Participant {
    coordinator: NodeId,
    /// Its place among the participants, which says what it has.
    place: u16,
    settings: Settings,
    ledger: Ledger<Entry>,
    /// What is reserved, and neither used nor given back.
    reservations: BTreeMap<TxId, Request>,
}

impl Participant {
    /// The participant of this place, before it has read its log.
    pub fn new(coordinator: NodeId, place: u16, settings: Settings) -> Self {
        let ledger = Ledger::new(Store::holding(business::cells(place)));
        Participant { coordinator, place, settings, ledger, reservations: BTreeMap::new() }
    }

    /// Its place among the participants.
    pub fn place(&self) -> u16 {
        self.place
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

    /// *Try*.
    fn reserve(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, request: Request) {
        if self.effect(tx, Act::Try).is_none() {
            let effect = match self.try_once(ctx, tx, request) {
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
        ctx.send(self.coordinator, Message::Tried(tx, refused));
    }

    fn try_once(&mut self, ctx: &Context<'_, Self>, tx: TxId, request: Request) -> Result<Prepared, Why> {
        if self.effect(tx, Act::Cancel).is_some() && !ctx.planted(Bug::HangingTry) {
            return Err(Why::Cancelled);
        }
        self.ledger.transact(&request.try_at(self.place)).map_err(|refused| match refused {
            Refused::Overdrawn { key } => Why::Short { key },
            refused => panic!("a local transaction is alone: {refused}"),
        })
    }

    /// *Confirm*.
    fn confirm(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, request: Request) {
        let again = self.effect(tx, Act::Confirm).is_some();
        let tried = matches!(self.effect(tx, Act::Try), Some(Effect::Done(_)));
        let cancelled = self.effect(tx, Act::Cancel).is_some();
        assert!(tried && !cancelled, "only what is reserved is confirmed: {tx} tried {tried}, cancelled {cancelled}");
        if again {
            ctx.mark(marks::CONFIRM_REPEATED);
        }
        if !again || ctx.planted(Bug::DoubleConfirm) {
            self.settle(ctx, tx, request, Act::Confirm, &request.confirm_at(self.place));
        }
        ctx.send(self.coordinator, Message::Confirmed(tx));
    }

    /// *Cancel*.
    fn cancel(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, request: Request) {
        assert!(self.effect(tx, Act::Confirm).is_none(), "what is confirmed is not cancelled: {tx}");
        match (self.effect(tx, Act::Try), self.effect(tx, Act::Cancel)) {
            (_, Some(_)) => ctx.mark(marks::CANCEL_REPEATED),
            (Some(Effect::Done(_)), None) => self.settle(ctx, tx, request, Act::Cancel, &request.cancel_at(self.place)),
            // A try that was refused stays so: its entry is there already.
            (Some(_), None) => {}
            (None, None) if ctx.planted(Bug::EmptyCancelCreates) => {
                let gives = |step: &Step| matches!(step, Step::Add { amount, .. } if *amount > 0);
                let created: Vec<Step> = request.cancel_at(self.place).into_iter().filter(gives).collect();
                self.settle(ctx, tx, request, Act::Cancel, &created);
            }
            (None, None) => {
                ctx.mark(marks::EMPTY_CANCEL);
                self.enter(ctx, Entry { tx, request, act: Act::Cancel, effect: Effect::Empty });
            }
        }
        let gave_back = matches!(self.effect(tx, Act::Cancel), Some(Effect::Done(_)));
        if ctx.planted(Bug::EmptyCancelUnacknowledged) && !gave_back {
            return;
        }
        ctx.send(self.coordinator, Message::Cancelled(tx));
    }

    /// A reservation has timed out. The participant may not cancel it by itself, for the others may be confirming: it
    /// asks, and goes on asking.
    fn expired(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let Some(request) = self.reservations.get(&tx).copied() else { return };
        ctx.mark(marks::RESERVATION_TIMED_OUT);
        if ctx.planted(Bug::TimeoutVersusConfirm) {
            return self.settle(ctx, tx, request, Act::Cancel, &request.cancel_at(self.place));
        }
        ctx.send(self.coordinator, Message::Ask(tx, request));
        ctx.arm(Timer::Expires(tx), self.settings.retry);
    }

    /// The second phase, one way or the other.
    fn settle(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, request: Request, act: Act, steps: &[Step]) {
        let effect = match self.ledger.transact(steps) {
            Ok(prepared) => Effect::Done(prepared),
            Err(_) if ctx.planted(Bug::DoubleConfirm) => return,
            Err(why) => panic!("what is reserved can be used and given back: {act:?} of {tx}: {why}"),
        };
        ctx.cancel(&Timer::Expires(tx));
        self.enter(ctx, Entry { tx, request, act, effect });
    }

    fn enter(&mut self, ctx: &mut Context<'_, Self>, entry: Entry) {
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

impl Process for Participant {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Request;
    type Ret = Outcome;

    /// Recovers from the log. Reservations last on, and get their whole time anew.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Entry(entry) => {
                    self.note(&entry);
                    self.ledger.restore(entry);
                }
                other => panic!("a participant's log has entries, and not {other:?}"),
            }
        }
        for tx in self.reservations.keys() {
            ctx.mark(marks::RESERVATION_RECOVERED);
            ctx.arm(Timer::Expires(*tx), self.settings.reservation);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Try(tx, request) => self.reserve(ctx, tx, request),
            Message::Confirm(tx, request) => self.confirm(ctx, tx, request),
            Message::Cancel(tx, request) => self.cancel(ctx, tx, request),
            message => panic!("no message for a participant: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Expires(tx) => self.expired(ctx, tx),
            timer => panic!("no timer of a participant: {timer:?}"),
        }
    }
}
