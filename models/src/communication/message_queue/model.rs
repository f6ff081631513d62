//! The model: brokers, publishers, consumers.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{Crashes, FaultClass, Info, Model, NodeId, Phases, Roles, Setting, Span, Tolerance, Workload};
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::books::settings::{Overflow, QueueKind};
use crate::communication::message_queue::broker::store::{Classic, Quorum};
use crate::communication::message_queue::broker::{Broker, Store};
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::client::Client;
use crate::communication::message_queue::client::consumer::{self, Acks, Consumer};
use crate::communication::message_queue::client::pool::Pool;
use crate::communication::message_queue::client::process::Role;
use crate::communication::message_queue::client::publisher::Publisher;
use crate::communication::message_queue::connection;
use crate::communication::message_queue::marks;
use crate::communication::message_queue::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::message_queue::names::QueueName;
use crate::communication::message_queue::topology::{AUDIT, DeadLetters, Topology, WORK};
use crate::communication::message_queue::workload;
use crate::parts::wal;
use crate::replication::raft;
use crate::replication::raft::membership::Membership;

/// The broker with classic queues.
pub const BROKER: NodeId = NodeId(0);
/// The most connections of a client, and the most channels of a connection.
const MOST_CONNECTIONS: u16 = 8;

/// The configuration: brokers from `n0` on, then publishers, then consumers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageQueue {
    /// The kind of all queues. Classic queues are all on `n0`, and the other brokers do nothing.
    pub queues: QueueKind,
    /// How many brokers.
    pub brokers: u16,
    /// How many publishers.
    pub publishers: u16,
    /// How many consumers.
    pub consumers: u16,
    /// How many connections a client has.
    pub connections: u16,
    /// How many channels each of them has.
    pub channels: u16,
    /// Whether publishers ask for confirms, and publish again what was not confirmed.
    pub confirms: bool,
    /// How consumers acknowledge.
    pub acks: Acks,
    /// The most deliveries of a consumer that are not acknowledged; zero is no limit.
    pub prefetch: u16,
    /// The same, of a channel; only of classic queues.
    pub global_prefetch: u16,
    /// The time to live of messages in `work`.
    pub message_ttl: Option<Span>,
    /// The most messages that are ready in `work`.
    pub max_length: Option<u32>,
    /// What becomes of more.
    pub overflow: Overflow,
    /// The highest priority in `work`; only of classic queues, quorum queues have 31.
    pub max_priority: Option<u8>,
    /// Whether `work` serves one consumer at a time.
    pub single_active: bool,
    /// How often a message may be returned to `work`; only of quorum queues.
    pub delivery_limit: Option<u32>,
    /// What becomes of the dead letters of `work`.
    pub dead_letters: DeadLetters,
    /// How long they wait before they come back, if they do.
    pub delay: Span,
    /// The longest that it takes a consumer to process a message.
    pub service: Span,
    /// After how long a frame without an acknowledgement is sent again.
    pub resend: Span,
    /// After how long without a sign of the other end a connection is lost.
    pub timeout: Span,
}

impl Default for MessageQueue {
    fn default() -> Self {
        MessageQueue {
            queues: QueueKind::Classic,
            brokers: 3,
            publishers: 2,
            consumers: 2,
            connections: 1,
            channels: 2,
            confirms: true,
            acks: Acks::Each,
            prefetch: 3,
            global_prefetch: 0,
            message_ttl: None,
            max_length: None,
            overflow: Overflow::DropHead,
            max_priority: None,
            single_active: false,
            delivery_limit: None,
            dead_letters: DeadLetters::Kept,
            delay: Span::ms(60),
            service: Span::ms(8),
            resend: Span::ms(20),
            timeout: Span::ms(200),
        }
    }
}

impl MessageQueue {
    /// The brokers.
    pub fn broker_ids(&self) -> Range<u16> {
        0..self.brokers
    }

    /// The brokers that have books: one with classic queues, all with quorum queues.
    pub fn serving_ids(&self) -> Range<u16> {
        match self.queues {
            QueueKind::Classic => 0..self.brokers.min(1),
            QueueKind::Quorum => self.broker_ids(),
        }
    }

    /// The publishers.
    pub fn publisher_ids(&self) -> Range<u16> {
        self.brokers..self.brokers.saturating_add(self.publishers)
    }

    /// The consumers.
    pub fn consumer_ids(&self) -> Range<u16> {
        self.publisher_ids().end..self.publisher_ids().end.saturating_add(self.consumers)
    }

    /// What clients declare.
    pub fn topology(&self) -> Topology {
        Topology {
            kind: self.queues,
            message_ttl: self.message_ttl,
            max_length: self.max_length,
            overflow: self.overflow,
            max_priority: self.max_priority,
            single_active: self.single_active,
            delivery_limit: self.delivery_limit,
            dead_letters: self.dead_letters,
            delay: self.delay,
        }
    }

    fn connection(&self) -> connection::Settings {
        connection::Settings { resend: self.resend, timeout: self.timeout }
    }

    fn broker(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let store = match self.queues {
            QueueKind::Classic => Store::Classic(Classic::default()),
            QueueKind::Quorum => {
                let group = Membership::of(nodes.iter().copied().filter(|node| self.broker_ids().contains(&node.0)));
                Store::Quorum(Quorum::new(raft::Server::new(node, group, raft::Settings::default())))
            }
        };
        Node::Broker(Broker::new(store, self.connection()))
    }

    fn client(&self, nodes: &[NodeId], role: Role) -> Node {
        let brokers = nodes.iter().copied().filter(|node| self.serving_ids().contains(&node.0)).collect();
        let pool = Pool::new(brokers, self.connections, self.connection());
        Node::Client(Client::new(pool, self.topology(), self.channels, role))
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// A broker that is not needed for classic queues.
    Idle,
    /// A broker.
    Broker(Broker),
    /// A client.
    Client(Client),
}

impl Model for MessageQueue {
    type Process = Node;

    const INFO: Info = Info {
        name: "message_queue",
        row: "C03",
        family: "communication",
        summary: "An AMQP 0-9-1 broker with RabbitMQ's semantics: classic queues on one broker, quorum queues on Raft.",
        sources: &[
            "AMQP Working Group, *Advanced Message Queuing Protocol, Protocol Specification, Version 0-9-1*, 2008",
            "RabbitMQ documentation: *Consumer Acknowledgements and Publisher Confirms*, *Consumer Prefetch*, *Consumers*",
            "RabbitMQ documentation: *Dead Letter Exchanges*, *Time-to-Live and Expiration*, *Queue Length Limit*, *Priority Queues*",
            "RabbitMQ documentation: *Quorum Queues*",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["broker", "consumer", "publisher"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        self.consumer_ids().end.into()
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        if self.serving_ids().contains(&node.0) {
            return self.broker(node, nodes);
        }
        if self.broker_ids().contains(&node.0) {
            return Node::Idle;
        }
        if self.publisher_ids().contains(&node.0) {
            return self.client(nodes, Role::Publisher(Publisher::new(self.confirms)));
        }
        let settings = consumer::Settings {
            queues: [WORK, AUDIT].map(QueueName::from).to_vec(),
            acks: self.acks,
            prefetch: self.prefetch,
            global_prefetch: self.global_prefetch,
            service: self.service,
        };
        self.client(nodes, Role::Consumer(Consumer::new(settings)))
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        workload::validate(op)
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.publisher_ids().contains(&node.0)
    }

    fn validate(&self) -> Result<(), String> {
        let most = |name: &str, number: u16| {
            if (1..=MOST_CONNECTIONS).contains(&number) {
                return Ok(());
            }
            Err(format!("{name} must be 1 to {MOST_CONNECTIONS}, and not {number}"))
        };
        most("connections", self.connections)?;
        most("channels", self.channels)?;
        match self {
            MessageQueue { brokers: 0, .. }
            | MessageQueue { publishers: 0, .. }
            | MessageQueue { consumers: 0, .. } => {
                Err("message_queue needs a broker, a publisher and a consumer at least".into())
            }
            MessageQueue { acks: Acks::Several(0), .. } => Err("acks must be several: one at least".into()),
            MessageQueue { queues: QueueKind::Quorum, global_prefetch: 1.., .. } => {
                Err("global_prefetch must be 0 with quorum queues, which know no limit of a channel".into())
            }
            MessageQueue { resend: Span::ZERO, .. } => Err("resend must be above 0".into()),
            MessageQueue { timeout, .. } if *timeout < self.resend => {
                Err(format!("timeout must be {} at least, as long as resend", self.resend))
            }
            _ => self.topology().queues().iter().try_for_each(|(name, settings)| {
                settings.validate().map_err(|why| format!("the queue {name} cannot be declared: {why}"))
            }),
        }
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "queues", what: QueueKind::NAMES },
            Setting { name: "dead-letters", what: DeadLetters::NAMES },
            Setting { name: "overflow", what: Overflow::NAMES },
            Setting { name: "confirms", what: "yes, no: whether publishers ask for confirms" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("queues", _) => self.queues = value.parse()?,
            ("dead-letters", _) => self.dead_letters = value.parse()?,
            ("overflow", _) => self.overflow = value.parse()?,
            ("confirms", "yes" | "no") => self.confirms = value == "yes",
            ("confirms", _) => return Err(format!("yes or no, and not '{value}'")),
            _ => return Err(format!("message_queue has nothing to set called '{name}'")),
        }
        Ok(())
    }

    /// Changes how many consumers there are; brokers and publishers stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let others = usize::from(self.publisher_ids().end);
        let consumers = nodes.checked_sub(others).and_then(|consumers| u16::try_from(consumers).ok());
        self.consumers = consumers.filter(|consumers| *consumers > 0).ok_or_else(|| {
            format!("message_queue has {others} brokers and publishers beside its consumers: {nodes} nodes are too few or too many")
        })?;
        Ok(())
    }

    /// With classic queues the one broker, with quorum queues a minority of them, or all at once; and clients come and go.
    fn tolerance(&self) -> Tolerance {
        let clients = (self.publisher_ids().start..self.consumer_ids().end).map(NodeId);
        let crashes = match self.queues {
            QueueKind::Classic => Crashes::any(self.serving_ids()),
            QueueKind::Quorum => {
                Crashes::up_to(usize::from(self.brokers.saturating_sub(1) / 2), self.broker_ids()).and_power_loss()
            }
        };
        self.usual_tolerance().crashing(crashes.and_clients(clients))
    }

    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 1, 1), (1, 3, 4), (5, 2, 3)];
        sizes
            .map(|(brokers, publishers, consumers)| MessageQueue { brokers, publishers, consumers, ..self.clone() })
            .to_vec()
    }

    fn reaction_time(&self) -> Span {
        Span(self.timeout.0 / 2)
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Broker(broker), "broker") => match broker.store() {
                Store::Classic(_) => Some(0),
                Store::Quorum(quorum) => quorum.server().is_leader().then(|| quorum.server().term().0),
            },
            (Node::Client(client), "consumer") => {
                client.consumer().map(|consumer| consumer.inbox().len() as u64).filter(|count| *count > 0)
            }
            (Node::Client(client), "publisher") => {
                client.publisher().map(|publisher| publisher.waiting() as u64).filter(|count| *count > 0)
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
        Phases { chaos: Span::ms(1_500), settle: Span::secs(5) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let until = seedbed_sim::Time::ZERO + Span(self.phases().chaos.0 * 9 / 10);
        seedbed_sim::workload(self.publisher_ids(), 4..14, until, workload::op())
    }
}
