//! The model: the lease manager, back servers, front servers, clients.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{
    Crashes, FaultClass, Info, Model, NodeId, Phases, Roles, Setting, Span, Time, Tolerance, Workload, workload,
};
use serde::{Deserialize, Serialize};

use crate::communication::request_response::back::{self, Back};
use crate::communication::request_response::bugs::Bug;
use crate::communication::request_response::client::{self, Client};
use crate::communication::request_response::front::Front;
use crate::communication::request_response::leases::Leases;
use crate::communication::request_response::marks;
use crate::communication::request_response::messages::{Call, Key, Message, Op, Record, Ret, Timer};
use crate::parts::wal;

/// The lease manager.
pub const LEASES: NodeId = NodeId(0);
/// How many tallies there are.
pub const KEYS: u8 = 4;
/// The most calls of an operation.
const MOST_CALLS: usize = 8;

/// The configuration: the lease manager `n0`, then back servers, front servers, and clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestResponse {
    /// How many back servers.
    pub backs: u16,
    /// How many front servers.
    pub fronts: u16,
    /// How many clients.
    pub clients: u16,
    /// Whether back servers keep completion records.
    pub table: bool,
    /// How long a session lasts after it was kept alive. Clients keep it alive four times in that.
    pub ttl: Span,
    /// After how long a request without an answer is sent again, at first.
    pub retry: Span,
    /// The longest that it takes to execute a request.
    pub service: Span,
}

impl Default for RequestResponse {
    fn default() -> Self {
        RequestResponse {
            backs: 2,
            fronts: 2,
            clients: 3,
            table: true,
            ttl: Span::ms(600),
            retry: Span::ms(20),
            service: Span::ms(4),
        }
    }
}

impl RequestResponse {
    /// The back servers.
    pub fn back_ids(&self) -> Range<u16> {
        1..1u16.saturating_add(self.backs)
    }

    /// The front servers.
    pub fn front_ids(&self) -> Range<u16> {
        self.back_ids().end..self.back_ids().end.saturating_add(self.fronts)
    }

    /// The clients.
    pub fn client_ids(&self) -> Range<u16> {
        self.front_ids().end..self.front_ids().end.saturating_add(self.clients)
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// Says which sessions last.
    Leases(Leases),
    /// Executes calls.
    Back(Back),
    /// Calls back servers for clients.
    Front(Front),
    /// Calls front servers.
    Client(Client),
}

impl Model for RequestResponse {
    type Process = Node;

    const INFO: Info = Info {
        name: "request_response",
        row: "C01",
        family: "communication",
        summary: "Remote procedure calls through three tiers: deadlines, retries, cancellation, effects at most once.",
        sources: &[
            "Birrell & Nelson, *Implementing Remote Procedure Calls*, TOCS 1984",
            "Lee, Park, Kejriwal, Matsushita & Ousterhout, *Implementing Linearizability at Large Scale and Low Latency*, SOSP 2015",
            "gRPC documentation, *Deadlines*, *Cancellation* and *Retry*",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["executor", "relay", "caller"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    /// Counted without an end, so that what is beyond the largest world is refused with its size.
    fn size(&self) -> usize {
        1 + usize::from(self.backs) + usize::from(self.fronts) + usize::from(self.clients)
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let backs = || self.back_ids().map(NodeId).collect();
        if node == LEASES {
            return Node::Leases(Leases::new(self.ttl));
        }
        if self.back_ids().contains(&node.0) {
            let (recheck, retry) = (Span(self.ttl.0 / 2), self.retry);
            return Node::Back(Back::new(back::Settings {
                leases: LEASES,
                service: self.service,
                recheck,
                retry,
                table: self.table,
            }));
        }
        if self.front_ids().contains(&node.0) {
            return Node::Front(Front::new(backs(), self.retry));
        }
        let fronts = nodes.iter().copied().filter(|node| self.front_ids().contains(&node.0)).collect();
        let keep_alive = Span(self.ttl.0 / 4);
        Node::Client(Client::new(client::Settings { leases: LEASES, fronts, retry: self.retry * 2, keep_alive }))
    }

    fn validate_op(&self, Op::Calls(calls): &Op) -> Result<(), String> {
        let is_known = |key: &Key| key.0 < KEYS;
        let twice = |call: &Call| call.keys.len() == 2 && call.keys[0] == call.keys[1];
        match () {
            () if calls.is_empty() || calls.len() > MOST_CALLS => Err(format!("there must be 1 to {MOST_CALLS} calls")),
            () if calls.iter().any(|call| call.keys.is_empty() || call.keys.len() > 2 || twice(call)) => {
                Err("a call has one key, or two that differ".into())
            }
            () if !calls.iter().flat_map(|call| &call.keys).all(is_known) => Err(format!("keys are 0 to {}", KEYS - 1)),
            () if calls.iter().any(|call| call.amount == 0) => Err("amount must be above 0".into()),
            () if calls.iter().any(|call| call.deadline == Span::ZERO) => Err("deadline must be above 0".into()),
            () => Ok(()),
        }
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.client_ids().contains(&node.0)
    }

    fn validate(&self) -> Result<(), String> {
        match self {
            RequestResponse { backs: 0, .. }
            | RequestResponse { fronts: 0, .. }
            | RequestResponse { clients: 0, .. } => {
                Err("request_response needs a back server, a front server and a client at least".into())
            }
            RequestResponse { retry: Span::ZERO, .. } => Err("retry must be above 0".into()),
            RequestResponse { ttl, .. } if *ttl < Span::ms(4) => Err("ttl must be 4 ms at least".into()),
            _ => Ok(()),
        }
    }

    fn settings() -> &'static [Setting] {
        &[Setting { name: "table", what: "yes, no: whether back servers keep completion records" }]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("table", "yes" | "no") => self.table = value == "yes",
            ("table", _) => return Err(format!("yes or no, and not '{value}'")),
            _ => return Err(format!("request_response has nothing to set called '{name}'")),
        }
        Ok(())
    }

    /// Changes how many clients there are; the servers stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let servers = 1 + usize::from(self.backs) + usize::from(self.fronts);
        let clients = nodes.checked_sub(servers).and_then(|clients| u16::try_from(clients).ok());
        self.clients = clients.filter(|clients| *clients > 0).ok_or_else(|| {
            format!("request_response has {servers} servers beside its clients: {nodes} nodes are too few or too many")
        })?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        let servers = 0..self.front_ids().end;
        self.usual_tolerance().crashing(Crashes::any(servers).and_clients(self.client_ids().map(NodeId)))
    }

    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 1, 1), (1, 2, 2), (3, 3, 6)];
        sizes.map(|(backs, fronts, clients)| RequestResponse { backs, fronts, clients, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        self.retry * 2
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        let count = match (process, role) {
            (Node::Back(back), "executor") => back.waiting(),
            (Node::Front(front), "relay") => front.calls().len(),
            (Node::Client(client), "caller") => client.open().count(),
            _ => 0,
        };
        (count > 0).then_some(count as u64)
    }

    /// Sessions that end soon, and servers that are slow.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let ttl = prop_oneof![2 => Just(self.ttl), 1 => Just(Span::ms(120))];
        let service = prop_oneof![2 => Just(self.service), 1 => Just(Span::ms(40))];
        (ttl, service).prop_map(move |(ttl, service)| RequestResponse { ttl, service, ..model.clone() }).boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_500), settle: Span::secs(3) }
    }

    /// Several calls at once, some over two back servers; deadlines that are short, and some that never pass; now and then a
    /// call is cancelled.
    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let keys = prop_oneof![
            2 => (0..KEYS).prop_map(|key| vec![Key(key)]),
            1 => (0..KEYS, 1..KEYS).prop_map(|(key, other)| vec![Key(key), Key((key + other) % KEYS)]),
        ];
        let deadline = prop_oneof![2 => (5u64..200).prop_map(Span::ms), 3 => Just(NEVER)];
        let cancel_after = prop::option::weighted(0.2, (1u64..60).prop_map(Span::ms));
        let call = (keys, 1u32..10, deadline, cancel_after).prop_map(|(keys, amount, deadline, cancel_after)| Call {
            keys,
            amount,
            deadline,
            cancel_after,
        });
        let until = Time::ZERO + Span(self.phases().chaos.0 * 9 / 10);
        workload(self.client_ids(), 4..14, until, prop::collection::vec(call, 1..4).prop_map(Op::Calls))
    }
}

/// A deadline beyond the longest world.
pub const NEVER: Span = Span::secs(1_000);
