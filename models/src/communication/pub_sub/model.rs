//! The model: a broker, publishers, durable and transient subscribers.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{FaultClass, Info, Model, NodeId, Phases, Roles, Setting, Span, Time, Workload};
use serde::{Deserialize, Serialize};

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::client::Client;
use crate::communication::pub_sub::client::session;
use crate::communication::pub_sub::connection;
use crate::communication::pub_sub::engine::{self, Overlap};
use crate::communication::pub_sub::marks;
use crate::communication::pub_sub::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::pub_sub::names::ClientId;
use crate::communication::pub_sub::packet::{Options, Qos, SessionExpiry};
use crate::communication::pub_sub::server::Broker;
use crate::communication::pub_sub::topic::{Filter, Topic};
use crate::communication::pub_sub::workload::{self, LOCKED, LONGEST};
use crate::parts::wal;

/// The broker.
pub const BROKER: NodeId = NodeId(0);
/// No timeout is shorter.
const LEAST: Span = Span::ms(10);

/// The configuration: the broker `n0`, then publishers, durable subscribers, transient subscribers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PubSub {
    /// How many clients have no subscriptions at first; their sessions are durable.
    pub publishers: u16,
    /// How many subscribers have sessions that outlive their connections.
    pub durable: u16,
    /// How many subscribers begin a new session with each connection.
    pub transient: u16,
    /// The greatest QoS of the subscriptions that subscribers have at first.
    pub granted: Qos,
    /// Whether subscribers have a shared subscription at first.
    pub shared: bool,
    /// Whether subscribers have no other subscription at first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared_alone: bool,
    /// How many copies subscriptions that overlap get.
    pub overlap: Overlap,
    /// How many publishes with a QoS above 0 a client takes at a time.
    pub receive_maximum: u16,
    /// The same, of the broker.
    pub server_receive_maximum: u16,
    /// How long a durable session lives without a connection.
    pub session_expiry: SessionExpiry,
    /// The Keep Alive of clients.
    pub keep_alive: Span,
    /// The Will Delay Interval of subscribers' Will Messages; without one they have none.
    pub will_delay: Option<Span>,
    /// After how long a packet without an acknowledgement is sent again.
    pub resend: Span,
    /// After how long without an acknowledgement a connection is given up.
    pub timeout: Span,
}

impl Default for PubSub {
    fn default() -> Self {
        PubSub {
            publishers: 2,
            durable: 2,
            transient: 1,
            granted: Qos::ExactlyOnce,
            shared: false,
            shared_alone: false,
            overlap: Overlap::OneCopy,
            receive_maximum: 3,
            server_receive_maximum: 3,
            session_expiry: SessionExpiry::Never,
            keep_alive: Span::ms(300),
            will_delay: None,
            resend: Span::ms(30),
            timeout: Span::ms(150),
        }
    }
}

impl PubSub {
    /// The publishers.
    pub fn publisher_ids(&self) -> Range<u16> {
        1..1u16.saturating_add(self.publishers)
    }

    /// The durable subscribers.
    pub fn durable_ids(&self) -> Range<u16> {
        let first = self.publisher_ids().end;
        first..first.saturating_add(self.durable)
    }

    /// The transient subscribers.
    pub fn transient_ids(&self) -> Range<u16> {
        let first = self.durable_ids().end;
        first..first.saturating_add(self.transient)
    }

    /// All clients.
    pub fn client_ids(&self) -> Range<u16> {
        1..self.transient_ids().end
    }

    fn connection(&self) -> connection::Settings {
        connection::Settings { resend: self.resend, timeout: self.timeout }
    }

    fn client(&self, node: NodeId) -> session::Settings {
        let is_transient = self.transient_ids().contains(&node.0);
        let is_publisher = self.publisher_ids().contains(&node.0);
        let mut subscriptions = Vec::new();
        let mut subscribe = |filter: &str| subscriptions.push((Filter::from(filter), Options::of(self.granted)));
        match node {
            _ if is_publisher || self.shared_alone => {}
            _ if is_transient => subscribe("#"),
            node if node.0.is_multiple_of(2) => ["a/#", "+/b"].into_iter().for_each(&mut subscribe),
            _ => ["a/b", "b"].into_iter().for_each(&mut subscribe),
        }
        if (self.shared || self.shared_alone) && !is_publisher {
            subscribe("$share/g/a/+");
        }
        let will = |delay| (Topic::from("a/will"), Qos::AtLeastOnce, node.0.is_multiple_of(3), delay);
        session::Settings {
            client: ClientId(node.0),
            clean_start: is_transient,
            expiry: if is_transient { SessionExpiry::AT_ONCE } else { self.session_expiry },
            receive_maximum: self.receive_maximum,
            keep_alive: self.keep_alive,
            will: self.will_delay.filter(|_| !is_publisher).map(will),
            subscriptions,
        }
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// The broker.
    Broker(Broker),
    /// A client.
    Client(Client),
}

impl Model for PubSub {
    type Process = Node;

    const INFO: Info = Info {
        name: "pub_sub",
        row: "C02",
        family: "communication",
        summary: "MQTT 5: a broker with topics, QoS 0 to 2, retained and will messages, shared subscriptions, sessions.",
        sources: &["OASIS, *MQTT Version 5.0*, 2019"],
        tolerates: &FaultClass::USUAL,
        roles: &["broker", "publisher", "subscriber"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        self.client_ids().end.into()
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        if node == BROKER {
            let settings = engine::Settings {
                receive_maximum: self.server_receive_maximum,
                overlap: self.overlap,
                locked: Some(Topic::from(LOCKED)),
            };
            return Node::Broker(Broker::new(settings, self.connection()));
        }
        Node::Client(Client::new(self.client(node), BROKER, self.connection()))
    }

    fn validate(&self) -> Result<(), String> {
        let spans = [("keep_alive", self.keep_alive), ("resend", self.resend), ("timeout", self.timeout)];
        if let Some((name, _)) = spans.iter().find(|(_, span)| *span < LEAST || *span > LONGEST) {
            return Err(format!("{name} must be {LEAST} to {LONGEST}"));
        }
        match self {
            PubSub { publishers: 0, .. } => Err("pub_sub needs a publisher at least".into()),
            PubSub { durable: 0, transient: 0, .. } => Err("pub_sub needs a subscriber at least".into()),
            PubSub { receive_maximum: 0, .. } => Err("receive_maximum must be above 0 ([MQTT-3.1.2.11.3])".into()),
            PubSub { server_receive_maximum: 0, .. } => Err("server_receive_maximum must be above 0".into()),
            PubSub { session_expiry: SessionExpiry::After(span), .. } if *span > LONGEST => {
                Err(format!("session_expiry must be at most {LONGEST}, or never"))
            }
            PubSub { will_delay: Some(span), .. } if *span > LONGEST => {
                Err(format!("will_delay must be at most {LONGEST}"))
            }
            PubSub { timeout, resend, .. } if timeout < resend => {
                Err(format!("timeout must be {resend} at least, as long as resend"))
            }
            _ => Ok(()),
        }
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        workload::validate(op)
    }

    fn is_client(&self, node: NodeId) -> bool {
        node != BROKER
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "overlap", what: "one-copy, copy-each: the copies of subscriptions that overlap" },
            Setting { name: "shared", what: "yes, no: whether subscribers have a shared subscription" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("overlap", "one-copy") => self.overlap = Overlap::OneCopy,
            ("overlap", "copy-each") => self.overlap = Overlap::CopyEach,
            ("overlap", _) => return Err(format!("one-copy or copy-each, and not '{value}'")),
            ("shared", "yes" | "no") => self.shared = value == "yes",
            ("shared", _) => return Err(format!("yes or no, and not '{value}'")),
            _ => return Err(format!("pub_sub has nothing to set called '{name}'")),
        }
        Ok(())
    }

    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let others = 1 + usize::from(self.publishers) + usize::from(self.transient);
        let durable = nodes.checked_sub(others).and_then(|durable| u16::try_from(durable).ok());
        self.durable = durable
            .filter(|durable| durable + self.transient > 0)
            .ok_or(format!("there are {others} nodes besides the durable subscribers"))?;
        Ok(())
    }

    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 1, 0), (1, 0, 2), (3, 3, 1)];
        sizes.map(|(publishers, durable, transient)| PubSub { publishers, durable, transient, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        Span(self.timeout.0 / 2)
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Broker(broker), "broker") => {
                let pending = broker.engine().sessions().map(|(_, session)| session.outbox.pending().count() as u64);
                Some(pending.sum())
            }
            (Node::Client(client), "publisher") => {
                (!client.state().outbox().is_empty()).then(|| client.state().outbox().pending().count() as u64)
            }
            (Node::Client(client), "subscriber") => {
                let unreleased = client.state().inbox().ids().count() as u64;
                (!client.state().wanted().is_empty()).then_some(unreleased)
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
        Phases { chaos: Span::ms(1_500), settle: Span::secs(3) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let until = Time::ZERO + Span(self.phases().chaos.0 * 9 / 10);
        let subscribers = self.publisher_ids().end..self.client_ids().end;
        workload::operations(self.publisher_ids(), subscribers, until)
    }
}
