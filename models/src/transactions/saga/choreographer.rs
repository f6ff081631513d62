//! Choreographed sagas: there is no coordinator. Each service hears what the others did, and does the steps of its own
//! that are then to be done (Richardson, *Microservices Patterns*, section 4.2.1).
//!
//! Events go over a [`channel`](crate::parts::channel). What a service does about one event is one *reaction*: the
//! event, the local transactions and the events that these publish stand in the log as one record, so a crash leaves
//! all of it or nothing.
//!
//! | event | published by | heard by |
//! |---|---|---|
//! | `T_i` executed | the service of `T_i` | the services of the steps that depend on it directly |
//! | `T_i` refused | the service of `T_i` | the services of all steps that may have to be compensated now |
//! | `T_i` compensated | the service of `T_i` | the services of the steps that `T_i` depended on directly: they are compensated after it, as it was after all that depends on it |

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, File, NodeId, Process};

use crate::parts::channel::{Inbox, Outbox, Seq};
use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::ledger::Effect;
use crate::transactions::saga::bugs::Bug;
use crate::transactions::saga::business::Request;
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::{
    Act, Entry, Event, Message, Outcome, Reaction, Record, StepOutcome, Timer, Trigger, Why,
};
use crate::transactions::saga::plan::{FIRST, Plan, ServiceId, StepId, Steps};
use crate::transactions::saga::service::Service;
use crate::transactions::saga::settings::Settings;

/// The log of a service.
pub const LOG: File = File(0);

/// What a service knows of a saga.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Progress {
    request: Request,
    /// The client that waits for its end, at the service where it began.
    client: Option<NodeId>,
    executed: Steps,
    refused: Steps,
    compensated: Steps,
    /// Why it is rolled back, if it is.
    why: Option<Why>,
}

/// A service that takes part in choreographies.
#[derive(Clone, Debug, Hash)]
pub struct Choreographer {
    service: Service,
    /// All services, by their places in the business.
    services: Vec<NodeId>,
    settings: Settings,
    outbox: Outbox<Event>,
    inbox: Inbox,
    sagas: BTreeMap<TxId, Progress>,
}

impl Choreographer {
    /// The service of this place in the business, before it has read its log; `services` are all, by their places.
    pub fn new(service: ServiceId, services: Vec<NodeId>, settings: Settings) -> Self {
        let service = Service::new(service, settings.semantic_locks);
        let (outbox, inbox, sagas) = (Outbox::default(), Inbox::default(), BTreeMap::new());
        Choreographer { service, services, settings, outbox, inbox, sagas }
    }

    /// Its store and its journal.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// How a saga that began here ended, if it has.
    pub fn outcome(&self, saga: TxId) -> Option<Outcome> {
        let known = self.sagas.get(&saga).filter(|known| known.client.is_some())?;
        match known.why {
            _ if known.executed.contains(known.request.plan().last()) => Some(Outcome::Completed),
            Some(why) if known.refused.union(known.compensated).contains(FIRST) => Some(Outcome::Cancelled(why)),
            _ => None,
        }
    }

    /// The sagas that began here and have not ended.
    pub fn open(&self) -> impl Iterator<Item = TxId> {
        let begun = self.sagas.iter().filter(|(_, known)| known.client.is_some());
        begun.map(|(saga, _)| *saga).filter(|saga| self.outcome(*saga).is_none())
    }

    /// The sagas of which another service has not acknowledged an event, each as often as there are events.
    pub fn unacknowledged(&self) -> impl Iterator<Item = TxId> {
        self.outbox.unacknowledged().map(|published| published.event.saga)
    }

    fn restore(&mut self, Reaction { trigger, entries, published }: Reaction) {
        let saga = self.learn(&trigger);
        for entry in entries {
            self.progress(saga).apply(entry.step, outcome(&entry));
            self.service.restore(entry);
        }
        published.into_iter().for_each(|published| self.outbox.restore(published));
    }

    /// A client requests a saga, perhaps again.
    fn place(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, saga: TxId, request: Request) {
        if self.sagas.get(&saga).is_some_and(|known| known.client.is_some()) {
            self.answer(ctx, saga);
        } else {
            self.react(ctx, Trigger::Request { saga, request, client });
        }
    }

    /// Another service publishes an event, or sends it again.
    fn event(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, seq: Seq, event: Event) {
        if self.inbox.contains(from, seq) {
            ctx.mark(marks::EVENT_DROPPED_AS_A_DUPLICATE);
            if ctx.planted(Bug::DuplicateUnacknowledged) {
                return;
            }
        } else {
            self.react(ctx, Trigger::Event { from, seq, event });
        }
        ctx.send(from, Message::Handled(seq));
    }

    /// Another service has handled an event.
    fn handled(&mut self, ctx: &mut Context<'_, Self>, by: NodeId, seq: Seq) {
        if self.outbox.acknowledge(by, seq) {
            ctx.append_lazily(LOG, Record::Handled(by, seq));
        }
        if self.outbox.is_empty() {
            ctx.cancel(&Timer::Resend);
        }
    }

    /// Sends again what is not acknowledged.
    fn resend(&mut self, ctx: &mut Context<'_, Self>) {
        for published in self.outbox.unacknowledged() {
            ctx.mark(marks::EVENT_SENT_AGAIN);
            ctx.send(published.to, published.into());
        }
        ctx.arm(Timer::Resend, self.settings.retry);
    }

    /// Takes in what happened, does the steps that are to be done now, writes all that down, and publishes it.
    fn react(&mut self, ctx: &mut Context<'_, Self>, trigger: Trigger) {
        let saga = self.learn(&trigger);
        if self.is_late(&trigger) {
            ctx.mark(marks::LATE_TRANSACTION_REFUSED);
        }
        let mut reaction = Reaction { trigger, entries: Vec::new(), published: Vec::new() };
        while let Some(entry) = self.next(ctx, saga) {
            let (step, outcome, request) = (entry.step, outcome(&entry), entry.request);
            entry.report(ctx);
            let event = Event { saga, request, step, outcome };
            self.progress(saga).apply(step, outcome);
            for service in event.audience(&request.plan(), self.service.id()) {
                reaction.published.push(self.outbox.publish(self.services[service.index()], event));
            }
            reaction.entries.push(entry);
        }
        let published = reaction.published.clone();
        ctx.append(LOG, Record::Reaction(reaction));
        if !published.is_empty() {
            ctx.arm(Timer::Resend, self.settings.retry);
        }
        for published in published {
            ctx.send(published.to, published.into());
        }
        self.answer(ctx, saga);
    }

    /// Whether the trigger asks the service to execute a step that it has compensated already.
    fn is_late(&self, trigger: &Trigger) -> bool {
        let Trigger::Event { event: Event { saga, request, step, outcome: StepOutcome::Executed }, .. } = trigger
        else {
            return false;
        };
        let plan = request.plan();
        let requested = plan.successors(*step).intersection(plan.of_service(self.service.id()));
        !requested.intersection(self.sagas[saga].compensated).is_empty()
    }

    fn answer(&self, ctx: &mut Context<'_, Self>, saga: TxId) {
        if let Some(outcome) = self.outcome(saga)
            && let Some(client) = self.sagas[&saga].client
        {
            ctx.send(client, Message::Ended(saga, outcome));
        }
    }

    /// Takes in a trigger; returns the saga that it is about.
    fn learn(&mut self, trigger: &Trigger) -> TxId {
        match *trigger {
            Trigger::Request { saga, request, client } => {
                self.sagas.entry(saga).or_insert_with(|| Progress::of(request)).client = Some(client);
                saga
            }
            Trigger::Event { from, seq, event: Event { saga, request, step, outcome } } => {
                let new = self.inbox.insert(from, seq);
                assert!(new, "an event is handled once: {seq} of {from}");
                self.sagas.entry(saga).or_insert_with(|| Progress::of(request)).apply(step, outcome);
                saga
            }
        }
    }

    fn progress(&mut self, saga: TxId) -> &mut Progress {
        self.sagas.get_mut(&saga).expect("a reaction is about the saga of its trigger")
    }

    /// Does the next step of this service that is to be done for a saga, if there is one.
    fn next(&mut self, ctx: &Context<'_, Self>, saga: TxId) -> Option<Entry> {
        let known = &self.sagas[&saga];
        let request = known.request;
        let plan = request.plan();
        let own = plan.of_service(self.service.id());
        // The first step is requested by the client, at the service where the saga began.
        let is_requested = |step: &StepId| *step != FIRST || known.client.is_some();
        if known.why.is_none() || ctx.planted(Bug::Hanging) {
            let ready = plan.ready(known.executed).intersection(own).difference(known.refused);
            if let Some(step) = ready.iter().find(is_requested) {
                return self.service.execute(ctx, saga, request, step);
            }
        }
        known.why?;
        let never = known.refused.union(plan.descendants(known.refused));
        let to_compensate = plan.compensatable().difference(never).difference(known.compensated);
        let now = if ctx.planted(Bug::WrongOrder) { to_compensate } else { plan.ready_to_compensate(to_compensate) };
        let step = now.intersection(own).iter().next()?;
        self.service.compensate(ctx, saga, request, step)
    }
}

impl Process for Choreographer {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Request;
    type Ret = Outcome;

    /// Recovers from the log; what was published and may not have been handled is sent again.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, LOG) else { return };
        for record in records {
            match record {
                Record::Reaction(reaction) => self.restore(reaction),
                Record::Handled(by, seq) => drop(self.outbox.acknowledge(by, seq)),
                other => panic!("a log of a choreography has reactions: {other:?}"),
            }
        }
        if ctx.planted(Bug::ForgetsOnCoordinatorCrash) {
            self.outbox.clear();
        }
        if !self.outbox.is_empty() {
            ctx.mark(marks::OUTBOX_RECOVERED);
            self.resend(ctx);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Place(saga, request) => self.place(ctx, from, saga, request),
            Message::Event(seq, event) => self.event(ctx, from, seq, event),
            Message::Handled(seq) => self.handled(ctx, from, seq),
            message => panic!("no message for a service of a choreography: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Resend => self.resend(ctx),
            timer => panic!("no timer of a service of a choreography: {timer:?}"),
        }
    }
}

/// What an entry of the journal means to other services.
fn outcome(entry: &Entry) -> StepOutcome {
    match (entry.act, &entry.effect) {
        (Act::Execute, Effect::Refused(why)) => StepOutcome::Refused(*why),
        (Act::Execute, _) => StepOutcome::Executed,
        (Act::Compensate, _) => StepOutcome::Compensated,
    }
}

impl Event {
    /// The services that have to hear of it, without the one that publishes it.
    fn audience(&self, plan: &Plan, publisher: ServiceId) -> BTreeSet<ServiceId> {
        let compensatable = plan.compensatable();
        let concerned = match self.outcome {
            StepOutcome::Executed => plan.successors(self.step),
            StepOutcome::Refused(_) => {
                let refused = Steps::from(self.step);
                compensatable.difference(refused.union(plan.descendants(refused)))
            }
            StepOutcome::Compensated => plan[self.step].after.intersection(compensatable),
        };
        concerned.iter().map(|step| plan[step].service).filter(|service| *service != publisher).collect()
    }
}

impl Progress {
    /// A saga of which nothing has happened.
    fn of(request: Request) -> Self {
        let (executed, refused, compensated) = (Steps::NONE, Steps::NONE, Steps::NONE);
        Progress { request, client: None, executed, refused, compensated, why: None }
    }

    fn apply(&mut self, step: StepId, outcome: StepOutcome) {
        match outcome {
            StepOutcome::Executed => self.executed.insert(step),
            // So is all that depends on it and was executed, for it comes before it.
            StepOutcome::Compensated => {
                let plan = self.request.plan();
                let before = plan.descendants(step.into()).intersection(plan.compensatable());
                self.compensated = self.compensated.union(before).union(step.into());
            }
            StepOutcome::Refused(why) => {
                self.refused.insert(step);
                self.why.get_or_insert(why);
            }
        }
        let both = self.executed.intersection(self.refused);
        assert!(both.is_empty(), "a step is executed or refused: {both:?} of {:?}", self.request);
    }
}
