//! The model: five servers, the resource, and clients.

use std::sync::Arc;

use proptest::prelude::*;
use seedbed_sim::{
    Context, Crashes, Embed, FaultClass, File, Info, Model, NoOp, NodeId, OpId, Operation, Phases, Process, Setting,
    Skew, Span, Time, Tolerance, Workload, kinds,
};
use serde::{Deserialize, Serialize};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::by_messages::maekawa::Maekawa;
use crate::caching::lock::by_messages::ricart_agrawala::RicartAgrawala;
use crate::caching::lock::by_messages::suzuki_kasami::SuzukiKasami;
use crate::caching::lock::by_messages::{Peer, Protocol};
use crate::caching::lock::client::{self, Client};
use crate::caching::lock::lease::Terms;
use crate::caching::lock::marks;
use crate::caching::lock::messages::Message;
use crate::caching::lock::on_raft::session::Line;
use crate::caching::lock::on_raft::{Locks, Service, Waiter};
use crate::caching::lock::redlock::{self, LOCK, Redlock};
use crate::caching::lock::resource::{Accepted, Resource};
use crate::caching::lock::taker::Taker;
use crate::parts::redis::{self, Persistence};
use crate::replication::raft;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::persistence::Record as RaftRecord;

/// How many nodes are servers, from the first: as many as Redlock and the Raft group have. Other kinds use fewer.
pub const SERVERS: u16 = 5;
/// The node that is the protected resource.
pub const RESOURCE: NodeId = NodeId(SERVERS);
/// How many servers a replicated Redis has, its master first.
const REPLICATED: u16 = 3;
/// Its sentinel.
const SENTINEL: NodeId = NodeId(REPLICATED);

/// The shortest lease on the Raft group: half as long again as its election timeout, as in etcd. A shorter one may be over
/// before a new leader can keep it alive.
const SHORTEST_ON_RAFT: Span = Span::ms(450);

/// Which lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One Redis server.
    Redis,
    /// A Redis master with asynchronous replicas, and a sentinel.
    RedisFailover,
    /// Five independent Redis servers.
    Redlock,
    /// Leases and revisions on a Raft group.
    Raft,
    /// A token (Suzuki and Kasami).
    SuzukiKasami,
    /// Everybody's permission (Ricart and Agrawala).
    RicartAgrawala,
    /// The permission of a voting set (Maekawa).
    Maekawa,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [
        Kind::Redis,
        Kind::RedisFailover,
        Kind::Redlock,
        Kind::Raft,
        Kind::SuzukiKasami,
        Kind::RicartAgrawala,
        Kind::Maekawa,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Redis => "redis",
            Kind::RedisFailover => "redis_failover",
            Kind::Redlock => "redlock",
            Kind::Raft => "raft",
            Kind::SuzukiKasami => "suzuki_kasami",
            Kind::RicartAgrawala => "ricart_agrawala",
            Kind::Maekawa => "maekawa",
        }
    }

    /// Whether the lock is held for a while only.
    pub fn is_leased(self) -> bool {
        matches!(self, Kind::Redis | Kind::RedisFailover | Kind::Redlock | Kind::Raft)
    }

    /// Whether nobody who waits can be passed over for ever.
    pub fn is_fair(self) -> bool {
        !matches!(self, Kind::Redis | Kind::RedisFailover | Kind::Redlock)
    }

    /// Whether those who wait are served in the order in which they asked, as the lock reckons it.
    pub fn is_queue(self) -> bool {
        matches!(self, Kind::Raft | Kind::RicartAgrawala)
    }
}

/// The configuration: servers `n0` to `n4`, the resource `n5`, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Which lock.
    pub kind: Kind,
    /// How many clients.
    pub clients: u16,
    /// Whether the resource checks fencing tokens. Then these are what is relied on, and not the lease: the world may be
    /// as bad as it likes.
    pub fencing: bool,
    /// The lease, for locks that have one.
    pub terms: Terms,
    /// What Redis servers write.
    pub persistence: Persistence,
    /// How long Redis's master may be silent.
    pub down_after: Span,
    /// How long a holder works between two writes.
    pub step: Span,
    /// How long everybody waits for an answer before asking again.
    pub patience: Span,
    /// How long a client waits for Redis servers before an attempt has failed; small beside the time to live.
    pub timeout: Span,
    /// How long a client of Redis waits about after a failed attempt.
    pub retry: Span,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<Bug>,
}

impl Default for Lock {
    fn default() -> Self {
        Lock {
            kind: Kind::Redis,
            clients: 4,
            fencing: true,
            terms: Terms {
                ttl: Span::ms(300),
                renew: Some(Span::ms(100)),
                drift_ppm: 1_000,
                apart: Span::ms(3),
                grace: Span::ms(20),
            },
            persistence: Persistence::Always,
            down_after: Span::ms(120),
            step: Span::ms(10),
            patience: Span::ms(50),
            timeout: Span::ms(50),
            retry: Span::ms(30),
            bug: None,
        }
    }
}

impl Lock {
    /// The same with another lock.
    pub fn of(self, kind: Kind) -> Self {
        let ttl = match kind {
            Kind::Raft => self.terms.ttl.max(SHORTEST_ON_RAFT),
            _ => self.terms.ttl,
        };
        Lock { kind, terms: Terms { ttl, ..self.terms }, ..self }
    }

    /// The same, relying on the lock alone.
    pub fn without_fencing(self) -> Self {
        Lock { fencing: false, ..self }
    }

    /// The clients.
    pub fn client_ids(&self) -> std::ops::Range<u16> {
        SERVERS + 1..SERVERS + 1 + self.clients
    }

    /// Whether at most one is in the critical section, in what this configuration tolerates. One that has leases and
    /// tokens relies on the tokens.
    pub fn promises_exclusion(&self) -> bool {
        !self.kind.is_leased() || !self.fencing
    }

    /// Whether the resource is used by one holder after the other. A lease alone does not promise that: a write may be on
    /// its way when the lease is over.
    pub fn promises_serial_use(&self) -> bool {
        !self.kind.is_leased() || self.fencing
    }

    fn redis(&self, servers: Vec<NodeId>, master: NodeId) -> Arc<redis::Settings> {
        // Longer than any lease that was granted before the crash: those who hold one may go on.
        let quarantine = match self.persistence {
            Persistence::Always => Span::ZERO,
            Persistence::Never => Span(self.terms.ttl.0 * 5 / 4),
        };
        let (persistence, down_after, ping) = (self.persistence, self.down_after, Span(self.down_after.0 / 4));
        Arc::new(redis::Settings { persistence, quarantine, master, servers, ping, down_after })
    }

    fn server(&self, node: NodeId, servers: &[NodeId]) -> Node {
        let hosted = |host| Node::Redis(host);
        let replicated = || servers.iter().copied().filter(|server| server.0 < REPLICATED).collect();
        match self.kind {
            Kind::Redis if node == NodeId(0) => {
                hosted(redis::Host::Server(redis::Server::new(node, self.redis(vec![node], node))))
            }
            Kind::RedisFailover if node.0 < REPLICATED => {
                hosted(redis::Host::Server(redis::Server::new(node, self.redis(replicated(), NodeId(0)))))
            }
            Kind::RedisFailover if node == SENTINEL => {
                hosted(redis::Host::Sentinel(redis::Sentinel::new(self.redis(replicated(), NodeId(0)))))
            }
            Kind::Redlock => hosted(redis::Host::Server(redis::Server::new(node, self.redis(vec![node], node)))),
            Kind::Raft => {
                let group = Membership::of(servers.iter().copied());
                let settings = raft::Settings::default();
                Node::Service(Service::new(raft::Server::new(node, group, settings), self.terms.ttl))
            }
            _ => Node::Idle,
        }
    }

    fn taker(&self, node: NodeId, servers: &[NodeId], clients: Vec<NodeId>) -> Taker {
        let redlock = |servers, of, sentinel| {
            Taker::Redlock(Redlock::new(redlock::Settings {
                servers,
                of,
                sentinel,
                terms: self.terms,
                timeout: self.timeout,
                retry: self.retry,
                fencing: self.fencing,
                bug: self.bug,
            }))
        };
        let peer = |protocol| Taker::Peer(Peer::new(protocol, self.patience));
        match self.kind {
            Kind::Redis => redlock(vec![NodeId(0)], 1, None),
            Kind::RedisFailover => redlock(vec![NodeId(0)], 1, Some(SENTINEL)),
            Kind::Redlock => redlock(servers.to_vec(), usize::from(SERVERS), None),
            Kind::Raft => Taker::Raft(Waiter::new(servers.to_vec(), self.terms, self.patience * 2, self.bug)),
            Kind::SuzukiKasami => peer(Protocol::SuzukiKasami(SuzukiKasami::new(node, clients))),
            Kind::RicartAgrawala => peer(Protocol::RicartAgrawala(RicartAgrawala::new(node, clients))),
            Kind::Maekawa => peer(Protocol::Maekawa(Maekawa::new(node, &clients))),
        }
    }
}

/// What clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Take the lock, use the resource, give the lock back.
    Work {
        /// How often the resource is written.
        writes: u8,
        /// How often the lock is entered, one inside the other.
        depth: u8,
    },
}

/// What clients are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// All writes are done.
    Done,
    /// The lease was over before.
    Lost,
    /// The resource has seen a later holder.
    Fenced,
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Node {
    /// This kind of lock does not need it.
    Idle,
    /// A Redis server, or the sentinel.
    Redis(redis::Host),
    /// A server of the lock service on Raft.
    Service(Service),
    /// The resource.
    Resource(Resource),
    /// A client.
    Client(Client),
}

impl Node {
    /// The client, if it is one.
    pub fn client(&self) -> Option<&Client> {
        match self {
            Node::Client(client) => Some(client),
            _ => None,
        }
    }

    /// The Redis server, if it is one.
    pub fn redis(&self) -> Option<&redis::Server> {
        match self {
            Node::Redis(redis::Host::Server(server)) => Some(server),
            _ => None,
        }
    }

    /// The server of the lock service, if it is one.
    pub fn service(&self) -> Option<&Service> {
        match self {
            Node::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The resource, if it is that.
    pub fn resource(&self) -> Option<&Resource> {
        match self {
            Node::Resource(resource) => Some(resource),
            _ => None,
        }
    }
}

/// The timers of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A holder has done a step.
    Step,
    /// A holder writes again.
    Again,
    /// A holder's lease is over.
    LeaseOver,
    /// The servers have not answered a client.
    Timeout,
    /// A client tries again.
    Retry,
    /// A holder extends its lease.
    Renew,
    /// A client of the group keeps its lease alive.
    KeepAlive,
    /// A client of the group asks another server to watch.
    Watch,
    /// A client of the group asks again.
    Session(Line),
    /// The group's leader looks for leases that are over.
    Expire,
    /// A node says again what was not acknowledged.
    Resend(NodeId),
    /// A Redis server's.
    Redis(redis::Timer),
    /// A Raft server's.
    Raft(raft::server::Timer),
}
kinds!(Timer: Step, Again, LeaseOver, Timeout, Retry, Renew, KeepAlive, Watch, Session, Expire, Resend;
    hosts Redis(redis::Timer), Raft(raft::server::Timer));

/// A record on a node's disk.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Record {
    /// The resource's.
    Accepted(Accepted),
    /// A Redis server's.
    Redis(redis::server::Record),
    /// A Raft server's.
    Raft(RaftRecord<Locks>),
}

/// How a Redis server is wrapped.
struct AsRedis;

impl Embed<Node, redis::Host> for AsRedis {
    fn name(&self) -> &'static str {
        "redis"
    }
    fn message(&self, message: redis::Message) -> Message {
        Message::Redis(message)
    }
    fn timer(&self, timer: redis::Timer) -> Timer {
        Timer::Redis(timer)
    }
    fn record(&self, record: redis::server::Record) -> Record {
        Record::Redis(record)
    }
    fn unwrap_record(&self, record: Record) -> Option<redis::server::Record> {
        match record {
            Record::Redis(record) => Some(record),
            _ => None,
        }
    }
    fn file(&self, file: File) -> File {
        file
    }
    fn ret(&self, ret: NoOp) -> Ret {
        match ret {}
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
            Node::Idle => {}
            Node::Redis(host) => drop(ctx.host(AsRedis, |ctx| host.start(ctx))),
            Node::Service(service) => service.start(ctx),
            Node::Resource(resource) => resource.start(ctx),
            Node::Client(client) => client.start(ctx),
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match (self, message) {
            (Node::Client(client), message) => client.message(ctx, from, message),
            (Node::Redis(host), Message::Redis(message)) => {
                drop(ctx.host(AsRedis, |ctx| host.message(ctx, from, message)));
            }
            (Node::Service(service), Message::Raft(message)) => service.message(ctx, from, message),
            (Node::Service(service), Message::Watch { revision }) => service.watch(ctx, from, revision),
            (Node::Resource(resource), Message::Write { turn, n, token }) => {
                resource.write(ctx, Accepted { by: from, turn, n, token });
            }
            (node, message) => panic!("lock: a message for another kind of node: {node:?} got {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match (self, timer) {
            (Node::Client(client), timer) => client.timer(ctx, timer),
            (Node::Redis(host), Timer::Redis(timer)) => drop(ctx.host(AsRedis, |ctx| host.timer(ctx, timer))),
            (Node::Service(service), Timer::Raft(timer)) => service.raft_timer(ctx, timer),
            (Node::Service(service), Timer::Expire) => service.expire(ctx),
            (node, timer) => panic!("lock: a timer of another kind of node: {node:?} got {timer:?}"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        match self {
            Node::Redis(host) => drop(ctx.host(AsRedis, |ctx| host.synced(ctx))),
            Node::Service(service) => service.synced(ctx),
            Node::Resource(resource) => resource.synced(ctx),
            Node::Idle | Node::Client(_) => {}
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, asked: Op) {
        match self {
            Node::Client(client) => client.invoke(ctx, op, asked),
            _ => panic!("lock: operations are for clients: {op:?} came to another node"),
        }
    }
}

/// What the message-passing locks bear, over their links.
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
        roles: &["holder", "taker", "server"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, redis::marks::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(self.client_ids().end)
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let servers: Vec<NodeId> = nodes.iter().copied().filter(|node| node.0 < SERVERS).collect();
        if node.0 < SERVERS {
            return self.server(node, &servers);
        }
        if node == RESOURCE {
            return Node::Resource(Resource::new(self.fencing, self.bug));
        }
        let clients = nodes.iter().copied().filter(|node| *node > RESOURCE).collect();
        let settings = client::Settings { resource: RESOURCE, step: self.step, patience: self.patience, bug: self.bug };
        Node::Client(Client::new(settings, self.taker(node, &servers, clients)))
    }

    fn validate(&self) -> Result<(), String> {
        let Lock { terms, step, .. } = self;
        match self {
            Lock { clients: 0, .. } => Err("lock needs at least one client".into()),
            _ if terms.valid() <= *step => Err(format!(
                "a lease of {} is good for {}, which is not more than a step of {step}",
                terms.ttl,
                terms.valid()
            )),
            _ if terms.renew.is_some_and(|renew| renew == Span::ZERO || renew >= terms.valid()) => {
                Err(format!("renew must be above 0 and below {}, for which a lease is good", terms.valid()))
            }
            Lock { kind: Kind::Raft, .. } if terms.ttl < SHORTEST_ON_RAFT || terms.renew.is_none() => {
                Err(format!("leases on the Raft group last {SHORTEST_ON_RAFT} at least, and are kept alive: set renew"))
            }
            _ if self.fencing && self.persistence == Persistence::Never => {
                Err("fencing tokens must survive crashes: set persistence to always".into())
            }
            _ if self.patience == Span::ZERO
                || self.timeout == Span::ZERO
                || self.retry == Span::ZERO
                || self.down_after < Span::ms(4) =>
            {
                Err("patience, timeout and retry must be above 0, and down_after at least 4 ms".into())
            }
            _ => Ok(()),
        }
    }

    fn bug(&self) -> Option<&'static str> {
        self.bug.map(Bug::name)
    }

    fn set_bug(&mut self, bug: Option<&'static str>) {
        self.bug = Bug::planted(bug);
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting {
                name: "kind",
                what: "redis, redis_failover, redlock, raft, suzuki_kasami, ricart_agrawala, maekawa",
            },
            Setting { name: "fencing", what: "yes, no: whether the resource checks fencing tokens" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("kind", _) => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == value);
                let known = || Kind::ALL.map(Kind::name).join(", ");
                let kind = kind.ok_or_else(|| format!("there is no '{value}'; there are: {}", known()))?;
                *self = self.clone().of(kind);
            }
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
            // Whatever makes the sentinel promote a replica may lose a lock.
            Kind::RedisFailover => &[FaultClass::Dup][..],
            Kind::SuzukiKasami | Kind::RicartAgrawala | Kind::Maekawa => BY_MESSAGES,
        };
        // A lease that is relied on bears what its terms allow for; whatever relies on tokens, or on messages, any clock.
        let skew = if relies_on_lease {
            // What is left of `apart` is for what a clock drifts away in the time of a run.
            Skew { offset: Span(self.terms.apart.0 / 3), drift_ppm: self.terms.drift_ppm }
        } else {
            Skew { offset: Span::secs(1), drift_ppm: 100_000 }
        };
        // The sentinel takes a master that is silent for dead. Whoever relies on the lock alone relies on it not to be wrong.
        let relies_on_sentinel = self.kind == Kind::RedisFailover && !self.fencing;
        Tolerance {
            classes,
            crashes: Crashes::up_to(2, 0..self.size() as u16),
            skew,
            pause: relies_on_lease.then_some(self.terms.grace),
            delay: relies_on_sentinel.then_some(Span(self.down_after.0 / 10)),
        }
    }

    fn reaction_time(&self) -> Span {
        Span(self.terms.ttl.0 / 2)
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Client(client), "holder") => client.holding().map(|holding| holding.token.0),
            (Node::Client(client), "taker") => client.taker().is_taking().then_some(0),
            (Node::Service(service), "server") => service.server().is_leader().then_some(service.server().term().0),
            (Node::Redis(redis::Host::Server(server)), "server") => server.data().get(LOCK).map(|_| 0),
            _ => None,
        }
    }

    /// Every kind; leases that are long and short; tokens, or the lock alone.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let kinds = self.bug.map_or(&Kind::ALL[..], Bug::kinds);
        let kind = prop::sample::select(kinds.to_vec());
        let ttl = prop_oneof![1 => Just(Span::ms(150)), 2 => Just(Span::ms(300)), 1 => Just(Span::ms(600))];
        let step = prop_oneof![Just(Span::ms(2)), Just(Span::ms(10)), Just(Span::ms(40))];
        let term = (ttl, prop::bool::weighted(0.5));
        let patience = prop_oneof![2 => Just(self.patience), 1 => Just(Span::ms(20))];
        let retry = prop_oneof![1 => Just(self.retry), 1 => Just(Span::ms(10))];
        let down_after = prop_oneof![Just(Span::ms(40)), Just(self.down_after)];
        let timeout = prop_oneof![2 => Just(self.timeout), 1 => Just(self.timeout * 3), 1 => Just(self.timeout * 5)];
        (kind, any::<(bool, bool)>(), term, step, patience, (retry, down_after, timeout))
            .prop_map(
                move |(kind, (fencing, durable), (ttl, watchdog), step, patience, (retry, down_after, timeout))| {
                    let fencing = match (model.bug, kind) {
                        (Some(Bug::FencingNotChecked), _) | (None, Kind::RedisFailover) => true,
                        // What a lock alone promises shows only where it is relied on.
                        (Some(_), _) => false,
                        _ => fencing,
                    };
                    let persistence = if fencing || durable { Persistence::Always } else { Persistence::Never };
                    let watchdog = watchdog || kind == Kind::Raft || model.bug == Some(Bug::RenewAfterExpiry);
                    let terms = Terms { ttl, renew: watchdog.then_some(Span(ttl.0 / 3)), ..model.terms };
                    let more = Lock { fencing, persistence, terms, step, ..model.clone() };
                    Lock { patience, retry, down_after, timeout, ..more }.of(kind)
                },
            )
            .boxed()
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
