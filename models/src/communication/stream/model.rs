//! The model: servers with a sentinel, producers, and the consumers of one group.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;
use seedbed_sim::{
    Crashes, FaultClass, Info, Model, NodeId, Phases, Roles, Setting, Span, Time, Tolerance, Workload, workload,
};
use serde::{Deserialize, Serialize};

use crate::communication::stream::bugs::Bug;
use crate::communication::stream::command::ConsumerName;
use crate::communication::stream::consumer::Consumer;
use crate::communication::stream::marks;
use crate::communication::stream::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::stream::producer::Producer;
use crate::communication::stream::server::{Role, Server};
use crate::communication::stream::settings::{
    ConnectionSettings, ConsumerSettings, Durability, Retention, ServerSettings,
};
use crate::parts::{redis, wal};

/// How many nodes are servers, from `n0` on; without replicas `n0` alone is used.
pub const SERVERS: u16 = 3;
/// The sentinel of a replicated server.
pub const SENTINEL: NodeId = NodeId(SERVERS);
/// The master at the beginning.
pub const MASTER: NodeId = NodeId(0);

/// No time in a configuration is longer: a minute.
const LONGEST: Span = Span::secs(60);

/// The configuration: servers `n0` to `n2`, the sentinel `n3`, then producers, and consumers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// How many producers.
    pub producers: u16,
    /// How many consumers.
    pub consumers: u16,
    /// Whether the server has replicas, and a sentinel that promotes one when it hears nothing of the master.
    pub replicated: bool,
    /// When what a server did is on its disk.
    pub durability: Durability,
    /// How often the append-only file is synced with [`Durability::EverySecond`].
    pub sync_every: Span,
    /// How many entries producers leave in the stream.
    pub retention: Retention,
    /// How many entries a node of a stream has at most.
    pub node_entries: u16,
    /// Whether a consumer that comes back after a crash has its name, or is another one.
    pub keeps_name: bool,
    /// How long an entry must have been idle to be claimed.
    pub min_idle: Span,
    /// How often an entry is delivered before it is taken for dead.
    pub max_deliveries: u16,
    /// How many entries a consumer reads at once.
    pub batch: u16,
    /// For how long a consumer waits for new entries at the server.
    pub block: Span,
    /// How long it takes at most to process an entry.
    pub service: Span,
    /// For how long a client waits for a reply.
    pub timeout: Span,
    /// For how long the sentinel hears nothing of the master before it promotes a replica.
    pub down_after: Span,
}

impl Default for Stream {
    fn default() -> Self {
        Stream {
            producers: 2,
            consumers: 3,
            replicated: false,
            durability: Durability::Always,
            sync_every: Span::ms(100),
            retention: Retention::All,
            node_entries: 4,
            keeps_name: false,
            min_idle: Span::ms(100),
            max_deliveries: 3,
            batch: 2,
            block: Span::ms(100),
            service: Span::ms(8),
            timeout: Span::ms(50),
            down_after: Span::ms(120),
        }
    }
}

impl Stream {
    /// The producers.
    pub fn producer_ids(&self) -> Range<u16> {
        SERVERS + 1..(SERVERS + 1).saturating_add(self.producers)
    }

    /// The consumers.
    pub fn consumer_ids(&self) -> Range<u16> {
        let first = self.producer_ids().end;
        first..first.saturating_add(self.consumers)
    }

    /// Whether nothing that was acknowledged is ever lost: there is one server, and what it did is on its disk before it replies.
    pub fn promises_durability(&self) -> bool {
        !self.replicated && self.durability == Durability::Always
    }

    fn server(&self, node: NodeId, servers: Vec<NodeId>) -> Server {
        let servers = if self.replicated { servers } else { vec![node] };
        let settings = ServerSettings {
            master: MASTER,
            servers,
            durability: self.durability,
            sync_every: self.sync_every,
            ping: self.ping(),
            node_entries: self.node_entries.into(),
        };
        Server::new(node, Arc::new(settings))
    }

    fn sentinel(&self, servers: Vec<NodeId>) -> redis::Sentinel {
        redis::Sentinel::new(Arc::new(redis::Settings {
            persistence: redis::Persistence::Always,
            quarantine: Span::ZERO,
            master: MASTER,
            servers,
            ping: self.ping(),
            down_after: self.down_after,
        }))
    }

    fn ping(&self) -> Span {
        Span(self.down_after.0 / 4)
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// Without replicas there is one server, and no sentinel.
    Idle,
    /// A server.
    Server(Server),
    /// The sentinel.
    #[roles("sentinel")]
    Sentinel(redis::Sentinel),
    /// Adds entries.
    Producer(Producer),
    /// Processes entries.
    Consumer(Consumer),
}

impl Model for Stream {
    type Process = Node;

    const INFO: Info = Info {
        name: "stream",
        row: "C05",
        family: "communication",
        summary: "Redis Streams: a consumer group with pending entries, claims and dead letters, on a replicated server.",
        sources: &[
            "Redis documentation, *Redis Streams*, and the commands of the group *Stream*, version 7.0",
            "Redis documentation, *Redis replication*, *Redis persistence*, *High availability with Redis Sentinel*",
            "Redis 7.0, `src/t_stream.c`",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["master", "owner"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        self.consumer_ids().end.into()
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let servers = || nodes.iter().copied().filter(|node| node.0 < SERVERS).collect();
        let connection = ConnectionSettings {
            master: MASTER,
            sentinel: self.replicated.then_some(SENTINEL),
            timeout: self.timeout,
            backoff: Span(self.timeout.0 / 2),
        };
        match node {
            MASTER => Node::Server(self.server(node, servers())),
            NodeId(replica) if replica < SERVERS && self.replicated => Node::Server(self.server(node, servers())),
            SENTINEL if self.replicated => Node::Sentinel(self.sentinel(servers())),
            NodeId(other) if other <= SERVERS => Node::Idle,
            NodeId(producer) if self.producer_ids().contains(&producer) => {
                Node::Producer(Producer::new(connection, self.retention))
            }
            NodeId(consumer) => {
                let settings = ConsumerSettings {
                    name: self.keeps_name.then_some(ConsumerName(consumer.into())),
                    min_idle: self.min_idle.0 / 1_000_000,
                    max_deliveries: self.max_deliveries.into(),
                    batch: self.batch.into(),
                    block: self.block.0 / 1_000_000,
                    service: self.service,
                };
                Node::Consumer(Consumer::new(settings, connection))
            }
        }
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.producer_ids().contains(&node.0)
    }

    fn validate(&self) -> Result<(), String> {
        let spans = [
            ("sync_every", self.sync_every),
            ("min_idle", self.min_idle),
            ("block", self.block),
            ("timeout", self.timeout),
            ("down_after", self.down_after),
        ];
        if let Some((name, _)) = spans.iter().find(|(_, span)| *span < Span::ms(4) || *span > LONGEST) {
            return Err(format!("{name} must be 4 ms to {LONGEST}"));
        }
        match self {
            Stream { producers: 0, .. } | Stream { consumers: 0, .. } => {
                Err("stream needs a producer and a consumer at least".into())
            }
            Stream { service, .. } if *service > LONGEST => Err(format!("service must be at most {LONGEST}")),
            Stream { node_entries: 0, .. } => Err("node_entries must be above 0".into()),
            Stream { batch: 0, .. } => Err("batch must be above 0".into()),
            Stream { max_deliveries: 0, .. } => Err("max_deliveries must be above 0".into()),
            Stream { retention: Retention::Exactly(0) | Retention::About(0), .. } => {
                Err("retention must keep an entry at least".into())
            }
            _ => Ok(()),
        }
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "replicated", what: "yes, no: whether the server has replicas and a sentinel" },
            Setting {
                name: "durability",
                what: "always, every_second, later, never: when the append-only file is synced",
            },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("replicated", "yes" | "no") => self.replicated = value == "yes",
            ("replicated", _) => return Err(format!("yes or no, and not '{value}'")),
            ("durability", "always") => self.durability = Durability::Always,
            ("durability", "every_second") => self.durability = Durability::EverySecond,
            ("durability", "later") => self.durability = Durability::Later,
            ("durability", "never") => self.durability = Durability::Never,
            ("durability", _) => return Err(format!("always, every_second, later or never, and not '{value}'")),
            _ => return Err(format!("stream has nothing to set called '{name}'")),
        }
        Ok(())
    }

    /// Changes how many consumers there are; all else stays.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let others = usize::from(self.producer_ids().end);
        let consumers = nodes.checked_sub(others).and_then(|consumers| u16::try_from(consumers).ok());
        self.consumers = consumers.filter(|consumers| *consumers > 0).ok_or_else(|| {
            format!("stream has {others} nodes beside its consumers: {nodes} nodes are too few or too many")
        })?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        let clients = (SERVERS + 1..self.consumer_ids().end).map(NodeId);
        self.usual_tolerance().crashing(Crashes::any(0..SERVERS + 1).and_clients(clients))
    }

    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 1), (1, 2), (3, 5)];
        sizes.map(|(producers, consumers)| Stream { producers, consumers, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        self.min_idle
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Server(server), "master") => (server.role() == Role::Master).then_some(server.epoch()),
            (Node::Consumer(consumer), "owner") => {
                let held = consumer.held().count() as u64;
                (held > 0).then_some(held)
            }
            _ => None,
        }
    }

    fn variants(&self) -> BoxedStrategy<Self> {
        self.variants_for(None)
    }

    fn variants_with(&self, bug: &'static str) -> BoxedStrategy<Self> {
        self.variants_for(Bug::named(bug))
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_500), settle: Span::secs(6) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let op = prop_oneof![
            12 => prop::bool::weighted(0.12).prop_map(|poison| Op::Add { poison }),
            2 => (0u8..3).prop_map(|back| Op::Delete { back }),
            1 => (0u8..5, any::<bool>()).prop_map(|(keep, by_id)| Op::Trim { keep, by_id }),
        ];
        let until = Time::ZERO + Span(self.phases().chaos.0 * 9 / 10);
        workload(self.producer_ids(), 6..24, until, op)
    }
}

impl Stream {
    /// One server and a replicated one; every durability and retention; short and long times. With a planted bug, those where it
    /// can show.
    fn variants_for(&self, bug: Option<Bug>) -> BoxedStrategy<Self> {
        let model = self.clone();
        let durability = prop_oneof![
            4 => Just(Durability::Always),
            1 => Just(Durability::EverySecond),
            1 => Just(Durability::Later),
            1 => Just(Durability::Never),
        ];
        let retention = prop_oneof![
            2 => Just(Retention::All),
            1 => (1u16..8).prop_map(Retention::Exactly),
            1 => (1u16..6).prop_map(Retention::About),
        ];
        let times = (
            prop_oneof![Just(Span::ms(40)), Just(model.min_idle)],
            prop_oneof![2 => Just(model.service), 1 => Just(Span::ms(30))],
            prop_oneof![Just(Span::ms(20)), Just(model.block)],
        );
        let counts = (1u16..4, 1u16..5, 2u16..6);
        (prop::bool::weighted(0.4), durability, retention, any::<bool>(), times, counts)
            .prop_map(move |(replicated, durability, retention, keeps_name, times, counts)| {
                let (min_idle, service, block) = times;
                let (batch, node_entries, max_deliveries) = counts;
                // A bug that breaks a promise of durability shows where it is given.
                let promised = matches!(bug, Some(Bug::AppendOnlyFileNotForced | Bug::PositionNotPropagated));
                let (replicated, durability) =
                    if promised { (false, Durability::Always) } else { (replicated, durability) };
                let retention = match (bug, retention) {
                    (Some(Bug::TrimsBeforeAdding), Retention::All | Retention::About(_)) => Retention::Exactly(3),
                    (_, retention) => retention,
                };
                let variant = Stream { replicated, durability, retention, keeps_name, ..model.clone() };
                Stream { min_idle, service, block, batch, node_entries, max_deliveries, ..variant }
            })
            .boxed()
    }
}
