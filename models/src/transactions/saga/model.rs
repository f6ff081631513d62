//! The model: four services and their clients.

use proptest::prelude::*;
use seedbed_sim::{
    Context, Crashes, FaultClass, File, Info, Model, NodeId, OpId, Phases, Process, Span, Time, Tolerance, Workload,
    kinds,
};
use serde::{Deserialize, Serialize};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::client;
use crate::transactions::client::{Asks, Client};
use crate::transactions::saga::bugs::Bug;
use crate::transactions::saga::business::{ACCOUNTS, CUSTOMERS, ORDER, Order, PRODUCTS, Request, SERVICES};
use crate::transactions::saga::choreography::Choreographer;
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::{Message, Outcome, Record};
use crate::transactions::saga::orchestration::{Coordinator, Phase};
use crate::transactions::saga::plan::FIRST;
use crate::transactions::saga::service::Service;
use crate::transactions::store::Key;
use crate::transactions::transfer::{self, Transfer, Transfers};

/// Who drives sagas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordination {
    /// A coordinator with a saga log, at the order service.
    Orchestrated,
    /// Nobody: services hear of each other's steps and do their own.
    Choreographed,
}

/// What a coordinator that restarts does with a saga that has not come to its pivot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// It goes on: the steps that may not have been executed are asked for again (the paper's *Forward
    /// Recovery*).
    Forward,
    /// It rolls back: all that may have been executed is compensated (*Backward Recovery*).
    Backward,
}

/// How sagas are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who drives them.
    pub coordination: Coordination,
    /// What a restarted coordinator does.
    pub recovery: Recovery,
    /// Whether what a saga may still undo is kept from other sagas.
    pub semantic_locks: bool,
    /// How long until what was not answered is said again.
    pub retry: Span,
    /// How long a coordinator tries to come to the pivot before it gives up.
    pub give_up: Span,
    /// How long a client waits before it asks again.
    pub patience: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            coordination: Coordination::Orchestrated,
            recovery: Recovery::Forward,
            semantic_locks: true,
            retry: Span::ms(40),
            give_up: Span::ms(400),
            patience: Span::ms(150),
        }
    }
}

/// The configuration: the services `n0` (order), `n1` (stock), `n2` (payment), `n3` (shipping), then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saga {
    /// How many clients.
    pub clients: u16,
    /// How sagas are run.
    pub settings: Settings,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<Bug>,
}

impl Default for Saga {
    fn default() -> Self {
        Saga { clients: 3, settings: Settings::default(), bug: None }
    }
}

impl Saga {
    /// The same, driven in this way.
    pub fn coordinated(self, coordination: Coordination) -> Self {
        Saga { settings: Settings { coordination, ..self.settings }, ..self }
    }

    /// The same without the countermeasure against what sagas see of each other.
    pub fn without_semantic_locks(self) -> Self {
        Saga { settings: Settings { semantic_locks: false, ..self.settings }, ..self }
    }

    /// The nodes that are services.
    pub fn services() -> impl Iterator<Item = NodeId> {
        (0..SERVICES).map(NodeId)
    }

    /// The numbers of the nodes that are clients.
    fn client_ids(&self) -> std::ops::Range<u16> {
        SERVICES..SERVICES + self.clients.max(1)
    }
}

/// Each transfer is a saga of two steps. A semantic lock keeps nobody from reading.
impl Transfers for Saga {
    fn clients(&self) -> std::ops::Range<u16> {
        self.client_ids()
    }

    fn account_count(&self) -> u16 {
        ACCOUNTS
    }

    fn request(transfer: Transfer) -> Request {
        Request::Transfer(transfer)
    }

    fn moved(answer: &Outcome) -> bool {
        *answer == Outcome::Completed
    }

    fn accounts(process: &Node) -> Vec<(Key, Option<i64>)> {
        let cells = process.service().into_iter().flat_map(|service| service.store().cells());
        let accounts = cells.filter(|(key, _)| key.0 < ACCOUNTS);
        accounts.map(|(key, cell)| (key, Some(cell.value))).collect()
    }
}

/// A service with what drives its sagas.
#[derive(Clone, Debug, Hash)]
pub struct Participant {
    /// The service.
    pub service: Service,
    /// What drives sagas here.
    pub driver: Driver,
}

/// What drives sagas at a service.
#[derive(Clone, Debug, Hash)]
pub enum Driver {
    /// A coordinator elsewhere.
    Served,
    /// A coordinator here.
    Coordinator(Coordinator),
    /// The events of the others.
    Choreographer(Choreographer),
}

/// A service, or a client.
// Most nodes are services: a box would cost more than the room that clients waste.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Node {
    /// Does its steps.
    Service(Participant),
    /// Asks for sagas.
    Client {
        /// Its one question at a time.
        client: Client<Request>,
        /// Whom it asks.
        coordination: Coordination,
    },
}

impl Node {
    /// The service, if it is one.
    pub fn service(&self) -> Option<&Service> {
        match self {
            Node::Service(participant) => Some(&participant.service),
            Node::Client { .. } => None,
        }
    }

    /// The sagas that began here and have not ended.
    pub fn open(&self) -> Vec<TxId> {
        match self {
            Node::Service(Participant { driver: Driver::Coordinator(coordinator), .. }) => coordinator.open().collect(),
            Node::Service(Participant { driver: Driver::Choreographer(service), .. }) => service.open().collect(),
            _ => Vec::new(),
        }
    }

    /// How a saga that began here ended, if it has.
    pub fn outcome(&self, saga: TxId) -> Option<Outcome> {
        match self {
            Node::Service(Participant { driver: Driver::Coordinator(coordinator), .. }) => {
                match coordinator.phase(saga) {
                    Some(Phase::Ended(outcome)) => Some(outcome),
                    _ => None,
                }
            }
            Node::Service(Participant { driver: Driver::Choreographer(service), .. }) => service.outcome(saga),
            _ => None,
        }
    }
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The coordinator asks again for what a saga waits for.
    Retry(TxId),
    /// A saga takes too long.
    GiveUp(TxId),
    /// Events are sent again.
    Resend,
    /// A client asks again.
    Again,
}
kinds!(Timer: Retry, GiveUp, Resend, Again);

/// The journal of a service that serves a coordinator.
const JOURNAL: File = File(0);

impl Participant {
    /// `T_i` or `C_i` for a coordinator: done once, answered always.
    fn serve(&mut self, ctx: &mut Context<'_, Node>, coordinator: NodeId, message: Message) {
        let (entry, reply) = match message {
            Message::Execute { saga, request, step } => {
                let entry = self.service.execute(saga, request, step);
                (entry, Message::Executed { saga, step, refused: self.service.refusal(saga, step) })
            }
            Message::Compensate { saga, request, step } => {
                (self.service.compensate(saga, request, step), Message::Compensated { saga, step })
            }
            message => panic!("a service is asked for steps: {message:?}"),
        };
        match entry {
            Some(entry) => {
                entry.mark(ctx);
                ctx.append(JOURNAL, Record::Entry(entry));
            }
            None => ctx.mark(marks::REPEATED_STEP_ANSWERED_FROM_THE_JOURNAL),
        }
        ctx.send(coordinator, reply);
    }

    fn restore(&mut self, ctx: &mut Context<'_, Node>) {
        for record in wal::recover(ctx, JOURNAL).unwrap_or_default() {
            match record {
                Record::Entry(entry) => self.service.restore(entry),
                other => panic!("a service's journal has entries: {other:?}"),
            }
        }
    }
}

impl Asks for Node {
    fn request(tx: TxId, op: &Request) -> Message {
        Message::Place { saga: tx, request: *op }
    }
    fn again() -> Timer {
        Timer::Again
    }
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Request;
    type Ret = Outcome;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Node::Service(participant) = self else { return };
        if let Driver::Choreographer(choreographer) = &mut participant.driver {
            return choreographer.start(ctx, &mut participant.service);
        }
        participant.restore(ctx);
        if let Driver::Coordinator(coordinator) = &mut participant.driver {
            coordinator.start(ctx);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let participant = match self {
            Node::Service(participant) => participant,
            Node::Client { client, .. } => match message {
                Message::Ended { saga, outcome } => return client.answered(ctx, saga, outcome),
                message => panic!("saga: a client serves nobody: {from} sent it {message:?}"),
            },
        };
        let Participant { service, driver } = participant;
        match (driver, message) {
            (Driver::Coordinator(coordinator), Message::Place { saga, request }) => {
                coordinator.place(ctx, from, saga, request);
            }
            (Driver::Coordinator(coordinator), Message::Executed { saga, step, refused }) => {
                coordinator.executed(ctx, saga, step, refused);
            }
            (Driver::Coordinator(coordinator), Message::Compensated { saga, step }) => {
                coordinator.compensated(ctx, saga, step);
            }
            (Driver::Choreographer(choreographer), Message::Place { saga, request }) => {
                choreographer.place(ctx, service, from, (saga, request));
            }
            (Driver::Choreographer(choreographer), Message::Event { seq, event }) => {
                choreographer.event(ctx, service, from, (seq, event));
            }
            (Driver::Choreographer(choreographer), Message::Handled { seq }) => choreographer.handled(ctx, from, seq),
            (_, message) => participant.serve(ctx, from, message),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match (self, timer) {
            (Node::Client { client, .. }, Timer::Again) => client.again(ctx),
            (Node::Service(Participant { driver: Driver::Coordinator(coordinator), .. }), Timer::Retry(saga)) => {
                coordinator.retry(ctx, saga);
            }
            (Node::Service(Participant { driver: Driver::Coordinator(coordinator), .. }), Timer::GiveUp(saga)) => {
                coordinator.give_up(ctx, saga);
            }
            (Node::Service(Participant { driver: Driver::Choreographer(service), .. }), Timer::Resend) => {
                service.resend(ctx);
            }
            (node, timer) => panic!("saga: a timer of the other kind of node: {node:?} got {timer:?}"),
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Request) {
        let Node::Client { client, coordination } = self else {
            panic!("saga: operations are for clients: {op:?} came to a service");
        };
        // Without a coordinator a saga begins at the service of its first step.
        let whom = match coordination {
            Coordination::Orchestrated => ORDER,
            Coordination::Choreographed => input.plan()[FIRST].at,
        };
        client.invoke(ctx, op, whom, input);
    }
}

impl Model for Saga {
    type Process = Node;

    const INFO: Info = Info {
        name: "saga",
        row: "C26",
        family: "transactions",
        summary: "Long transactions cut into steps, compensated if the whole fails (Garcia-Molina & Salem 1987).",
        sources: &["Garcia-Molina & Salem, *Sagas*, SIGMOD 1987"],
        tolerates: &FaultClass::USUAL,
        // A reserver has done something that may still have to be undone.
        roles: &["coordinator", "reserver"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS, client::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(SERVICES) + usize::from(self.clients)
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        let Saga { settings, bug, .. } = *self;
        if node.0 >= SERVICES {
            let client = Client::new(settings.patience);
            return Node::Client { client, coordination: settings.coordination };
        }
        let driver = match settings.coordination {
            Coordination::Choreographed => Driver::Choreographer(Choreographer::new(node, settings, bug)),
            Coordination::Orchestrated if node == ORDER => Driver::Coordinator(Coordinator::new(settings, bug)),
            Coordination::Orchestrated => Driver::Served,
        };
        Node::Service(Participant { service: Service::new(node, settings.semantic_locks, bug), driver })
    }

    fn validate(&self) -> Result<(), String> {
        let Settings { retry, give_up, patience, .. } = self.settings;
        match () {
            () if retry == Span::ZERO => Err("retry must be above 0".into()),
            () if give_up == Span::ZERO => Err("give_up must be above 0; for never make it large".into()),
            () if patience == Span::ZERO => Err("patience must be above 0".into()),
            () => Ok(()),
        }
    }

    fn bug(&self) -> Option<&'static str> {
        self.bug.map(Bug::name)
    }

    fn set_bug(&mut self, bug: Option<&'static str>) {
        self.bug = Bug::planted(bug);
    }

    /// Changes how many clients there are; the services stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let clients = nodes.checked_sub(usize::from(SERVICES)).and_then(|n| u16::try_from(n).ok());
        self.clients = clients.filter(|clients| *clients > 0).ok_or_else(|| {
            format!("saga has {SERVICES} services, and clients: {nodes} nodes are too few or too many")
        })?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        Tolerance::of(self).crashing(Crashes::any(0..SERVICES))
    }

    fn reaction_time(&self) -> Span {
        self.settings.retry
    }

    /// The more sagas, the higher the rank.
    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        let sagas = match role {
            "coordinator" => process.open().len(),
            "reserver" => process.service().map_or(0, |service| service.pending().count()),
            _ => 0,
        };
        (sagas > 0).then_some(sagas as u64)
    }

    /// Both ways to drive sagas, both ways to recover, patient and impatient coordinators.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let coordination = prop_oneof![Just(Coordination::Orchestrated), Just(Coordination::Choreographed)];
        let recovery = prop_oneof![Just(Recovery::Forward), Just(Recovery::Backward)];
        let give_up = prop_oneof![2 => Just(self.settings.give_up), 1 => Just(Span::ms(25)), 1 => Just(Span::secs(60))];
        (coordination, recovery, give_up)
            .prop_map(move |(coordination, recovery, give_up)| {
                let settings = Settings { coordination, recovery, give_up, ..model.settings };
                Saga { settings, ..model.clone() }
            })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_500), settle: Span::secs(2) }
    }

    /// A few customers buy a few products, in bursts, and now and then somebody transfers money. There is not enough of
    /// anything for all.
    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        // Now and then somebody wants more than anybody can pay for.
        let pieces = prop_oneof![6 => 1..6i64, 1 => 12..16i64];
        let order = (0..CUSTOMERS, 0..PRODUCTS, pieces)
            .prop_map(|(customer, product, pieces)| Request::Order(Order { customer, product, pieces }));
        let transfer = transfer::between(ACCOUNTS).prop_map(Request::Transfer);
        let until = Time::ZERO + Span(self.phases().chaos.0 * 3 / 4);
        transfer::asked(self.client_ids(), 3..14, until, prop_oneof![4 => order, 1 => transfer].boxed())
    }
}
