//! The model: a broker, services and clients.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{FaultClass, Info, Model, NodeId, Operation, Phases, Roles, Span, Workload};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::{MOST_KEYS, at_most};
use crate::parts::client::{self, Client};
use crate::parts::wal;
use crate::transactions::outbox::broker::Broker;
use crate::transactions::outbox::bugs::Bug;
use crate::transactions::outbox::marks;
use crate::transactions::outbox::messages::{Message, Op, Record, Requests, Ret, Timer};
use crate::transactions::outbox::service::Service;
use crate::transactions::outbox::settings::{Relay, Settings};
use crate::transactions::store::{Key, Store};
use crate::transactions::transfer::{self, INITIAL_BALANCE, Transfer, Transfers, keys_of};

/// The configuration: the broker `n0`, then services, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// How many services.
    pub services: u16,
    /// How many clients.
    pub clients: u16,
    /// How many accounts, spread over the services in turn.
    pub accounts: u16,
    /// How messages get to the broker.
    pub relay: Relay,
    /// The time between two looks of a polling relay into the outbox.
    #[serde(alias = "interval")]
    pub poll_interval: Span,
    /// After how long a node sends again what was not acknowledged or answered.
    #[serde(alias = "patience")]
    pub retry: Span,
}

/// The node that is the broker.
pub const BROKER: NodeId = NodeId(0);

impl Default for Outbox {
    fn default() -> Self {
        Outbox {
            services: 2,
            clients: 3,
            accounts: 4,
            relay: Relay::Polling,
            poll_interval: Span::ms(30),
            retry: Span::ms(50),
        }
    }
}

impl Outbox {
    /// The same with this relay.
    pub fn with(self, relay: Relay) -> Self {
        Outbox { relay, ..self }
    }

    /// The services, in their order.
    pub fn service_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=self.services).map(NodeId)
    }

    /// The clients.
    pub fn client_ids(&self) -> Range<u16> {
        1 + self.services..1 + self.services + self.clients
    }

    /// The service that keeps an account.
    pub fn home(&self, account: Key) -> NodeId {
        NodeId(1 + transfer::shard_of(account, self.services))
    }

    fn settings(&self) -> Settings {
        Settings { relay: self.relay, poll_interval: self.poll_interval, retry: self.retry }
    }
}

/// A transfer is a withdrawal, and a deposit that is published.
impl Transfers for Outbox {
    fn clients(&self) -> Range<u16> {
        self.client_ids()
    }

    fn account_count(&self) -> u16 {
        self.accounts
    }

    fn request(transfer: Transfer) -> Op {
        Op::Transfer(transfer)
    }

    fn moved(answer: &Ret) -> bool {
        *answer == Ret::Committed
    }

    fn accounts(process: &Node) -> Vec<(Key, Option<i64>)> {
        let cells = process.service().into_iter().flat_map(|service| service.store().cells());
        cells.map(|(key, cell)| (key, Some(cell.value))).collect()
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// Stores messages, and delivers them.
    Broker(Broker),
    /// Keeps accounts, publishes, and consumes.
    Service(Service),
    /// Asks for transfers.
    Client(Client<Requests>),
}

impl Model for Outbox {
    type Process = Node;

    const INFO: Info = Info {
        name: "outbox",
        row: "C28",
        family: "transactions",
        summary: "Messages that are published if and only if their transaction commits: outbox, inbox, half messages.",
        sources: &[
            "Helland, *Life beyond Distributed Transactions: an Apostate's Opinion*, CIDR 2007",
            "Richardson, *Microservices Patterns*, 2018, section 3.3",
        ],
        tolerates: &FaultClass::USUAL,
        // A relay has messages that the broker is not known to have; a broker has messages that are not consumed.
        roles: &["relay", "broker"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS, client::MARKS],
    };

    fn size(&self) -> usize {
        1 + usize::from(self.services) + usize::from(self.clients)
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        let services = || self.service_ids().collect();
        match node {
            BROKER => Node::Broker(Broker::new(services(), self.settings())),
            NodeId(n) if n <= self.services => {
                let store = Store::new(keys_of(n - 1, self.services, self.accounts), INITIAL_BALANCE);
                Node::Service(Service::new(BROKER, store, self.settings()))
            }
            _ => Node::Client(Client::new(services(), self.retry)),
        }
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        let Op::Transfer(transfer) = op;
        transfer.validate(self.accounts)
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.client_ids().contains(&node.0)
    }

    fn validate(&self) -> Result<(), String> {
        at_most("accounts", self.accounts, MOST_KEYS)?;
        match self {
            Outbox { services: 0, .. } => Err("outbox needs at least one service".into()),
            Outbox { accounts: 0 | 1, .. } => Err("outbox needs at least two accounts".into()),
            Outbox { poll_interval: Span::ZERO, .. } | Outbox { retry: Span::ZERO, .. } => {
                Err("poll_interval and retry must be above 0".into())
            }
            Outbox { clients: 0, .. } => Err("outbox needs at least one client".into()),
            _ => Ok(()),
        }
    }

    /// From one service that keeps all accounts to several that keep some.
    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 1, 2), (1, 3, 3), (3, 4, 6), (4, 6, 9), (2, 8, 2)];
        sizes.map(|(services, clients, accounts)| Outbox { services, clients, accounts, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        self.retry
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Service(service), "relay") => Some(service.unsent() as u64).filter(|unsent| *unsent > 0),
            (Node::Broker(broker), "broker") => broker.busy().then_some(0),
            _ => None,
        }
    }

    /// All three relays, relays that poll often and seldom, short and long timeouts.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let relay = prop_oneof![Just(Relay::Polling), Just(Relay::Tailing), Just(Relay::Transactional)];
        let poll_interval =
            prop_oneof![2 => Just(self.poll_interval), 1 => Just(Span::ms(5)), 1 => Just(Span::ms(120))];
        let retry = prop_oneof![2 => Just(self.retry), 1 => Just(Span::ms(25))];
        (relay, poll_interval, retry)
            .prop_map(move |(relay, poll_interval, retry)| Outbox { relay, poll_interval, retry, ..model.clone() })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(4) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let until = self.phases().heal_at();
        let asked = |Operation { at, client, op }: Operation<Transfer>| Operation { at, client, op: Op::Transfer(op) };
        transfer::transfers(self.client_ids(), self.accounts, 15..50, until)
            .prop_map(move |transfers| transfers.into_iter().map(asked).collect())
            .boxed()
    }
}
