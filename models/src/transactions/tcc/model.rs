//! The model: a coordinator, three participants and their clients.

use proptest::prelude::*;
use seedbed_sim::{
    Context, Crashes, FaultClass, Info, Model, NodeId, OpId, Phases, Process, Span, Time, Tolerance, Workload, kinds,
};
use serde::{Deserialize, Serialize};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::client;
use crate::transactions::client::{Asks, Client};
use crate::transactions::store::Key;
use crate::transactions::tcc::bugs::Bug;
use crate::transactions::tcc::business::{ACCOUNTS, CHOICES, COORDINATOR, PARTICIPANTS, Request, Trip, reserved};
use crate::transactions::tcc::coordinator::Coordinator;
use crate::transactions::tcc::marks;
use crate::transactions::tcc::messages::{Message, Outcome, Record};
use crate::transactions::tcc::participant::Participant;
use crate::transactions::transfer::{self, Transfer, Transfers};

/// How transactions are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long until what was not answered is said again.
    pub retry: Span,
    /// How long the coordinator waits for all to reserve.
    pub give_up: Span,
    /// How long a reservation lasts before the participant asks what is to become of it.
    pub reservation: Span,
    /// How long a client waits before it asks again.
    pub patience: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { retry: Span::ms(40), give_up: Span::ms(200), reservation: Span::ms(300), patience: Span::ms(150) }
    }
}

/// The configuration: the coordinator `n0`, the participants `n1` to `n3`, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tcc {
    /// How many clients.
    pub clients: u16,
    /// How transactions are run.
    pub settings: Settings,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<Bug>,
}

impl Default for Tcc {
    fn default() -> Self {
        Tcc { clients: 3, settings: Settings::default(), bug: None }
    }
}

/// Coordinator and participants.
const SERVERS: u16 = 1 + PARTICIPANTS;

impl Tcc {
    /// The same with a bug planted.
    pub fn with_bug(self, bug: Bug) -> Self {
        Tcc { bug: Some(bug), ..self }
    }

    /// The nodes that are participants.
    pub fn participants() -> impl Iterator<Item = NodeId> {
        (1..SERVERS).map(NodeId)
    }

    fn client_ids(&self) -> std::ops::Range<u16> {
        SERVERS..SERVERS + self.clients.max(1)
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

/// The coordinator, a participant, or a client.
// Most nodes are servers: a box would cost more than the room that clients waste.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Node {
    /// Decides.
    Coordinator(Coordinator),
    /// Reserves.
    Participant(Participant),
    /// Asks for transactions.
    Client(Client<Request>),
}

impl Node {
    /// The participant, if it is one.
    pub fn participant(&self) -> Option<&Participant> {
        match self {
            Node::Participant(participant) => Some(participant),
            Node::Coordinator(_) | Node::Client(_) => None,
        }
    }

    /// The coordinator, if it is one.
    pub fn coordinator(&self) -> Option<&Coordinator> {
        match self {
            Node::Coordinator(coordinator) => Some(coordinator),
            Node::Participant(_) | Node::Client(_) => None,
        }
    }
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The coordinator asks again.
    Retry(TxId),
    /// It takes too long to reserve.
    GiveUp(TxId),
    /// A reservation times out.
    Expires(TxId),
    /// A client asks again.
    Again,
}
kinds!(Timer: Retry, GiveUp, Expires, Again);

impl Asks for Node {
    fn request(tx: TxId, op: &Request) -> Message {
        Message::Book { tx, request: *op }
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
        match self {
            Node::Coordinator(coordinator) => coordinator.start(ctx),
            Node::Participant(participant) => participant.start(ctx),
            Node::Client(_) => {}
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match (self, message) {
            (Node::Coordinator(node), Message::Book { tx, request }) => node.book(ctx, from, tx, request),
            (Node::Coordinator(node), Message::Tried { tx, refused }) => node.tried(ctx, from, tx, refused),
            (Node::Coordinator(node), Message::Confirmed { tx } | Message::Cancelled { tx }) => {
                node.done(ctx, from, tx)
            }
            (Node::Coordinator(node), Message::Ask { tx, request }) => node.asked(ctx, from, tx, request),
            (Node::Participant(node), Message::Try { tx, request }) => node.reserve(ctx, tx, request),
            (Node::Participant(node), Message::Confirm { tx, request }) => node.confirm(ctx, tx, request),
            (Node::Participant(node), Message::Cancel { tx, request }) => node.cancel(ctx, tx, request),
            (Node::Client(client), Message::Ended { tx, outcome }) => client.answered(ctx, tx, outcome),
            (node, message) => panic!("tcc: a message for another kind of node: {node:?} got {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match (self, timer) {
            (Node::Coordinator(node), Timer::Retry(tx)) => node.retry(ctx, tx),
            (Node::Coordinator(node), Timer::GiveUp(tx)) => node.give_up(ctx, tx),
            (Node::Participant(node), Timer::Expires(tx)) => node.expired(ctx, tx),
            (Node::Client(client), Timer::Again) => client.again(ctx),
            (node, timer) => panic!("tcc: a timer of another kind of node: {node:?} got {timer:?}"),
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Request) {
        match self {
            Node::Client(client) => client.invoke(ctx, op, COORDINATOR, input),
            _ => panic!("tcc: operations are for clients: {op:?} came to a server"),
        }
    }
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
            COORDINATOR => Node::Coordinator(Coordinator::new(self.settings)),
            NodeId(1..SERVERS) => Node::Participant(Participant::new(node, self.settings, self.bug)),
            _ => Node::Client(Client::new(self.settings.patience)),
        }
    }

    fn validate(&self) -> Result<(), String> {
        let Settings { retry, give_up, reservation, patience } = self.settings;
        match () {
            () if retry == Span::ZERO => Err("retry must be above 0".into()),
            () if give_up == Span::ZERO => Err("give_up must be above 0; for never make it large".into()),
            () if reservation == Span::ZERO => Err("reservation must be above 0".into()),
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

    /// Changes how many clients there are; the servers stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let clients = nodes.checked_sub(usize::from(SERVERS)).and_then(|n| u16::try_from(n).ok());
        self.clients = clients
            .filter(|clients| *clients > 0)
            .ok_or_else(|| format!("tcc has {SERVERS} servers, and clients: {nodes} nodes are too few or too many"))?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        Tolerance::of(self).crashing(Crashes::any(0..SERVERS))
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
        transfer::asked(self.client_ids(), 3..14, until, prop_oneof![3 => trip, 1 => transfer].boxed())
    }
}
