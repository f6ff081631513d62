//! The model: four services and their clients.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{Crashes, FaultClass, Info, Model, NodeId, Phases, Roles, Span, Time, Tolerance, Workload, workload};
use serde::{Deserialize, Serialize};

use crate::parts::client::{self, Client};
use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::saga::bugs::Bug;
use crate::transactions::saga::business::{ACCOUNTS, CUSTOMERS, ORDER, Order, PRODUCTS, Request, SERVICES};
use crate::transactions::saga::choreographer::Choreographer;
use crate::transactions::saga::coordinator::{Coordinator, Phase};
use crate::transactions::saga::job::Job;
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::{Message, Outcome, Record, Requests, Timer};
use crate::transactions::saga::orchestrator::Orchestrator;
use crate::transactions::saga::participant::Participant;
use crate::transactions::saga::plan::ServiceId;
use crate::transactions::saga::service::Service;
use crate::transactions::saga::settings::{Coordination, Recovery, Settings};
use crate::transactions::store::Key;
use crate::transactions::transfer::{self, Transfer, Transfers};

/// The configuration: the services `n0` (order), `n1` (stock), `n2` (payment), `n3` (shipping), then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saga {
    /// How many clients.
    pub clients: u16,
    /// How sagas are run.
    pub settings: Settings,
}

impl Default for Saga {
    fn default() -> Self {
        Saga { clients: 3, settings: Settings::default() }
    }
}

impl Saga {
    /// The same with this style of coordination.
    pub fn coordinated(self, coordination: Coordination) -> Self {
        Saga { settings: Settings { coordination, ..self.settings }, ..self }
    }

    /// The same without semantic locks, the countermeasure to what sagas see of each other.
    pub fn without_semantic_locks(self) -> Self {
        Saga { settings: Settings { semantic_locks: false, ..self.settings }, ..self }
    }

    /// The node of a service.
    pub fn node(service: ServiceId) -> NodeId {
        NodeId(service.0)
    }

    /// The nodes of the services, by their places in the business.
    pub fn services() -> impl Iterator<Item = NodeId> {
        (0..SERVICES).map(ServiceId).map(Saga::node)
    }

    /// The numbers of the nodes that are clients.
    fn client_ids(&self) -> Range<u16> {
        SERVICES..SERVICES + self.clients
    }
}

/// Each transfer is a saga. A semantic lock keeps nobody from reading.
impl Transfers for Saga {
    fn clients(&self) -> Range<u16> {
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

/// A node.
// Most nodes are services: a box would cost more than the room that clients waste.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Request, Outcome)]
pub enum Node {
    /// A service of an orchestration.
    Participant(Participant),
    /// The order service of an orchestration, with the coordinator.
    Orchestrator(Orchestrator),
    /// A service of a choreography.
    Choreographer(Choreographer),
    /// Asks for sagas.
    Client(Client<Requests>),
}

impl Node {
    /// The store and the journal of the service, if the node is one.
    pub fn service(&self) -> Option<&Service> {
        match self {
            Node::Participant(participant) => Some(participant.service()),
            Node::Orchestrator(orchestrator) => Some(orchestrator.participant().service()),
            Node::Choreographer(choreographer) => Some(choreographer.service()),
            Node::Client(_) => None,
        }
    }

    /// The sagas that began here and have not ended.
    pub fn open(&self) -> Vec<TxId> {
        match self {
            Node::Orchestrator(orchestrator) => orchestrator.coordinator().open().collect(),
            Node::Choreographer(choreographer) => choreographer.open().collect(),
            Node::Participant(_) | Node::Client(_) => Vec::new(),
        }
    }

    /// The sagas of which it still tells others something, because they have not acknowledged it.
    pub fn telling(&self) -> Vec<TxId> {
        match self {
            Node::Choreographer(choreographer) => choreographer.unacknowledged().collect(),
            Node::Orchestrator(_) | Node::Participant(_) | Node::Client(_) => Vec::new(),
        }
    }

    /// How a saga that began here ended, if it has.
    pub fn outcome(&self, saga: TxId) -> Option<Outcome> {
        match self {
            Node::Orchestrator(orchestrator) => match orchestrator.coordinator().phase(saga) {
                Some(Phase::Ended(outcome)) => Some(outcome),
                _ => None,
            },
            Node::Choreographer(choreographer) => choreographer.outcome(saga),
            Node::Participant(_) | Node::Client(_) => None,
        }
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
        // A coordinator has sagas that have not ended; a reserver has executed steps that may still have to be undone.
        roles: &["coordinator", "reserver"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS, client::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(SERVICES) + usize::from(self.clients)
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        let settings = self.settings;
        let services = || Saga::services().collect::<Vec<_>>();
        match (node, settings.coordination) {
            (NodeId(0..SERVICES), Coordination::Choreographed) => {
                Node::Choreographer(Choreographer::new(ServiceId(node.0), services(), settings))
            }
            (NodeId(0..SERVICES), Coordination::Orchestrated) => {
                let participant = Participant::new(ServiceId(node.0), settings.semantic_locks);
                if node == Saga::node(ORDER) {
                    Node::Orchestrator(Orchestrator::new(participant, Coordinator::new(services(), settings)))
                } else {
                    Node::Participant(participant)
                }
            }
            // Without a coordinator a saga begins at the service of its first step.
            (_, Coordination::Choreographed) => Node::Client(Client::new(services(), settings.request_timeout)),
            (_, Coordination::Orchestrated) => {
                let coordinator = vec![Saga::node(ORDER); usize::from(SERVICES)];
                Node::Client(Client::new(coordinator, settings.request_timeout))
            }
        }
    }

    fn validate_op(&self, op: &Request) -> Result<(), String> {
        op.validate()
    }

    fn is_client(&self, node: NodeId) -> bool {
        node.0 >= SERVICES
    }

    fn validate(&self) -> Result<(), String> {
        let Settings { retry, give_up, request_timeout, .. } = self.settings;
        if self.clients == 0 {
            return Err("saga needs at least one client".into());
        }
        if retry == Span::ZERO {
            return Err("retry must be above 0".into());
        }
        if give_up == Span::ZERO {
            return Err("give_up must be above 0; for never make it large".into());
        }
        if request_timeout == Span::ZERO {
            return Err("request_timeout must be above 0".into());
        }
        Ok(())
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
        self.usual_tolerance().crashing(Crashes::any(0..SERVICES).and_clients(self.client_ids().map(NodeId)))
    }

    /// The services stay: fewer clients and more.
    fn sizes(&self) -> Vec<Self> {
        [1, 2, 8].map(|clients| Saga { clients, ..self.clone() }).to_vec()
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

    /// Both styles of coordination, both ways to recover, coordinators that give up soon and hardly ever.
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

    /// A few customers buy a few products, in bursts, somebody does jobs of any shape, and now and then somebody transfers
    /// money. There is not enough of anything for all.
    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        // Now and then somebody wants more than anybody can pay for.
        let pieces = prop_oneof![6 => 1..6i64, 1 => 12..16i64];
        let order = (0..CUSTOMERS, 0..PRODUCTS, pieces)
            .prop_map(|(customer, product, pieces)| Request::Order(Order { customer, product, pieces }));
        let transfer = transfer::between(ACCOUNTS).prop_map(Request::Transfer);
        let job = Job::any().prop_map(Request::Job);
        let until = Time::ZERO + Span(self.phases().chaos.0 * 3 / 4);
        workload(self.client_ids(), 3..14, until, prop_oneof![5 => order, 1 => transfer, 2 => job])
    }
}
