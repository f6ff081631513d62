//! The model: five servers, the resource, and clients.

use std::sync::Arc;

use proptest::prelude::*;
use seedbed_sim::{
    FaultClass, Info, Model, NodeId, Operation, Phases, Roles, Setting, Span, Time, Tolerance, Workload,
};
use serde::{Deserialize, Serialize};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::client::{self, Client};
use crate::caching::lock::kind::Kind;
use crate::caching::lock::lease::LeaseSettings;
use crate::caching::lock::marks;
use crate::caching::lock::message_passing::maekawa::Maekawa;
use crate::caching::lock::message_passing::peer::{Algorithm, Peer};
use crate::caching::lock::message_passing::ricart_agrawala::RicartAgrawala;
use crate::caching::lock::message_passing::suzuki_kasami::SuzukiKasami;
use crate::caching::lock::messages::{Message, Op, Record, Ret, Timer};
use crate::caching::lock::mutex::Mutex;
use crate::caching::lock::on_raft::etcd_mutex::EtcdMutex;
use crate::caching::lock::on_raft::service::Service;
use crate::caching::lock::redlock::{self, LOCK, Redlock};
use crate::caching::lock::resource::Resource;
use crate::parts::redis::{self, Persistence};
use crate::replication::raft;
use crate::replication::raft::membership::Membership;

/// How many nodes are servers, from `n0` on: as many as Redlock and the Raft group have. Other kinds use fewer.
pub const SERVERS: u16 = 5;
/// The protected resource.
pub const RESOURCE: NodeId = NodeId(SERVERS);
/// How many servers a replicated Redis has.
const REPLICATED: u16 = 3;
/// The one Redis server, or the master at the beginning.
const MASTER: NodeId = NodeId(0);
/// The sentinel of a replicated Redis.
const SENTINEL: NodeId = NodeId(REPLICATED);

/// How long faults last.
const CHAOS: Span = Span::secs(2);

/// The shortest time to live on the Raft group: half as long again as its election timeout, as in etcd. A shorter lease may
/// expire before there is a new leader to keep it alive.
pub(super) const SHORTEST_ON_RAFT: Span = Span::ms(450);

/// The configuration: servers `n0` to `n4`, the resource `n5`, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The kind of lock.
    pub kind: Kind,
    /// How many clients.
    pub clients: u16,
    /// How many masters Redlock has, and how many servers the Raft group: at most [`SERVERS`].
    #[serde(default = "all_servers")]
    pub servers: u16,
    /// Whether the resource checks fencing tokens. Then these are relied on, and not the lease, and the world may do anything
    /// to clocks and pauses.
    pub fencing: bool,
    /// The lease, of locks that have one.
    #[serde(alias = "terms")]
    pub lease: LeaseSettings,
    /// The longest pause of a node in the world; if absent, the longest that the lease allows for. A longer one is beyond the
    /// lease.
    #[serde(default)]
    pub pause: Option<Span>,
    /// The greatest offset of a clock in the world, likewise.
    #[serde(default)]
    pub offset: Option<Span>,
    /// When Redis servers sync their append-only files.
    pub persistence: Persistence,
    /// For how long Redis's sentinel hears nothing of the master before it promotes a replica.
    pub down_after: Span,
    /// How long a holder works between two writes.
    pub step: Span,
    /// After how long an unanswered request is sent again.
    #[serde(alias = "patience")]
    pub request_timeout: Span,
    /// How long an attempt to acquire the lock waits for Redis servers; small beside the time to live.
    #[serde(alias = "timeout")]
    pub acquire_timeout: Span,
    /// After how long, about, a client of Redis tries again to acquire the lock.
    #[serde(alias = "retry")]
    pub retry_delay: Span,
}

impl Default for Lock {
    fn default() -> Self {
        Lock {
            kind: Kind::Redis,
            clients: 4,
            servers: SERVERS,
            fencing: true,
            lease: LeaseSettings {
                ttl: Span::ms(300),
                renew: Some(Span::ms(100)),
                drift_ppm: 1_000,
                max_offset: Span::ms(3),
                max_pause: Span::ms(20),
            },
            pause: None,
            offset: None,
            persistence: Persistence::Always,
            down_after: Span::ms(120),
            step: Span::ms(10),
            request_timeout: Span::ms(50),
            acquire_timeout: Span::ms(50),
            retry_delay: Span::ms(30),
        }
    }
}

fn all_servers() -> u16 {
    SERVERS
}

impl Lock {
    /// The same with another kind of lock.
    pub fn of(self, kind: Kind) -> Self {
        let ttl = if kind == Kind::Raft { self.lease.ttl.max(SHORTEST_ON_RAFT) } else { self.lease.ttl };
        Lock { kind, lease: LeaseSettings { ttl, ..self.lease }, ..self }
    }

    /// The same with a resource that checks no tokens.
    pub fn without_fencing(self) -> Self {
        Lock { fencing: false, ..self }
    }

    /// The clients.
    pub fn client_ids(&self) -> std::ops::Range<u16> {
        SERVERS + 1..SERVERS + 1 + self.clients
    }

    /// Whether at most one client is in the critical section, in what this configuration tolerates. A lock with a lease is not
    /// relied on where tokens are checked.
    pub fn promises_exclusion(&self) -> bool {
        !self.kind.is_leased() || !self.fencing
    }

    /// Whether the resource is used by one holder after the other. A lease alone does not promise that: a write may be in
    /// flight when the lease is over.
    pub fn promises_serial_use(&self) -> bool {
        !self.kind.is_leased() || self.fencing
    }

    /// Whether the lock is free, or somebody gets it, after a while. A lease that is hardly more than what is allowed for clocks
    /// and pauses may be over before the answer that grants it has arrived: then nobody gets the lock, which is safe.
    pub fn promises_progress(&self) -> bool {
        !self.kind.is_leased() || self.lease.ttl - self.lease.validity() <= Span(self.lease.ttl.0 / 4)
    }

    fn redis(&self, servers: Vec<NodeId>, master: NodeId) -> Arc<redis::Settings> {
        let quarantine = match self.persistence {
            Persistence::Always => Span::ZERO,
            // Longer than any lease that was granted before the crash: its holder may still rely on it.
            Persistence::Never => Span(self.lease.ttl.0 * 5 / 4),
        };
        let (persistence, down_after, ping) = (self.persistence, self.down_after, Span(self.down_after.0 / 4));
        Arc::new(redis::Settings { persistence, quarantine, master, servers, ping, down_after })
    }

    fn server(&self, node: NodeId, servers: &[NodeId]) -> Node {
        let alone = || self.redis(vec![node], node);
        let replicated =
            || self.redis(servers.iter().copied().filter(|server| server.0 < REPLICATED).collect(), MASTER);
        let redis_server = |settings| Node::RedisServer(redis::Server::new(node, settings));
        match self.kind {
            Kind::Redis if node == MASTER => redis_server(alone()),
            Kind::Redlock if node.0 < self.servers => redis_server(alone()),
            Kind::RedisFailover if node.0 < REPLICATED => redis_server(replicated()),
            Kind::RedisFailover if node == SENTINEL => Node::Sentinel(redis::Sentinel::new(replicated())),
            Kind::Raft if node.0 < self.servers => {
                let group = Membership::of(servers.iter().copied());
                let server = raft::Server::new(node, group, raft::Settings::default());
                Node::Service(Service::new(server, self.lease.ttl))
            }
            _ => Node::Idle,
        }
    }

    fn mutex(&self, node: NodeId, servers: &[NodeId], clients: Vec<NodeId>) -> Mutex {
        let redlock = |servers, of, sentinel| {
            Mutex::Redlock(Redlock::new(redlock::Settings {
                servers,
                of,
                sentinel,
                lease: self.lease,
                acquire_timeout: self.acquire_timeout,
                retry_delay: self.retry_delay,
                fencing: self.fencing,
            }))
        };
        let peer = |algorithm| Mutex::Peer(Peer::new(algorithm, self.request_timeout));
        match self.kind {
            Kind::Redis => redlock(vec![MASTER], 1, None),
            Kind::RedisFailover => redlock(vec![MASTER], 1, Some(SENTINEL)),
            Kind::Redlock => redlock(servers.to_vec(), usize::from(self.servers), None),
            // A command takes the log, and so a round trip more than a request to one server.
            Kind::Raft => Mutex::Etcd(EtcdMutex::new(servers.to_vec(), self.lease, self.request_timeout * 2)),
            Kind::SuzukiKasami => peer(Algorithm::SuzukiKasami(SuzukiKasami::new(node, clients))),
            Kind::RicartAgrawala => peer(Algorithm::RicartAgrawala(RicartAgrawala::new(node, clients))),
            Kind::Maekawa => peer(Algorithm::Maekawa(Maekawa::new(node, &clients))),
        }
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// This kind of lock needs fewer servers.
    Idle,
    /// A Redis server.
    #[roles("redis")]
    RedisServer(redis::Server),
    /// The sentinel of Redis servers.
    #[roles("redis")]
    Sentinel(redis::Sentinel),
    /// A server of the lock service on Raft.
    Service(Service),
    /// The resource.
    Resource(Resource),
    /// A client.
    Client(Client),
}

impl Model for Lock {
    type Process = Node;

    const INFO: Info = Info {
        name: "lock",
        row: "C36",
        family: "caching",
        summary: "Locks by leases (Redis, Redlock, Raft) and by messages, with fencing tokens.",
        sources: &[
            "Ricart & Agrawala, *An Optimal Algorithm for Mutual Exclusion in Computer Networks*, 1981",
            "Suzuki & Kasami, *A Distributed Mutual Exclusion Algorithm*, 1985",
            "Maekawa, *A √N Algorithm for Mutual Exclusion in Decentralized Systems*, 1985",
            "Redis documentation, *Distributed Locks with Redis*",
            "Kleppmann, *How to do distributed locking*, 2016",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["holder", "acquirer", "server"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, redis::marks::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(SERVERS) + 1 + usize::from(self.clients)
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let used = match self.kind {
            Kind::Redlock | Kind::Raft => self.servers,
            _ => SERVERS,
        };
        let servers: Vec<NodeId> = nodes.iter().copied().filter(|node| node.0 < used).collect();
        if node.0 < SERVERS {
            return self.server(node, &servers);
        }
        if node == RESOURCE {
            return Node::Resource(Resource::new(self.fencing));
        }
        let clients = nodes.iter().copied().filter(|node| *node > RESOURCE).collect();
        let settings = client::Settings { resource: RESOURCE, step: self.step, request_timeout: self.request_timeout };
        Node::Client(Client::new(settings, self.mutex(node, &servers, clients)))
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        match op {
            Op::Work { writes: 0, .. } | Op::Work { depth: 0, .. } => Err("writes and depth must be above 0".into()),
            Op::Work { .. } => Ok(()),
        }
    }

    fn is_client(&self, node: NodeId) -> bool {
        node > RESOURCE
    }

    fn validate(&self) -> Result<(), String> {
        let Lock { lease, step, .. } = self;
        match self {
            Lock { clients: 0, .. } => Err("lock needs at least one client".into()),
            Lock { servers, .. } if !(1..=SERVERS).contains(servers) => {
                Err(format!("servers must be 1 to {SERVERS}, and not {servers}"))
            }
            _ if lease.validity() <= *step => Err(format!(
                "a lease of {} is valid for {}, which is not more than a step of {step}",
                lease.ttl,
                lease.validity()
            )),
            _ if lease.renew.is_some_and(|renew| renew == Span::ZERO || renew >= lease.validity()) => {
                Err(format!("renew must be above 0 and below {}, for which a lease is valid", lease.validity()))
            }
            Lock { kind: Kind::Raft, .. } if lease.ttl < SHORTEST_ON_RAFT || lease.renew.is_none() => {
                Err(format!("leases on the Raft group last {SHORTEST_ON_RAFT} at least, and are kept alive: set renew"))
            }
            _ if self.fencing && self.persistence == Persistence::Never => {
                Err("fencing tokens must survive crashes: set persistence to always".into())
            }
            _ if self.request_timeout == Span::ZERO
                || self.acquire_timeout == Span::ZERO
                || self.retry_delay == Span::ZERO
                || self.down_after < Span::ms(4) =>
            {
                Err("request_timeout, acquire_timeout and retry_delay must be above 0, down_after at least 4 ms".into())
            }
            _ => Ok(()),
        }
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "kind", what: Kind::NAMES },
            Setting { name: "fencing", what: "yes, no: whether the resource checks fencing tokens" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("kind", _) => *self = self.clone().of(value.parse()?),
            ("fencing", "yes" | "no") => self.fencing = value == "yes",
            ("fencing", _) => return Err(format!("yes or no, and not '{value}'")),
            _ => return Err(format!("lock has nothing to set called '{name}'")),
        }
        Ok(())
    }

    /// Changes how many clients there are; the servers and the resource stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let clients = nodes.checked_sub(usize::from(SERVERS + 1)).and_then(|n| u16::try_from(n).ok());
        self.clients = clients.filter(|clients| *clients > 0).ok_or_else(|| {
            format!("lock has {SERVERS} servers and a resource beside its clients: {nodes} nodes are too few or many")
        })?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        self.tolerated()
    }

    fn reaction_time(&self) -> Span {
        Span(self.lease.ttl.0 / 2)
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Client(client), "holder") => client.holding().map(|holding| holding.token.0),
            (Node::Client(client), "acquirer") => client.mutex().is_acquiring().then_some(0),
            (Node::Service(service), "server") => service.server().is_leader().then_some(service.server().term().0),
            (Node::RedisServer(server), "server") => server.data().get(LOCK).map(|_| 0),
            _ => None,
        }
    }

    fn variants(&self) -> BoxedStrategy<Self> {
        self.variants_for(None)
    }

    fn variants_with(&self, bug: &'static str) -> BoxedStrategy<Self> {
        self.variants_for(Bug::named(bug))
    }

    /// Fewer clients and more, and fewer servers. A sole server or master is no less of a lock.
    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 2), (3, 1), (3, 3), (5, 7), (5, 8)];
        sizes.map(|(servers, clients)| Lock { servers, clients, ..self.clone() }).to_vec()
    }

    /// In the end all who wait have their turns, one after the other.
    fn phases(&self) -> Phases {
        let turns = u64::from(self.clients.clamp(1, 64).div_ceil(4));
        Phases { chaos: CHAOS, settle: Span::secs(5) * turns }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let until_ms = CHAOS.0 / 1_000_000;
        // Some come alone, some in a rush.
        let at = prop_oneof![2 => 0..until_ms, 1 => (1..until_ms / 200).prop_map(|n| n * 200)];
        let operation = (at, self.client_ids(), 1u8..8, 1u8..4);
        prop::collection::vec(operation, 6..26)
            .prop_map(|mut drafts| {
                drafts.sort_by_key(|(at, ..)| *at);
                let work = |(at, client, writes, depth)| Operation {
                    at: Time::ms(at),
                    client: NodeId(client),
                    op: Op::Work { writes, depth },
                };
                drafts.into_iter().map(work).collect()
            })
            .boxed()
    }
}
