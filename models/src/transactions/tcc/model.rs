//! The model: a coordinator, three participants and their clients.

use proptest::prelude::*;
use seedbed_sim::{Crashes, FaultClass, Info, Model, NodeId, Phases, Roles, Span, Time, Tolerance, Workload, workload};
use serde::{Deserialize, Serialize};

use crate::parts::client::{self, Client};
use crate::parts::wal;
use crate::transactions::store::Key;
use crate::transactions::tcc::bugs::Bug;
use crate::transactions::tcc::business::{ACCOUNTS, CHOICES, PARTICIPANTS, Request, Trip, reserved};
use crate::transactions::tcc::coordinator::Coordinator;
use crate::transactions::tcc::marks;
use crate::transactions::tcc::messages::{Message, Outcome, Record, Requests, Timer};
use crate::transactions::tcc::participant::Participant;
use crate::transactions::tcc::settings::Settings;
use crate::transactions::transfer::{self, Transfer, Transfers};

/// The configuration: the coordinator `n0`, the participants `n1` to `n3`, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tcc {
    /// How many clients.
    pub clients: u16,
    /// The timeouts.
    pub settings: Settings,
}

impl Default for Tcc {
    fn default() -> Self {
        Tcc { clients: 3, settings: Settings::default() }
    }
}

/// The coordinator.
const COORDINATOR: NodeId = NodeId(0);
/// How many nodes are coordinator and participants.
const SERVERS: u16 = 1 + PARTICIPANTS;

impl Tcc {
    /// The nodes that are participants.
    pub fn participants() -> impl Iterator<Item = NodeId> {
        (1..SERVERS).map(NodeId)
    }

    /// The participant of this place.
    pub fn participant(place: u16) -> NodeId {
        NodeId(1 + place)
    }

    fn client_ids(&self) -> std::ops::Range<u16> {
        SERVERS..SERVERS + self.clients
    }
}

/// What is reserved is still its owner's until it is used: it counts as the balance of the account.
impl Transfers for Tcc {
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
        *answer == Outcome::Confirmed
    }

    fn accounts(process: &Node) -> Vec<(Key, Option<i64>)> {
        let Some(store) = process.participant().map(Participant::store) else { return Vec::new() };
        let held = |key: Key| store.get(reserved(key)).map_or(0, |cell| cell.value);
        let accounts = store.cells().filter(|(key, _)| key.0 < ACCOUNTS);
        accounts.map(|(key, cell)| (key, Some(cell.value + held(key)))).collect()
    }
}

/// A node.
// Most nodes are servers: a box would cost more than the room that clients waste.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Request, Outcome)]
pub enum Node {
    /// Decides.
    Coordinator(Coordinator),
    /// Reserves.
    Participant(Participant),
    /// Asks for transactions.
    Client(Client<Requests>),
}

impl Model for Tcc {
    type Process = Node;

    const INFO: Info = Info {
        name: "tcc",
        row: "C27",
        family: "transactions",
        summary: "Try, confirm, cancel: all use what they have reserved, or none (Helland 2007; Pardon & Pautasso 2014).",
        sources: &[
            "Helland, *Life beyond Distributed Transactions: an Apostate's Opinion*, CIDR 2007",
            "Pardon & Pautasso, *Atomic Distributed Transactions: a RESTful Design*, WS-REST 2014",
        ],
        tolerates: &FaultClass::USUAL,
        // A decider has decided, and not all have done it yet; a reserver has reserved and does not know what becomes
        // of it.
        roles: &["coordinator", "reserver", "decider"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS, client::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(SERVERS) + usize::from(self.clients)
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        match node {
            COORDINATOR => Node::Coordinator(Coordinator::new(Tcc::participants().collect(), self.settings)),
            NodeId(1..SERVERS) => Node::Participant(Participant::new(COORDINATOR, node.0 - 1, self.settings)),
            _ => Node::Client(Client::new(vec![COORDINATOR], self.settings.request_timeout)),
        }
    }

    fn validate_op(&self, op: &Request) -> Result<(), String> {
        op.validate()
    }

    fn is_client(&self, node: NodeId) -> bool {
        node.0 >= SERVERS
    }

    fn validate(&self) -> Result<(), String> {
        let Settings { retry, give_up, reservation, request_timeout } = self.settings;
        match () {
            () if self.clients == 0 => Err("tcc needs at least one client".into()),
            () if retry == Span::ZERO => Err("retry must be above 0".into()),
            () if give_up == Span::ZERO => Err("give_up must be above 0; for never make it large".into()),
            () if reservation == Span::ZERO => Err("reservation must be above 0".into()),
            () if request_timeout == Span::ZERO => Err("request_timeout must be above 0".into()),
            () => Ok(()),
        }
    }

    /// Changes how many clients there are; the servers stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let clients = nodes.checked_sub(usize::from(SERVERS)).and_then(|n| u16::try_from(n).ok());
        self.clients = clients
            .filter(|clients| *clients > 0)
            .ok_or_else(|| format!("tcc has {SERVERS} servers, and clients: {nodes} nodes are too few or too many"))?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        self.usual_tolerance().crashing(Crashes::any(0..SERVERS).and_clients(self.client_ids().map(NodeId)))
    }

    /// The servers stay: fewer clients and more.
    fn sizes(&self) -> Vec<Self> {
        [1, 2, 8].map(|clients| Tcc { clients, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        self.settings.retry
    }

    /// The more transactions, the higher the rank.
    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        let transactions = match (process, role) {
            (Node::Coordinator(coordinator), "coordinator") => coordinator.open().0,
            (Node::Coordinator(coordinator), "decider") => coordinator.open().1,
            (Node::Participant(participant), "reserver") => participant.reservations().count(),
            _ => 0,
        };
        (transactions > 0).then_some(transactions as u64)
    }

    /// Reservations that last and that hardly do, a coordinator that waits and one that hardly does.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let give_up = prop_oneof![2 => Just(self.settings.give_up), 1 => Just(Span::ms(15)), 1 => Just(Span::secs(60))];
        let reservation = prop_oneof![2 => Just(self.settings.reservation), 1 => Just(Span::ms(20))];
        (give_up, reservation)
            .prop_map(move |(give_up, reservation)| Tcc {
                settings: Settings { give_up, reservation, ..model.settings },
                ..model.clone()
            })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_500), settle: Span::secs(2) }
    }

    /// Trips for which there is not enough room, and now and then a transfer.
    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let car = prop::option::of(0..CHOICES);
        let trip = (0..CHOICES, 0..CHOICES, car, 1i64..5)
            .prop_map(|(flight, hotel, car, persons)| Request::Trip(Trip { flight, hotel, car, persons }));
        let transfer = transfer::between(ACCOUNTS).prop_map(Request::Transfer);
        let until = Time::ZERO + Span(self.phases().chaos.0 * 3 / 4);
        workload(self.client_ids(), 3..14, until, prop_oneof![3 => trip, 1 => transfer])
    }
}
