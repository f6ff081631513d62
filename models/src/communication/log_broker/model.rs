//! The model: brokers, and clients that send and read.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{Crashes, FaultClass, Info, Model, NodeId, Phases, Roles, Setting, Span, Tolerance, Workload};
use serde::{Deserialize, Serialize};

use crate::communication::log_broker::broker::{self, Broker};
use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::client::{self, Client};
use crate::communication::log_broker::consumer::{self, Consumer};
use crate::communication::log_broker::groups;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::log_broker::names::{InstanceId, TopicPartition};
use crate::communication::log_broker::numbers::TransactionalId;
use crate::communication::log_broker::settings::{
    Acks, CONSUMER_OFFSETS, Flush, Membership, ORDERS, Settings, TRANSACTION_PARTITIONS, TRANSACTION_STATE,
};
use crate::communication::log_broker::workload;
use crate::parts::bounds;
use crate::parts::wal;
use crate::replication::raft;
use crate::replication::raft::membership;

/// The most partitions of a topic, and the most replicas of a partition.
const MOST_PARTITIONS: u16 = 32;

/// The configuration: brokers from `n0` on, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogBroker {
    /// How many brokers; each is a controller too.
    pub brokers: u16,
    /// How many clients.
    pub clients: u16,
    /// How many partitions the topic has that clients write to.
    pub partitions: u16,
    /// How many brokers have each partition (`replication.factor`).
    pub replication_factor: u16,
    /// How many consumers; they are one group.
    pub consumers: u16,
    /// How many partitions `__consumer_offsets` has.
    pub offsets_partitions: u16,
    /// How brokers and clients are set up.
    pub settings: Settings,
}

impl Default for LogBroker {
    fn default() -> Self {
        LogBroker {
            brokers: 3,
            clients: 3,
            partitions: 2,
            replication_factor: 3,
            consumers: 0,
            offsets_partitions: 1,
            settings: Settings::default(),
        }
    }
}

impl LogBroker {
    /// The brokers.
    pub fn broker_ids(&self) -> Range<u16> {
        0..self.brokers
    }

    /// The clients.
    pub fn client_ids(&self) -> Range<u16> {
        self.brokers..self.brokers.saturating_add(self.clients)
    }

    /// The consumers.
    pub fn consumer_ids(&self) -> Range<u16> {
        let first = self.client_ids().end;
        first..first.saturating_add(self.consumers)
    }

    /// The lasting name of a consumer, if it has one.
    fn instance(&self, consumer: NodeId) -> Option<InstanceId> {
        let place = consumer.0 - self.consumer_ids().start;
        match self.settings.consumer.membership {
            Membership::Dynamic => None,
            Membership::Static => Some(InstanceId(place)),
            Membership::Twins => Some(InstanceId(place / 2)),
        }
    }

    /// The partitions, with the brokers that have them: the first of them leads at first (Kafka, `StripedReplicaPlacer`).
    pub fn assignment(&self) -> Vec<(TopicPartition, Vec<NodeId>)> {
        let replicas = |first: u16| {
            let place = |n: u16| NodeId((first + n) % self.brokers);
            (0..self.replication_factor.min(self.brokers)).map(place).collect()
        };
        let offsets_partitions = if self.consumers > 0 { self.offsets_partitions } else { 0 };
        let topics = [
            (ORDERS, self.partitions),
            (TRANSACTION_STATE, TRANSACTION_PARTITIONS),
            (CONSUMER_OFFSETS, offsets_partitions),
        ];
        let all = topics.into_iter().flat_map(|(topic, count)| (0..count).map(move |n| TopicPartition::new(topic, n)));
        let first = (0..).map(|number| number % self.brokers);
        all.zip(first).map(|(partition, first)| (partition, replicas(first))).collect()
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// A broker.
    Broker(Broker),
    /// A client.
    Client(Client),
    /// A consumer.
    Consumer(Consumer),
}

impl Model for LogBroker {
    type Process = Node;

    const INFO: Info = Info {
        name: "log_broker",
        row: "C04",
        family: "communication",
        summary: "A partitioned, replicated log with Kafka's semantics: leaders, in-sync replicas, a controller quorum on Raft.",
        sources: &[
            "J. Kreps, N. Narkhede, J. Rao, *Kafka: a Distributed Messaging System for Log Processing*, 2011",
            "Apache Kafka 4.0 documentation: *Replication*, *Message Delivery Semantics*",
            "KIP-98 *Exactly Once Delivery and Transactional Messaging*; KIP-360",
            "KIP-101 *Alter Replication Protocol to use Leader Epoch rather than High Watermark for Truncation*; KIP-279, KIP-320",
            "KIP-497 *Add inter-broker API to alter ISR*; KIP-841, KIP-903, KIP-966 *Eligible Leader Replicas*",
            "KIP-500, KIP-631 *The Quorum-based Kafka Controller*",
            "KIP-54 *Sticky Partition Assignment Strategy*; KIP-429 *Kafka Consumer Incremental Rebalance Protocol*",
            "KIP-134, KIP-345 *Introduce static membership protocol*, KIP-394, KIP-814; KIP-447 *Producer scalability for exactly once semantics*",
            "KIP-480 *Sticky Partitioner*; KIP-794 *Strictly Uniform Sticky Partitioner*",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["leader", "controller", "producer", "coordinator", "owner"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, groups::marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        self.consumer_ids().end.into()
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let brokers: Vec<NodeId> = nodes.iter().copied().filter(|node| self.broker_ids().contains(&node.0)).collect();
        if !self.broker_ids().contains(&node.0) {
            let brokers = if brokers.is_empty() { vec![NodeId(0)] } else { brokers };
            if self.consumer_ids().contains(&node.0) {
                let sizes = [(ORDERS, self.partitions)].into();
                let config =
                    consumer::Config { brokers, sizes, instance: self.instance(node), settings: self.settings.clone() };
                return Node::Consumer(Consumer::new(config));
            }
            let transactional_id = TransactionalId(node.0);
            let config = client::Config {
                brokers,
                transactional_id,
                partitions: self.partitions,
                settings: self.settings.clone(),
            };
            return Node::Client(Client::new(config));
        }
        let server =
            raft::Server::new(node, membership::Membership::of(brokers.iter().copied()), raft::Settings::default());
        let config = broker::Config { brokers, partitions: self.assignment(), settings: self.settings.clone() };
        Node::Broker(Broker::new(config, server))
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        workload::validate(op)
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.client_ids().contains(&node.0)
    }

    fn validate(&self) -> Result<(), String> {
        bounds::at_most("partitions", self.partitions, MOST_PARTITIONS.into())?;
        bounds::at_most("offsets_partitions", self.offsets_partitions, MOST_PARTITIONS.into())?;
        match self {
            LogBroker { brokers: 0, .. } | LogBroker { clients: 0, .. } | LogBroker { partitions: 0, .. } => {
                Err("log_broker needs a broker, a client and a partition at least".into())
            }
            LogBroker { offsets_partitions: 0, .. } => Err("offsets_partitions must be 1 at least".into()),
            LogBroker { replication_factor: 0, .. } => Err("replication_factor must be 1 at least".into()),
            _ => self.settings.validate(),
        }
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "acks", what: Acks::NAMES },
            Setting { name: "flush", what: Flush::NAMES },
            Setting { name: "unclean", what: "yes, no: whether a replica that is not in sync may lead" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("acks", _) => self.settings.producer.acks = value.parse()?,
            ("flush", _) => self.settings.flush = value.parse()?,
            ("unclean", "yes" | "no") => self.settings.unclean_leader_election = value == "yes",
            ("unclean", _) => return Err(format!("yes or no, and not '{value}'")),
            _ => return Err(format!("log_broker has nothing to set called '{name}'")),
        }
        Ok(())
    }

    /// Changes how many clients there are; brokers stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let others = usize::from(self.brokers) + usize::from(self.consumers);
        let clients = nodes.checked_sub(others).and_then(|clients| u16::try_from(clients).ok());
        self.clients = clients.filter(|clients| *clients > 0).ok_or_else(|| {
            format!("log_broker has {others} brokers and consumers beside its clients: {nodes} nodes are too few or too many")
        })?;
        Ok(())
    }

    /// Any broker may crash, and clients come and go. Where logs are written before anything is said of them, all may lose power at
    /// once; otherwise what they had in memory would be gone, so it is one at a time.
    fn tolerance(&self) -> Tolerance {
        let clients = (self.client_ids().start..self.consumer_ids().end).map(NodeId);
        let crashes = match self.settings.flush {
            Flush::Always => Crashes::any(self.broker_ids()),
            Flush::Later => Crashes::up_to(1, self.broker_ids()),
        };
        self.usual_tolerance().crashing(crashes.and_clients(clients))
    }

    fn sizes(&self) -> Vec<Self> {
        let sizes = [(3, 1, 1, 3), (4, 2, 3, 3), (2, 2, 2, 2)];
        sizes
            .map(|(brokers, clients, partitions, replication_factor)| {
                let model = self.clone();
                LogBroker { brokers, clients, partitions, replication_factor, ..model }
            })
            .to_vec()
    }

    fn reaction_time(&self) -> Span {
        Span::ms(150)
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Broker(broker), "leader") => {
                let led = broker.replicas().filter_map(|(_, replica)| replica.leading());
                led.map(|leading| u64::from(leading.epoch.0)).max()
            }
            (Node::Broker(broker), "controller") => {
                broker.quorum().is_active().then(|| broker.quorum().server().term().0)
            }
            (Node::Client(client), "producer") => Some(client.waiting() as u64).filter(|count| *count > 0),
            (Node::Broker(broker), "coordinator") => {
                broker.group_coordinators().map(|coordinator| u64::from(coordinator.epoch().0)).max()
            }
            (Node::Consumer(consumer), "owner") => Some(consumer.owned().count() as u64).filter(|count| *count > 0),
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
        let until = seedbed_sim::Time::ZERO + Span(self.phases().chaos.0 * 9 / 10);
        seedbed_sim::workload(self.client_ids(), 4..14, until, workload::op())
    }
}
