//! The model: a group of servers over a key-value map, and its clients.

use proptest::prelude::*;
use seedbed_sim::{Crashes, FaultClass, Info, Model, NodeId, Operation, Phases, Roles, Skew, Span, Tolerance};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::{MOST_AT_A_TIME, at_most, exists};
use crate::parts::wal;
use crate::replication::raft::bugs::Bug;
use crate::replication::raft::client::{Ask, Client};
use crate::replication::raft::kv::{Kv, Output};
use crate::replication::raft::marks;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::messages::Message;
use crate::replication::raft::record::Record;
use crate::replication::raft::role::Role;
use crate::replication::raft::server::Server;
use crate::replication::raft::settings::{Changes, ReadMode, Settings, Timer};
use crate::replication::raft::workload::workload;

/// The configuration: servers `n0` …, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raft {
    /// How many servers.
    pub servers: u16,
    /// How many of them, from the first, are in the group at the beginning; all, where nothing is said. The others wait
    /// to be asked in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub founders: Option<u16>,
    /// How many clients.
    pub clients: u16,
    /// How the group is tuned.
    pub settings: Settings,
    /// Whether clients ask for other groups most of the time, and for commands now and then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restless: bool,
    /// After how long a client sends an unanswered request to another server.
    #[serde(alias = "patience")]
    pub request_timeout: Span,
}

impl Default for Raft {
    fn default() -> Self {
        Raft {
            servers: 5,
            founders: None,
            clients: 3,
            settings: Settings { session_timeout: Some(Span::secs(1)), ..Settings::default() },
            restless: false,
            request_timeout: Span::ms(120),
        }
    }
}

impl Raft {
    /// A group of `servers`, with the usual clients.
    pub fn cluster(servers: u16) -> Self {
        Raft { servers, ..Raft::default() }
    }

    /// A group of four that changes all the time, one server at a time. Two majorities of three out of four voters are apart
    /// only where the group before the changes has an even number.
    pub fn restless() -> Self {
        let settings = Settings { check_quorum: false, snapshot_threshold: 1_000_000, ..Settings::default() };
        Raft { settings, restless: true, request_timeout: Span::ms(40), ..Raft::cluster(4) }
    }

    /// How many servers are in the group at the beginning.
    fn founders(&self) -> u16 {
        self.founders.unwrap_or(self.servers)
    }

    /// The nodes that are servers.
    pub fn server_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.servers).map(NodeId)
    }

    /// The nodes that are clients.
    pub fn client_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (self.servers..self.servers + self.clients).map(NodeId)
    }
}

/// A server, or a client.
// Most nodes are servers: a box would cost more than the room that clients waste.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message<Kv>, Timer, Record<Kv>, Ask, Output)]
pub enum Node {
    /// One of the group.
    #[roles("raft")]
    Server(Server<Kv>),
    /// Asks it.
    Client(Client),
}

impl Model for Raft {
    type Process = Node;

    const INFO: Info = Info {
        name: "raft",
        row: "C11",
        family: "replication",
        summary: "A replicated log under one leader a term (Ongaro & Ousterhout 2014; Ongaro's thesis).",
        sources: &[
            "Ongaro & Ousterhout, *In Search of an Understandable Consensus Algorithm (Extended Version)*, 2014",
            "Ongaro, *Consensus: Bridging Theory and Practice*, PhD thesis, Stanford, 2014",
        ],
        tolerates: &FaultClass::USUAL,
        // A voter has given its vote in this term and knows no leader yet: what it forgets now, it may do twice.
        roles: &["leader", "voter", "candidate", "follower"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(self.servers) + usize::from(self.clients)
    }

    /// The group is made of the servers that the scenario has: a trace that was shrunk tells of a smaller group.
    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let servers: Vec<NodeId> = nodes.iter().copied().filter(|node| node.0 < self.servers).collect();
        if node.0 < self.servers {
            let founders = servers.into_iter().filter(|node| node.0 < self.founders());
            Node::Server(Server::new(node, Membership::of(founders), self.settings))
        } else {
            let (changes, timeout) = (self.settings.changes != Changes::Never, self.settings.session_timeout);
            Node::Client(Client::new(servers, self.request_timeout, changes, timeout))
        }
    }

    fn validate_op(&self, op: &Ask) -> Result<(), String> {
        match op {
            Ask::Reconfigure(membership) => {
                membership.everyone().into_iter().try_for_each(|server| exists("server", server.0, self.servers))?;
                membership.validate()
            }
            Ask::Transfer { to } => exists("server", to.0, self.servers),
            Ask::Command(_) => Ok(()),
        }
    }

    fn is_client(&self, node: NodeId) -> bool {
        node.0 >= self.servers
    }

    fn validate(&self) -> Result<(), String> {
        let Settings {
            election_min,
            election_max,
            heartbeat,
            snapshot_threshold,
            batch,
            window,
            reads,
            changes,
            pre_vote,
            check_quorum,
            session_timeout,
            snapshot_chunk,
            drift_ppm: _,
        } = self.settings;
        // A client must be able to ask a few servers before its session is gone.
        let shortest = Span(self.request_timeout.0.saturating_mul(4));
        match () {
            () if self.servers == 0 => Err("raft needs at least one server".into()),
            () if !(1..=self.servers).contains(&self.founders()) => {
                Err(format!("founders must be 1 to {}, the number of servers", self.servers))
            }
            () if changes != Changes::Never && !pre_vote && !check_quorum => {
                Err("a group that changes needs pre_vote or check_quorum: set changes to never".into())
            }
            () if reads == ReadMode::Lease && !check_quorum => {
                Err("leases need check_quorum: without it servers elect another while a leader lives".into())
            }
            () if election_min > election_max => {
                Err(format!("election_min {election_min} is above election_max {election_max}"))
            }
            () if heartbeat == Span::ZERO => Err("heartbeat must be above 0".into()),
            () if heartbeat >= election_min => {
                Err(format!("heartbeat {heartbeat} must be below election_min {election_min}, or no leader lasts"))
            }
            () if snapshot_threshold == 0 => {
                Err("snapshot_threshold must be above 0; for no snapshots make it large".into())
            }
            () if window == 0 => Err("window must be above 0".into()),
            () if batch == 0 => Err("batch must be above 0".into()),
            () if self.request_timeout == Span::ZERO => Err("request_timeout must be above 0".into()),
            () if session_timeout.is_some_and(|timeout| timeout < shortest) => {
                Err(format!("session_timeout must be four times request_timeout at least: {shortest}"))
            }
            () if snapshot_chunk == 0 => Err("snapshot_chunk must be above 0".into()),
            () => at_most("batch", batch, MOST_AT_A_TIME)
                .and_then(|()| at_most("snapshot_chunk", snapshot_chunk, MOST_AT_A_TIME)),
        }
    }

    /// Changes how many servers there are; the clients stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let servers =
            nodes.checked_sub(usize::from(self.clients)).and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
        self.servers = servers.ok_or_else(|| {
            format!("raft has {} clients beside its servers: {nodes} nodes are too few or too many", self.clients)
        })?;
        Ok(())
    }

    /// Leases hold under drift, and not under jumps (thesis §6.4.1); all else under any clock.
    fn tolerance(&self) -> Tolerance {
        let skew = match self.settings.reads {
            ReadMode::Lease => Skew { offset: Span::ZERO, drift_ppm: self.settings.drift_ppm },
            ReadMode::Log | ReadMode::ReadIndex => Skew { offset: Span::secs(1), drift_ppm: 1_000 },
        };
        let minority = usize::from(self.servers.saturating_sub(1) / 2);
        // A minority may fail one by one, and the whole group may lose power: disks outlive it. Clients come and go.
        let crashes = Crashes::up_to(minority, 0..self.servers).and_power_loss().and_clients(self.client_ids());
        Tolerance { crashes, skew, ..self.usual_tolerance() }
    }

    /// The newest leader is the one of the highest term.
    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        let server = process.server()?;
        let holds = match role {
            "voter" => {
                let voted = server.voted_for().is_some_and(|candidate| candidate != server.id);
                voted && server.leader().is_none()
            }
            _ => self.role(process) == Some(role),
        };
        holds.then_some(server.term().0)
    }

    fn role(&self, process: &Node) -> Option<&'static str> {
        let server = process.server()?;
        Some(match server.role() {
            Role::Leader(_) => "leader",
            Role::Candidate(..) | Role::PreCandidate(_) => "candidate",
            Role::Follower => "follower",
        })
    }

    fn reaction_time(&self) -> Span {
        self.settings.election_min
    }

    /// From a sole voter to a majority of four; and more clients than a leader has entries on their way.
    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 2), (2, 3), (3, 3), (3, 8), (4, 3), (6, 4), (7, 3)];
        sizes.map(|(servers, clients)| Raft { servers, clients, founders: None, ..self.clone() }).to_vec()
    }

    /// Every optional part on and off, elections that seldom and that often split the vote, snapshots often and never.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let min = self.settings.election_min;
        let spread = prop_oneof![2 => Just(self.settings.election_max - min), 1 => Just(Span(min.0 / 3))];
        let threshold = prop_oneof![2 => Just(self.settings.snapshot_threshold), 1 => Just(4), 1 => Just(1_000_000)];
        let reads = prop_oneof![3 => Just(self.settings.reads), 1 => Just(ReadMode::Log), 2 => Just(ReadMode::Lease)];
        let changes = prop_oneof![Just(Changes::SingleServer), Just(Changes::Joint)];
        let founders = prop_oneof![3 => Just(self.servers), 1 => 1..=self.servers];
        let optional = (any::<bool>(), any::<bool>());
        let short = Span(self.request_timeout.0.saturating_mul(4));
        let timeout = prop_oneof![2 => Just(self.settings.session_timeout), 1 => Just(Some(short)), 1 => Just(None)];
        let chunk = prop_oneof![2 => Just(self.settings.snapshot_chunk), 1 => Just(1)];
        let window = prop_oneof![2 => Just(self.settings.window), 1 => Just(3)];
        (optional, spread, threshold, reads, changes, founders, (timeout, chunk, window))
            .prop_map(move |((pre_vote, check_quorum), spread, snapshot_threshold, reads, changes, founders, sizes)| {
                let (session_timeout, snapshot_chunk, window) = sizes;
                let pre_vote = pre_vote && model.settings.pre_vote;
                let check_quorum = (check_quorum || reads == ReadMode::Lease) && model.settings.check_quorum;
                let settings = Settings {
                    pre_vote,
                    check_quorum,
                    election_max: min + spread,
                    snapshot_threshold,
                    session_timeout,
                    snapshot_chunk,
                    window,
                    reads: if model.settings.check_quorum { reads } else { model.settings.reads },
                    changes: if pre_vote || check_quorum { changes } else { Changes::Never },
                    ..model.settings
                };
                Raft { settings, founders: model.founders.or(Some(founders)), ..model.clone() }
            })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(4), settle: Span::secs(3) }
    }

    fn workload(&self) -> BoxedStrategy<Vec<Operation<Ask>>> {
        workload(self.servers, self.clients, self.restless, self.phases().chaos)
    }
}
