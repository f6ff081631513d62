//! The model: a register, two oracles, shards and clients.

use proptest::prelude::*;
use seedbed_sim::{
    Context, Crashes, FaultClass, Info, Model, NodeId, OpId, Phases, Process, Span, Time, Tolerance, Workload, kinds,
};
use serde::{Deserialize, Serialize};

use crate::parts::wal;
use crate::transactions::mvcc::bugs::Bug;
use crate::transactions::mvcc::client::{self, Client};
use crate::transactions::mvcc::columns::{Change, Columns, Row};
use crate::transactions::mvcc::marks;
use crate::transactions::mvcc::messages::Message;
use crate::transactions::mvcc::oracle::{self, Oracle, State};
use crate::transactions::mvcc::register::Register;
use crate::transactions::mvcc::shard::{self, Shard};
use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::mvcc::work::{self, Op, Ret};
use crate::transactions::store::Key;
use crate::transactions::transfer::{self, INITIAL_BALANCE, Transfer, Transfers, keys_of};

/// What transactions are promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Snapshot isolation (Berenson et al. 1995): what two write, one must have seen of the other.
    Snapshot,
    /// Serializability, by write-snapshot isolation: what is read must be as it was when the transaction commits.
    Serializable,
}

/// The configuration: the register `n0`, the oracles `n1` and `n2`, then shards, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mvcc {
    /// How many shards.
    pub shards: u16,
    /// How many clients.
    pub clients: u16,
    /// How many rows, spread over the shards in turn.
    pub keys: u16,
    /// What the store is set to.
    pub isolation: Isolation,
    /// What the clients count on. More than the store is set to is a boundary.
    pub relied_on: Isolation,
    /// How many timestamps an oracle reserves at a time.
    pub batch: u64,
    /// How long everybody waits for an answer before asking again.
    pub patience: Span,
    /// How old a primary's lock must be to be taken for abandoned.
    pub ttl: Span,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<Bug>,
}

/// The node that holds the register.
pub const REGISTER: NodeId = NodeId(0);
/// How many oracles there are, after the register.
const ORACLES: u16 = 2;
/// Where the shards begin.
const FIRST_SHARD: u16 = 1 + ORACLES;
/// How often a client asks before it gives up.
const TRIES: u32 = 20;

impl Default for Mvcc {
    fn default() -> Self {
        Mvcc {
            shards: 2,
            clients: 4,
            keys: 4,
            isolation: Isolation::Snapshot,
            relied_on: Isolation::Snapshot,
            batch: 10,
            patience: Span::ms(50),
            ttl: Span::ms(100),
            bug: None,
        }
    }
}

impl Mvcc {
    /// The same in another mode, which the clients rely on.
    pub fn at(self, isolation: Isolation) -> Self {
        Mvcc { isolation, relied_on: isolation, ..self }
    }

    /// The oracles.
    pub fn oracle_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=ORACLES).map(NodeId)
    }

    /// The shards, in their order.
    pub fn shard_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (FIRST_SHARD..FIRST_SHARD + self.shards).map(NodeId)
    }

    /// The clients.
    pub fn client_ids(&self) -> std::ops::Range<u16> {
        FIRST_SHARD + self.shards..FIRST_SHARD + self.shards + self.clients
    }

    /// What a shard holds at the beginning.
    pub fn rows_of(&self, shard: NodeId) -> Columns {
        Columns::new(keys_of(shard.0 - FIRST_SHARD, self.shards, self.keys), INITIAL_BALANCE)
    }

    /// Who holds a row.
    pub fn home(&self, key: Key) -> NodeId {
        NodeId(FIRST_SHARD + transfer::shard_of(key, self.shards))
    }

    fn shard_settings(&self) -> shard::Settings {
        shard::Settings { shards: self.shard_ids().collect(), ttl: self.ttl, bug: self.bug }
    }

    fn oracle(&self, node: NodeId, nodes: &[NodeId]) -> Oracle {
        let peer = self.oracle_ids().find(|other| *other != node && nodes.contains(other));
        Oracle::new(oracle::Settings {
            register: REGISTER,
            peer,
            eager: node == NodeId(1) || peer.is_none(),
            batch: self.batch,
            patience: self.patience,
            takeover: self.patience,
            bug: self.bug,
        })
    }

    fn client(&self, nodes: &[NodeId]) -> Client {
        Client::new(client::Settings {
            oracles: self.oracle_ids().filter(|oracle| nodes.contains(oracle)).collect(),
            shards: self.shard_settings(),
            isolation: self.isolation,
            patience: self.patience,
            tries: TRIES,
            backoff: Span(self.patience.0 / 4),
            bug: self.bug,
        })
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Node {
    /// The oracles' register.
    Register(Register),
    /// An oracle.
    Oracle(Oracle),
    /// A shard.
    Shard(Shard),
    /// A client.
    Client(Client),
}

/// The timers of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A client or an oracle asks again.
    Retry,
    /// An oracle takes over from one that does not answer.
    Takeover,
    /// A shard looks for old locks.
    Sweep,
}
kinds!(Timer: Retry, Takeover, Sweep);

/// A record on a node's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// A shard's log: a change.
    Change(Change),
    /// The register's state.
    Register(Register),
    /// An oracle's: how often it has started.
    Life(u64),
}

impl Record {
    /// How often an oracle has started, if it tells that.
    pub fn life(&self) -> Option<u64> {
        match self {
            Record::Life(life) => Some(*life),
            _ => None,
        }
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
            Node::Register(register) => register.start(ctx),
            Node::Oracle(oracle) => oracle.start(ctx),
            Node::Shard(shard) => shard.start(ctx),
            Node::Client(_) => {}
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match self {
            Node::Register(register) => match message {
                Message::Claim { life, over } => register.claim(ctx, from, life, over),
                Message::Confirm { epoch, upto, bound } => register.confirm(ctx, from, epoch, upto, bound),
                message => panic!("a register is asked by oracles: {from} sent it {message:?}"),
            },
            Node::Oracle(oracle) => match message {
                Message::Ask { tx, stage } => oracle.ask(ctx, from, tx, stage),
                Message::Ping => oracle.ping(ctx, from),
                Message::Pong { active } => oracle.pong(ctx, active),
                Message::Held { epoch, holder, bound } => oracle.held(ctx, epoch, holder, bound),
                Message::Confirmed { epoch, upto } => oracle.confirmed(ctx, epoch, upto),
                message => panic!("an oracle has no rows: {from} sent it {message:?}"),
            },
            Node::Shard(shard) => match message {
                Message::Get { start, key } => shard.get(ctx, from, start, key),
                Message::Prewrite { start, key, lock, cell } => shard.prewrite(ctx, from, (start, key), lock, cell),
                Message::Commit { start, key, commit } => shard.commit(ctx, from, start, key, commit),
                Message::Rollback { start, key } => shard.rollback(ctx, from, start, key),
                Message::CheckPrimary { holder, primary, met } => {
                    shard.check_primary(ctx, from, (holder, primary), met)
                }
                Message::Status { holder, met, fate } => shard.status(ctx, holder, met, fate),
                message => panic!("a shard is asked for its rows: {from} sent it {message:?}"),
            },
            Node::Client(client) => match message {
                Message::Timestamp { tx, stage, ts } => client.timestamp(ctx, tx, stage, ts),
                Message::Elsewhere { tx } => client.elsewhere(ctx, from, tx),
                Message::Got { start, key, cell } => client.got(ctx, start, key, cell),
                Message::Prewritten { start, key } => client.prewritten(ctx, start, key),
                Message::Locked { start, key, holder, primary } => client.locked(ctx, (start, key), (holder, primary)),
                Message::Conflict { start, key, .. } => client.conflict(ctx, start, key),
                Message::Committed { start, key } => client.committed(ctx, start, key),
                Message::RolledBack { start, key } => client.rolled_back(ctx, start, key),
                Message::Status { holder, met, fate } => client.status(ctx, holder, met, fate),
                message => panic!("a client serves nobody: {from} sent it {message:?}"),
            },
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match (self, timer) {
            (Node::Oracle(oracle), Timer::Retry) => oracle.retry(ctx),
            (Node::Oracle(oracle), Timer::Takeover) => oracle.take_over(ctx),
            (Node::Shard(shard), Timer::Sweep) => shard.sweep(ctx),
            (Node::Client(client), Timer::Retry) => client.retry(ctx),
            (node, timer) => panic!("mvcc: a timer of another kind of node: {node:?} got {timer:?}"),
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        match self {
            Node::Client(client) => client.invoke(ctx, op, &input),
            node => panic!("mvcc: operations are for clients: {op:?} came to {node:?}"),
        }
    }
}

/// A locked row keeps readers out until they have looked at its primary.
impl Transfers for Mvcc {
    fn clients(&self) -> std::ops::Range<u16> {
        self.client_ids()
    }

    fn account_count(&self) -> u16 {
        self.keys
    }

    fn request(transfer: Transfer) -> Op {
        Op::Transfer(transfer)
    }

    fn moved(answer: &Ret) -> bool {
        matches!(answer, Ret::Committed { .. })
    }

    fn accounts(process: &Node) -> Vec<(Key, Option<i64>)> {
        const NOW: Ts = Ts(u64::MAX);
        let Node::Shard(shard) = process else { return Vec::new() };
        let columns = shard.columns();
        let seen = |key: Key, row: &Row| columns.hides(key, NOW).is_none().then(|| row.version(NOW).value);
        columns.rows().map(|(key, row)| (key, seen(key, row))).collect()
    }
}

impl Model for Mvcc {
    type Process = Node;

    const INFO: Info = Info {
        name: "mvcc",
        row: "C29",
        family: "transactions",
        summary: "Snapshot isolation over sharded multi-version rows with a timestamp oracle (Peng & Dabek 2010).",
        sources: &[
            "Peng & Dabek, *Large-scale Incremental Processing Using Distributed Transactions and Notifications*, OSDI 2010",
            "Gómez Ferro & Yabandeh, *A Critique of Snapshot Isolation*, EuroSys 2012",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["committer", "locked", "oracle"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(FIRST_SHARD + self.shards + self.clients)
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        match node.0 {
            0 => Node::Register(Register::default()),
            n if n < FIRST_SHARD => Node::Oracle(self.oracle(node, nodes)),
            n if n < FIRST_SHARD + self.shards => Node::Shard(Shard::new(self.shard_settings(), self.rows_of(node))),
            _ => Node::Client(self.client(nodes)),
        }
    }

    fn validate(&self) -> Result<(), String> {
        match self {
            Mvcc { shards: 0, .. } => Err("mvcc needs at least one shard".into()),
            Mvcc { keys: 0 | 1, .. } => Err("mvcc needs at least two rows".into()),
            Mvcc { clients: 0, .. } => Err("mvcc needs at least one client".into()),
            Mvcc { batch: 0, .. } => Err("an oracle reserves at least one timestamp at a time: set batch to 1".into()),
            _ => Ok(()),
        }
    }

    fn bug(&self) -> Option<&'static str> {
        self.bug.map(Bug::name)
    }

    fn set_bug(&mut self, bug: Option<&'static str>) {
        self.bug = Bug::planted(bug);
    }

    /// All but the last half of the clients: who never crashes can be parted with an oracle from all others.
    fn tolerance(&self) -> Tolerance {
        Tolerance::of(self).crashing(Crashes::any(0..self.client_ids().end - self.clients / 2))
    }

    fn reaction_time(&self) -> Span {
        self.patience
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Oracle(oracle), "oracle") => match oracle.state() {
                State::Active(reign) => Some(reign.epoch.0),
                _ => None,
            },
            (Node::Client(client), "committer") => {
                client.holds_locks().then(|| client.operation().map_or(0, |op| op.0))
            }
            (Node::Shard(shard), "locked") => shard.columns().locks().last().map(|(_, start, _)| start.0),
            _ => None,
        }
    }

    /// Both modes, batches of one and of many, impatient and patient clients, locks that are soon taken for abandoned.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let isolation = match self.isolation == self.relied_on {
            true => prop_oneof![Just(Isolation::Snapshot), Just(Isolation::Serializable)].boxed(),
            false => Just(self.isolation).boxed(),
        };
        let batch = prop_oneof![1 => Just(self.batch), 1 => Just(1), 2 => Just(100)];
        let patience = prop_oneof![2 => Just(self.patience), 1 => Just(Span::ms(25))];
        let ttl = prop_oneof![2 => Just(self.ttl), 1 => Just(Span::ms(15)), 1 => Just(Span::ms(300))];
        (isolation, batch, patience, ttl)
            .prop_map(move |(isolation, batch, patience, ttl)| {
                let relied_on = model.relied_on.max(isolation);
                let relied_on = if model.isolation == model.relied_on { isolation } else { relied_on };
                Mvcc { isolation, relied_on, batch, patience, ttl, ..model.clone() }
            })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(3) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        work::workload(self.client_ids(), self.keys, Time::ZERO + self.phases().chaos)
    }
}
