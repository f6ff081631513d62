//! The model: a register, two oracles, shards and clients.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{Crashes, FaultClass, Info, Model, NodeId, Phases, Roles, Span, Time, Tolerance, Workload};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::{MOST_AT_A_TIME, MOST_KEYS, at_most};
use crate::parts::wal;
use crate::transactions::mvcc::bugs::Bug;
use crate::transactions::mvcc::client::Client;
use crate::transactions::mvcc::columns::{Columns, Row};
use crate::transactions::mvcc::marks;
use crate::transactions::mvcc::messages::{Message, Op, Record, Ret, Timer};
use crate::transactions::mvcc::oracle::{Oracle, State};
use crate::transactions::mvcc::register::Register;
use crate::transactions::mvcc::settings::{Isolation, Settings};
use crate::transactions::mvcc::shard::Shard;
use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::mvcc::workload;
use crate::transactions::store::Key;
use crate::transactions::transfer::{self, INITIAL_BALANCE, Transfer, Transfers, keys_of};

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
    /// The isolation level that transactions have.
    pub isolation: Isolation,
    /// The isolation level that clients rely on. A higher one than they have is a boundary.
    pub relied_on: Isolation,
    /// How many timestamps an oracle allocates at a time.
    pub batch: u64,
    /// After how long a node sends again what was not answered.
    #[serde(alias = "patience")]
    pub retry: Span,
    /// How old a primary's lock must be for its transaction to be taken for abandoned.
    pub ttl: Span,
}

/// The node that holds the register.
const REGISTER: NodeId = NodeId(0);
/// How many oracles there are, after the register.
const ORACLES: u16 = 2;
/// The number of the first shard.
const FIRST_SHARD: u16 = 1 + ORACLES;

impl Default for Mvcc {
    fn default() -> Self {
        Mvcc {
            shards: 2,
            clients: 4,
            keys: 4,
            isolation: Isolation::Snapshot,
            relied_on: Isolation::Snapshot,
            batch: 10,
            retry: Span::ms(50),
            ttl: Span::ms(100),
        }
    }
}

impl Mvcc {
    /// The same at this isolation level, which clients rely on.
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
    pub fn client_ids(&self) -> Range<u16> {
        FIRST_SHARD + self.shards..FIRST_SHARD + self.shards + self.clients
    }

    /// The rows that a shard holds at the beginning.
    pub fn rows_of(&self, shard: NodeId) -> Columns {
        Columns::new(keys_of(shard.0 - FIRST_SHARD, self.shards, self.keys), INITIAL_BALANCE)
    }

    /// The shard that holds a row.
    pub fn home(&self, key: Key) -> NodeId {
        NodeId(FIRST_SHARD + transfer::shard_of(key, self.shards))
    }

    fn settings(&self) -> Settings {
        Settings { isolation: self.isolation, batch: self.batch, retry: self.retry, ttl: self.ttl }
    }

    /// The first oracle begins; the other too, where a shrunk scenario lacks the first.
    fn oracle(&self, node: NodeId, nodes: &[NodeId]) -> Oracle {
        let peer = self.oracle_ids().find(|other| *other != node && nodes.contains(other));
        let eager = node == NodeId(1) || peer.is_none();
        Oracle::new(REGISTER, peer, eager, self.settings())
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// Keeps the allocation of timestamps.
    Register(Register),
    /// Hands out timestamps, or is on standby.
    Oracle(Oracle),
    /// Holds rows.
    Shard(Shard),
    /// Runs transactions.
    Client(Client),
}

/// A locked row keeps readers out until they have looked at its primary.
impl Transfers for Mvcc {
    fn clients(&self) -> Range<u16> {
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
        let Some(columns) = process.shard().map(Shard::columns) else { return Vec::new() };
        let seen = |key: Key, row: &Row| columns.blocks_read(key, NOW).is_none().then(|| row.version(NOW).value);
        columns.rows().map(|(key, row)| (key, seen(key, row))).collect()
    }
}

impl Model for Mvcc {
    type Process = Node;

    const INFO: Info = Info {
        name: "mvcc",
        row: "C29",
        family: "transactions",
        summary: "Snapshot isolation, plain and serializable, over sharded rows with a timestamp oracle (Peng & Dabek 2010).",
        sources: &[
            "Peng & Dabek, *Large-scale Incremental Processing Using Distributed Transactions and Notifications*, OSDI 2010",
            "Gómez Ferro & Yabandeh, *A Critique of Snapshot Isolation*, EuroSys 2012",
            "Cahill, Röhm & Fekete, *Serializable Isolation for Snapshot Databases*, SIGMOD 2008",
            "Ports & Grittner, *Serializable Snapshot Isolation in PostgreSQL*, VLDB 2012",
        ],
        tolerates: &FaultClass::USUAL,
        // A committer has locks; a shard is locked where it holds them; the oracle is the active one.
        roles: &["committer", "locked", "oracle"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(FIRST_SHARD) + usize::from(self.shards) + usize::from(self.clients)
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let shards = || self.shard_ids().collect();
        match node.0 {
            0 => Node::Register(Register::default()),
            n if n < FIRST_SHARD => Node::Oracle(self.oracle(node, nodes)),
            n if n < FIRST_SHARD + self.shards => {
                Node::Shard(Shard::new(shards(), self.rows_of(node), self.settings()))
            }
            _ => {
                let oracles = self.oracle_ids().filter(|oracle| nodes.contains(oracle)).collect();
                Node::Client(Client::new(oracles, shards(), self.settings()))
            }
        }
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        op.validate(self.keys)
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.client_ids().contains(&node.0)
    }

    fn validate(&self) -> Result<(), String> {
        at_most("keys", self.keys, MOST_KEYS)?;
        at_most("batch", self.batch, MOST_AT_A_TIME)?;
        match self {
            Mvcc { shards: 0, .. } => Err("mvcc needs at least one shard".into()),
            Mvcc { keys: 0 | 1, .. } => Err("mvcc needs at least two rows".into()),
            Mvcc { clients: 0, .. } => Err("mvcc needs at least one client".into()),
            Mvcc { retry: Span::ZERO, .. } | Mvcc { ttl: Span::ZERO, .. } => {
                Err("retry and ttl must be above 0".into())
            }
            Mvcc { batch: 0, .. } => Err("an oracle allocates at least one timestamp at a time: set batch to 1".into()),
            _ => Ok(()),
        }
    }

    /// All but the last half of the clients: a partition can then leave a client that never crashes alone with an oracle.
    fn tolerance(&self) -> Tolerance {
        self.usual_tolerance().crashing(Crashes::any(0..self.client_ids().end - self.clients / 2))
    }

    /// From one shard that holds all rows to several that hold some, and rows for which many contend.
    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 1, 2), (1, 4, 3), (3, 6, 6), (4, 8, 12), (2, 7, 2)];
        sizes.map(|(shards, clients, keys)| Mvcc { shards, clients, keys, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        self.retry
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Oracle(oracle), "oracle") => match oracle.state() {
                State::Active(active) => Some(active.epoch.0),
                _ => None,
            },
            (Node::Client(client), "committer") => {
                client.holds_locks().then(|| client.outstanding().map_or(0, |op| op.0))
            }
            (Node::Shard(shard), "locked") => shard.columns().locks().last().map(|(_, start, _)| start.0),
            _ => None,
        }
    }

    /// All isolation levels, batches of one and of many, short and long timeouts, locks that are soon taken for abandoned.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let isolation = if self.isolation == self.relied_on {
            let all = [Isolation::Snapshot, Isolation::WriteSnapshot, Isolation::Serializable];
            prop::sample::select(all.to_vec()).boxed()
        } else {
            Just(self.isolation).boxed()
        };
        let batch = prop_oneof![1 => Just(self.batch), 1 => Just(1), 2 => Just(100)];
        let retry = prop_oneof![2 => Just(self.retry), 1 => Just(Span::ms(25))];
        let ttl = prop_oneof![2 => Just(self.ttl), 1 => Just(Span::ms(15)), 1 => Just(Span::ms(300))];
        (isolation, batch, retry, ttl)
            .prop_map(move |(isolation, batch, retry, ttl)| {
                let relied_on = model.relied_on.max(isolation);
                let relied_on = if model.isolation == model.relied_on { isolation } else { relied_on };
                Mvcc { isolation, relied_on, batch, retry, ttl, ..model.clone() }
            })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(3) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        workload::workload(self.client_ids(), self.keys, Time::ZERO + self.phases().chaos)
    }
}
