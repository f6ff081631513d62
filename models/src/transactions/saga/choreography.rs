//! Choreographed sagas: there is no coordinator. Each service hears what the others did, and does the steps of its own
//! that are then to be done (Richardson, *Microservices Patterns*, section 4.2.1).
//!
//! Events go over a [`channel`](crate::transactions::channel). What a service does about one event is one *turn*: the
//! event, the local transactions and the events that these publish stand in the log as one record, so a crash leaves
//! all of it or nothing.
//!
//! | event | published by | heard by |
//! |---|---|---|
//! | `Executed(i)` | the service of `T_i` | those of the steps that depend on it |
//! | `Refused(i)` | the service of `T_i` | those of all steps that may have to be undone now |
//! | `Compensated(i)` | the service of `C_i` | those of the steps that `T_i` depended on: they are undone after it |

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, File, NodeId};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::channel::{Inbox, Outbox, Published, Seq};
use crate::transactions::saga::Settings;
use crate::transactions::saga::bugs::Bug;
use crate::transactions::saga::business::Request;
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::{Message, Outcome, Record, Why};
use crate::transactions::saga::model::{Node, Timer};
use crate::transactions::saga::plan::{FIRST, Plan, StepId, Steps};
use crate::transactions::saga::service::{Entry, Service};

/// The log of a service.
pub const LOG: File = File(0);

/// What happened to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// `T_i` is executed.
    Executed,
    /// `T_i` is not, and never will be.
    Refused(Why),
    /// `C_i` is executed, or there was nothing to compensate and never will be.
    Compensated,
}

/// What services tell each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Of which saga.
    pub saga: TxId,
    /// What it is about.
    pub request: Request,
    /// The `i`.
    pub step: StepId,
    /// What happened.
    pub news: News,
}

/// Why a service acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A client asked.
    Placed {
        /// For which saga.
        saga: TxId,
        /// What about.
        request: Request,
        /// Who waits for its end.
        client: NodeId,
    },
    /// Another service told.
    Heard {
        /// Who.
        from: NodeId,
        /// The number of the event on the channel.
        seq: Seq,
        /// What.
        event: Event,
    },
}

/// All that a service did at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    /// Why.
    pub cause: Cause,
    /// The local transactions.
    pub entries: Vec<Entry>,
    /// What others have to be told.
    pub published: Vec<Published<Event>>,
}

/// What a service knows of a saga.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    request: Request,
    /// Who waits for its end, where it began.
    client: Option<NodeId>,
    executed: Steps,
    refused: Steps,
    compensated: Steps,
    /// Why it goes back, if it does.
    why: Option<Why>,
}

/// The part of a service that takes part in choreographies.
#[derive(Clone, Debug, Hash)]
pub struct Choreographer {
    id: NodeId,
    settings: Settings,
    bug: Option<Bug>,
    outbox: Outbox<Event>,
    inbox: Inbox,
    sagas: BTreeMap<TxId, Known>,
}

impl Choreographer {
    /// One that has heard nothing yet.
    pub fn new(id: NodeId, settings: Settings, bug: Option<Bug>) -> Self {
        let (outbox, inbox, sagas) = (Outbox::default(), Inbox::default(), BTreeMap::new());
        Choreographer { id, settings, bug, outbox, inbox, sagas }
    }

    /// How a saga that began here ended, if it has.
    pub fn outcome(&self, saga: TxId) -> Option<Outcome> {
        let known = self.sagas.get(&saga).filter(|known| known.client.is_some())?;
        match known.why {
            _ if known.executed.has(known.request.plan().last()) => Some(Outcome::Completed),
            Some(why) if known.refused.and(known.compensated).has(FIRST) => Some(Outcome::Cancelled(why)),
            _ => None,
        }
    }

    /// The sagas that began here and have not ended.
    pub fn open(&self) -> impl Iterator<Item = TxId> {
        let begun = self.sagas.iter().filter(|(_, known)| known.client.is_some());
        begun.map(|(saga, _)| *saga).filter(|saga| self.outcome(*saga).is_none())
    }

    /// Recovers from the log; what was published and may not have been handled is sent again.
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>, service: &mut Service) {
        let Some(records) = wal::recover(ctx, LOG) else { return };
        for record in records {
            match record {
                Record::Turn(turn) => self.restore(service, turn),
                Record::Handled { by, seq } => drop(self.outbox.handled(by, seq)),
                other => panic!("a log of a choreography has turns: {other:?}"),
            }
        }
        if self.bug == Some(Bug::ForgetsOnCoordinatorCrash) {
            self.outbox.clear();
        }
        if !self.outbox.is_empty() {
            ctx.mark(marks::OUTBOX_RECOVERED);
            self.resend(ctx);
        }
    }

    fn restore(&mut self, service: &mut Service, Turn { cause, entries, published }: Turn) {
        self.hear(&cause);
        for entry in entries {
            let (saga, step, news) = (entry.saga, entry.step, news(&entry));
            service.restore(entry);
            self.sagas.get_mut(&saga).expect("a turn is about its saga").learn(step, news);
        }
        published.into_iter().for_each(|published| self.outbox.restore(published));
    }

    /// A client asks. The same saga may be asked for again and again.
    pub(super) fn place(
        &mut self,
        ctx: &mut Context<'_, Node>,
        service: &mut Service,
        client: NodeId,
        (saga, request): (TxId, Request),
    ) {
        match self.sagas.get(&saga) {
            Some(known) if known.client.is_some() => self.answer(ctx, saga),
            _ => self.turn(ctx, service, Cause::Placed { saga, request, client }),
        }
    }

    /// Another service tells something; perhaps for the second time.
    pub(super) fn event(
        &mut self,
        ctx: &mut Context<'_, Node>,
        service: &mut Service,
        from: NodeId,
        (seq, event): (Seq, Event),
    ) {
        match self.inbox.has(from, seq) {
            true => ctx.mark(marks::EVENT_DROPPED_AS_A_DUPLICATE),
            false => self.turn(ctx, service, Cause::Heard { from, seq, event }),
        }
        ctx.send(from, Message::Handled { seq });
    }

    /// Another service has handled an event.
    pub(super) fn handled(&mut self, ctx: &mut Context<'_, Node>, by: NodeId, seq: Seq) {
        if self.outbox.handled(by, seq) {
            ctx.append_lazily(LOG, Record::Handled { by, seq });
        }
        if self.outbox.is_empty() {
            ctx.cancel(&Timer::Resend);
        }
    }

    /// Sends again what may not have been handled.
    pub(super) fn resend(&mut self, ctx: &mut Context<'_, Node>) {
        for published in self.outbox.waiting() {
            ctx.mark(marks::EVENT_SENT_AGAIN);
            ctx.send(published.to, published.into());
        }
        ctx.arm(Timer::Resend, self.settings.retry);
    }

    /// Takes in what happened, does what is to be done now, writes it down, and tells the others.
    fn turn(&mut self, ctx: &mut Context<'_, Node>, service: &mut Service, cause: Cause) {
        let saga = self.hear(&cause);
        if self.comes_late(&cause) {
            ctx.mark(marks::LATE_TRANSACTION_REFUSED);
        }
        let mut turn = Turn { cause, entries: Vec::new(), published: Vec::new() };
        while let Some(entry) = self.next(service, saga) {
            let (step, news, request) = (entry.step, news(&entry), entry.request);
            entry.mark(ctx);
            let event = Event { saga, request, step, news };
            let told = self.sagas.get_mut(&saga).expect("it is known by now");
            told.learn(step, news);
            let audience = event.audience(&request.plan(), self.id);
            turn.published.extend(audience.into_iter().map(|to| self.outbox.publish(to, event)));
            turn.entries.push(entry);
        }
        let published = turn.published.clone();
        ctx.append(LOG, Record::Turn(turn));
        if !published.is_empty() {
            ctx.arm(Timer::Resend, self.settings.retry);
        }
        for published in published {
            ctx.send(published.to, published.into());
        }
        self.answer(ctx, saga);
    }

    /// Whether the service is told to execute what it has compensated already.
    fn comes_late(&self, cause: &Cause) -> bool {
        let Cause::Heard { event: Event { saga, request, step, news: News::Executed }, .. } = cause else {
            return false;
        };
        let plan = request.plan();
        let told = plan.next(*step).in_common(plan.at(self.id));
        !told.in_common(self.sagas[saga].compensated).is_empty()
    }

    fn answer(&self, ctx: &mut Context<'_, Node>, saga: TxId) {
        if let Some(outcome) = self.outcome(saga)
            && let Some(client) = self.sagas[&saga].client
        {
            ctx.send(client, Message::Ended { saga, outcome });
        }
    }

    /// Takes in why the service acts; returns the saga that it is about.
    fn hear(&mut self, cause: &Cause) -> TxId {
        let known = |request| Known {
            request,
            client: None,
            executed: Steps::NONE,
            refused: Steps::NONE,
            compensated: Steps::NONE,
            why: None,
        };
        match *cause {
            Cause::Placed { saga, request, client } => {
                self.sagas.entry(saga).or_insert_with(|| known(request)).client = Some(client);
                saga
            }
            Cause::Heard { from, seq, event: Event { saga, request, step, news } } => {
                let new = self.inbox.admit(from, seq);
                assert!(new, "an event is handled once: {seq} of {from}");
                self.sagas.entry(saga).or_insert_with(|| known(request)).learn(step, news);
                saga
            }
        }
    }

    /// Does the next step of this service that is to be done for a saga, if there is one.
    fn next(&self, service: &mut Service, saga: TxId) -> Option<Entry> {
        let known = &self.sagas[&saga];
        let request = known.request;
        let plan = request.plan();
        let own = plan.at(self.id);
        // A step that depends on nothing is asked for by the client, where the saga began.
        let asked = |step: &StepId| *step != FIRST || known.client.is_some();
        if known.why.is_none() || self.bug == Some(Bug::Hanging) {
            let ready = plan.ready(known.executed).in_common(own).without(known.refused);
            if let Some(step) = ready.iter().find(asked) {
                return service.execute(saga, request, step);
            }
        }
        known.why?;
        let never = known.refused.and(plan.dependents(known.refused));
        let undo = plan.compensatable().without(never).without(known.compensated);
        let now = if self.bug == Some(Bug::WrongOrder) { undo } else { plan.undone_first(undo) };
        now.in_common(own).iter().next().and_then(|step| service.compensate(saga, request, step))
    }
}

/// What an entry of the journal is to others.
fn news(entry: &Entry) -> News {
    use crate::transactions::ledger::Effect;
    use crate::transactions::saga::service::Way;
    match (entry.way, &entry.effect) {
        (Way::Execute, Effect::Refused(why)) => News::Refused(*why),
        (Way::Execute, _) => News::Executed,
        (Way::Compensate, _) => News::Compensated,
    }
}

impl Event {
    /// Who has to hear of it, but for the service that tells it.
    fn audience(&self, plan: &Plan, teller: NodeId) -> BTreeSet<NodeId> {
        let compensatable = plan.compensatable();
        let concerned = match self.news {
            News::Executed => plan.next(self.step),
            News::Refused(_) => {
                let refused = Steps::of([self.step.0]);
                compensatable.without(refused.and(plan.dependents(refused)))
            }
            News::Compensated => plan[self.step].after.in_common(compensatable),
        };
        concerned.iter().map(|step| plan[step].at).filter(|service| *service != teller).collect()
    }
}

impl Known {
    fn learn(&mut self, step: StepId, news: News) {
        match news {
            News::Executed => self.executed.add(step),
            News::Compensated => self.compensated.add(step),
            News::Refused(why) => {
                self.refused.add(step);
                self.why.get_or_insert(why);
            }
        }
    }
}
