//! The model: a broker, services and clients.

use proptest::prelude::*;
use seedbed_sim::{Context, FaultClass, Info, Model, NodeId, OpId, Operation, Phases, Process, Span, Workload, kinds};
use serde::{Deserialize, Serialize};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::client;
use crate::transactions::client::{Asks, Client};
use crate::transactions::outbox::broker::{self, Broker};
use crate::transactions::outbox::bugs::Bug;
use crate::transactions::outbox::marks;
use crate::transactions::outbox::messages::{Deposit, Message};
use crate::transactions::outbox::service::{self, Service};
use crate::transactions::store::{Key, Store};
use crate::transactions::transfer::{self, INITIAL_BALANCE, Transfer, Transfers, keys_of};

/// How messages get from a service to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relay {
    /// A relay looks into the outbox now and then.
    Polling,
    /// A relay follows the database's log (change data capture).
    Tailing,
    /// The broker has a half message before the transaction begins, and is told how it ended.
    Transactional,
}

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
    /// How long a polling relay lets pass between two looks.
    pub interval: Span,
    /// How long everybody waits for an answer before asking again.
    pub patience: Span,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<Bug>,
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
            interval: Span::ms(30),
            patience: Span::ms(50),
            bug: None,
        }
    }
}

impl Outbox {
    /// The same with another relay.
    pub fn with(self, relay: Relay) -> Self {
        Outbox { relay, ..self }
    }

    /// The services, in their order.
    pub fn service_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=self.services).map(NodeId)
    }

    /// The clients.
    pub fn client_ids(&self) -> std::ops::Range<u16> {
        1 + self.services..1 + self.services + self.clients
    }

    /// The service that keeps an account.
    pub fn home(&self, account: Key) -> NodeId {
        NodeId(1 + transfer::shard_of(account, self.services))
    }
}

/// A transfer is a withdrawal, and a deposit that is published.
impl Transfers for Outbox {
    fn clients(&self) -> std::ops::Range<u16> {
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
        let Node::Service(service) = process else { return Vec::new() };
        service.store().cells().map(|(key, cell)| (key, Some(cell.value))).collect()
    }
}

/// What clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Money from one account to another.
    Transfer(Transfer),
}

/// What clients are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// The money is withdrawn, and the deposit will come.
    Committed,
    /// There was not enough, or the service had forgotten of it: nothing happened and nothing will.
    Aborted,
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Node {
    /// The broker.
    Broker(Broker),
    /// A service.
    Service(Service),
    /// A client, and the services in their order.
    Client(Client<Op>, Vec<NodeId>),
}

/// The timers of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A client asks again.
    Again,
    /// A relay looks what is to be sent.
    Relay,
    /// The broker delivers again to this consumer.
    Redeliver(NodeId),
    /// The broker asks after half messages.
    CheckBack,
}
kinds!(Timer: Again, Relay, Redeliver, CheckBack);

/// A record on a node's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The broker's.
    Broker(broker::Entry),
    /// A service's.
    Service(service::Entry),
    /// How far a relay is that tails the log.
    Position(usize),
}

impl Asks for Node {
    fn request(tx: TxId, Op::Transfer(transfer): &Op) -> Message {
        Message::Request { tx, transfer: *transfer }
    }

    fn again() -> Timer {
        Timer::Again
    }
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        match self {
            Node::Broker(broker) => broker.start(ctx),
            Node::Service(service) => service.start(ctx),
            Node::Client(..) => {}
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match (self, message) {
            (Node::Broker(broker), Message::Publish(deposit)) => broker.publish(ctx, from, deposit),
            (Node::Broker(broker), Message::Half(deposit)) => broker.half(ctx, from, deposit),
            (Node::Broker(broker), Message::End { tx, commit }) => broker.end(ctx, from, tx, commit),
            (Node::Broker(broker), Message::Consumed { offset }) => broker.consumed(ctx, from, offset),
            (Node::Service(service), Message::Request { tx, transfer }) => {
                service.request(ctx, from, Deposit { tx, transfer })
            }
            (Node::Service(service), Message::Published { tx }) => service.published(ctx, tx),
            (Node::Service(service), Message::HalfStored { tx }) => service.half_stored(ctx, tx),
            (Node::Service(service), Message::Ended { tx }) => service.ended(ctx, tx),
            (Node::Service(service), Message::CheckBack(deposit)) => service.check_back(ctx, deposit),
            (Node::Service(service), Message::Deliver { offset, deposit }) => {
                service.deliver(ctx, from, offset, deposit)
            }
            (Node::Client(client, _), Message::Answer { tx, committed }) => {
                client.answered(ctx, tx, if committed { Ret::Committed } else { Ret::Aborted })
            }
            (node, message) => panic!("outbox: a message for another kind of node: {node:?} got {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match (self, timer) {
            (Node::Broker(broker), Timer::Redeliver(consumer)) => broker.redeliver(ctx, consumer),
            (Node::Broker(broker), Timer::CheckBack) => broker.check_back(ctx),
            (Node::Service(service), Timer::Relay) => service.look(ctx),
            (Node::Client(client, _), Timer::Again) => client.again(ctx),
            (node, timer) => panic!("outbox: a timer of another kind of node: {node:?} got {timer:?}"),
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        let Node::Client(client, services) = self else {
            panic!("outbox: operations are for clients: {op:?} came to another node");
        };
        let Op::Transfer(transfer) = input;
        let home = services[usize::from(transfer.from.0) % services.len()];
        client.invoke(ctx, op, home, input);
    }
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
        roles: &["relay", "broker"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS, client::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(1 + self.services + self.clients)
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        let services = || self.service_ids().collect();
        match node {
            BROKER => Node::Broker(Broker::new(broker::Settings {
                services: services(),
                patience: self.patience,
                check_after: Span(self.patience.0 * 2),
            })),
            NodeId(n) if n <= self.services => {
                let store = Store::new(keys_of(n - 1, self.services, self.accounts), INITIAL_BALANCE);
                let settings = service::Settings {
                    broker: BROKER,
                    relay: self.relay,
                    interval: self.interval,
                    patience: self.patience,
                    bug: self.bug,
                };
                Node::Service(Service::new(settings, store))
            }
            _ => Node::Client(Client::new(self.patience), services()),
        }
    }

    fn validate(&self) -> Result<(), String> {
        match self {
            Outbox { services: 0, .. } => Err("outbox needs at least one service".into()),
            Outbox { accounts: 0 | 1, .. } => Err("outbox needs at least two accounts".into()),
            Outbox { clients: 0, .. } => Err("outbox needs at least one client".into()),
            _ => Ok(()),
        }
    }

    fn bug(&self) -> Option<&'static str> {
        self.bug.map(Bug::name)
    }

    fn set_bug(&mut self, bug: Option<&'static str>) {
        self.bug = Bug::planted(bug);
    }

    fn reaction_time(&self) -> Span {
        self.patience
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Service(service), "relay") => Some(service.unsent() as u64).filter(|unsent| *unsent > 0),
            (Node::Broker(broker), "broker") => broker.busy().then_some(0),
            _ => None,
        }
    }

    /// All three ways to the broker, relays that look often and seldom, impatient and patient nodes.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let relay = prop_oneof![Just(Relay::Polling), Just(Relay::Tailing), Just(Relay::Transactional)];
        let interval = prop_oneof![2 => Just(self.interval), 1 => Just(Span::ms(5)), 1 => Just(Span::ms(120))];
        let patience = prop_oneof![2 => Just(self.patience), 1 => Just(Span::ms(25))];
        (relay, interval, patience)
            .prop_map(move |(relay, interval, patience)| Outbox { relay, interval, patience, ..model.clone() })
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
