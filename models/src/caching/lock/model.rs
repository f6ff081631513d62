//! The model: five servers, the resource, and clients.

use std::sync::Arc;

use proptest::prelude::*;
use seedbed_sim::{
    Crashes, FaultClass, Info, Model, NodeId, Operation, Phases, Roles, Setting, Skew, Span, Time, Tolerance, Workload,
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

/// The shortest time to live on the Raft group: half as long again as its election timeout, as in etcd. A shorter lease may
/// expire before there is a new leader to keep it alive.
const SHORTEST_ON_RAFT: Span = Span::ms(450);

/// The configuration: servers `n0` to `n4`, the resource `n5`, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The kind of lock.
    pub kind: Kind,
    /// How many clients.
    pub clients: u16,
    /// Whether the resource checks fencing tokens. Then these are relied on, and not the lease, and the world may do anything
    /// to clocks and pauses.
    pub fencing: bool,
    /// The lease, of locks that have one.
    #[serde(alias = "terms")]
    pub lease: LeaseSettings,
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
            fencing: true,
            lease: LeaseSettings {
                ttl: Span::ms(300),
                renew: Some(Span::ms(100)),
                drift_ppm: 1_000,
                max_offset: Span::ms(3),
                max_pause: Span::ms(20),
            },
            persistence: Persistence::Always,
            down_after: Span::ms(120),
            step: Span::ms(10),
            request_timeout: Span::ms(50),
            acquire_timeout: Span::ms(50),
            retry_delay: Span::ms(30),
        }
    }
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
            Kind::Redlock => redis_server(alone()),
            Kind::RedisFailover if node.0 < REPLICATED => redis_server(replicated()),
            Kind::RedisFailover if node == SENTINEL => Node::Sentinel(redis::Sentinel::new(replicated())),
            Kind::Raft => {
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
            Kind::Redlock => redlock(servers.to_vec(), usize::from(SERVERS), None),
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

/// What the message-passing locks tolerate over reliable links.
const BY_MESSAGES: &[FaultClass] = &[
    FaultClass::Loss,
    FaultClass::Dup,
    FaultClass::Reorder,
    FaultClass::Partition,
    FaultClass::Pause,
    FaultClass::Skew,
    FaultClass::Disk,
];

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
        let servers: Vec<NodeId> = nodes.iter().copied().filter(|node| node.0 < SERVERS).collect();
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

    /// Of crashes as many as the Raft group and Redlock can spare.
    fn tolerance(&self) -> Tolerance {
        let relies_on_lease = self.kind.is_leased() && !self.fencing;
        let classes = match self.kind {
            Kind::Redis | Kind::Redlock | Kind::Raft => &FaultClass::USUAL,
            Kind::RedisFailover if self.fencing => &FaultClass::USUAL,
            // Anything that makes the sentinel promote a replica may lose a lock.
            Kind::RedisFailover => &[FaultClass::Dup][..],
            Kind::SuzukiKasami | Kind::RicartAgrawala | Kind::Maekawa => BY_MESSAGES,
        };
        // A lease that is relied on tolerates the clocks and pauses that its settings allow for; tokens and messages, any.
        let skew = if relies_on_lease {
            // The rest of the bound is for what a clock drifts away during a run.
            Skew { offset: Span(self.lease.max_offset.0 / 3), drift_ppm: self.lease.drift_ppm }
        } else {
            Skew { offset: Span::secs(1), drift_ppm: 100_000 }
        };
        // The sentinel is an unreliable failure detector. A failover lock that is relied on alone relies on it to be right.
        let relies_on_sentinel = self.kind == Kind::RedisFailover && !self.fencing;
        Tolerance {
            classes,
            crashes: Crashes::up_to(2, 0..self.size() as u16),
            skew,
            pause: relies_on_lease.then_some(self.lease.max_pause),
            delay: relies_on_sentinel.then_some(Span(self.down_after.0 / 10)),
        }
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

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(5) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let until_ms = self.phases().chaos.0 / 1_000_000;
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

impl Lock {
    /// Every kind; long leases and short ones; with fencing, or relying on the lock alone. With a planted bug, those kinds
    /// that have the rule which it breaks, where it can show.
    fn variants_for(&self, bug: Option<Bug>) -> BoxedStrategy<Self> {
        let model = self.clone();
        let kinds = bug.map_or(&Kind::ALL[..], Bug::kinds);
        let kind = prop::sample::select(kinds.to_vec());
        let ttl = prop_oneof![1 => Just(Span::ms(150)), 2 => Just(Span::ms(300)), 1 => Just(Span::ms(600))];
        let step = prop_oneof![Just(Span::ms(2)), Just(Span::ms(10)), Just(Span::ms(40))];
        let lease = (ttl, prop::bool::weighted(0.5));
        let request_timeout = prop_oneof![2 => Just(self.request_timeout), 1 => Just(Span::ms(20))];
        let retry_delay = prop_oneof![1 => Just(self.retry_delay), 1 => Just(Span::ms(10))];
        let down_after = prop_oneof![Just(Span::ms(40)), Just(self.down_after)];
        let timeout = self.acquire_timeout;
        let acquire_timeout = prop_oneof![2 => Just(timeout), 1 => Just(timeout * 3), 1 => Just(timeout * 5)];
        let redis = (retry_delay, down_after, acquire_timeout);
        (kind, any::<(bool, bool)>(), lease, step, request_timeout, redis)
            .prop_map(move |(kind, (fencing, durable), (ttl, watchdog), step, request_timeout, redis)| {
                let (retry_delay, down_after, acquire_timeout) = redis;
                let fencing = match (bug, kind) {
                    (Some(Bug::FencingNotChecked), _) | (None, Kind::RedisFailover) => true,
                    // What a lock alone promises shows only where it is relied on.
                    (Some(_), _) => false,
                    _ => fencing,
                };
                let persistence = if fencing || durable { Persistence::Always } else { Persistence::Never };
                let watchdog = watchdog || kind == Kind::Raft || bug == Some(Bug::RenewAfterExpiry);
                let lease = LeaseSettings { ttl, renew: watchdog.then_some(Span(ttl.0 / 3)), ..model.lease };
                let variant = Lock { fencing, persistence, lease, step, request_timeout, ..model.clone() };
                Lock { retry_delay, down_after, acquire_timeout, ..variant }.of(kind)
            })
            .boxed()
    }
}
