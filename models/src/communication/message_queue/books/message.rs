//! Messages, and what is recorded on them when they are dead-lettered.

use std::collections::BTreeMap;

use seedbed_sim::{Named, Span, Time};
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::names::{BodyId, CopyId, ExchangeName, Key, QueueName, Text};

/// What a publisher says of a message (AMQP 0-9-1, §1.8.3: the properties of class `basic`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Properties {
    /// Whether it survives a restart of the broker, in a durable queue (`delivery-mode` 2).
    #[serde(default)]
    pub persistent: bool,
    /// Its priority; higher ones are delivered first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// How long it may be in a queue (`expiration`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration: Option<Span>,
    /// The headers. (Different from AMQP: all values are texts.)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<Text, Text>,
}

/// Why a message was dead-lettered (RabbitMQ, *Dead Letter Exchanges*, "Dead-Lettered Effects on Messages").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A consumer has rejected it, and did not want it requeued.
    Rejected,
    /// Its time to live was over.
    Expired,
    /// Its queue was full.
    Maxlen,
    /// It was returned to a quorum queue more often than is allowed.
    DeliveryLimit,
}

/// An entry of the header `x-death`: how often a message has died in a queue for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Death {
    /// The queue.
    pub queue: QueueName,
    /// The reason.
    pub reason: Reason,
    /// How often.
    pub count: u64,
    /// When for the first time.
    pub time: Time,
    /// To which exchange it had been published, the first time.
    pub exchange: ExchangeName,
    /// By which key, the first time.
    pub key: Key,
    /// Its time to live, the first time.
    pub original_expiration: Option<Span>,
}

/// The headers `x-first-death-*` and `x-last-death-*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeathMark {
    /// The queue.
    pub queue: QueueName,
    /// The reason.
    pub reason: Reason,
    /// The exchange to which it had been published.
    pub exchange: ExchangeName,
}

/// How a consumer refuses a message that it cannot process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// `basic.nack` with `requeue`.
    #[default]
    Nack,
    /// `basic.reject` with `requeue`.
    Reject,
    /// `basic.reject` without `requeue`: it is dead-lettered, or gone.
    Discard,
}

/// What is in a message. Brokers do not look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Body {
    /// What its publisher calls it.
    pub id: BodyId,
    /// How many times a consumer fails to process it.
    pub failures: u8,
    /// How the consumer then refuses it.
    pub refusal: Refusal,
}

impl Body {
    /// A body that is processed at once.
    pub fn of(id: BodyId) -> Self {
        Body { id, failures: 0, refusal: Refusal::Nack }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// What is in it.
    pub body: Body,
    /// The exchange to which it was published last.
    pub exchange: ExchangeName,
    /// The key by which it was published last.
    pub key: Key,
    /// What its publisher said of it.
    pub properties: Properties,
    /// `x-death`: the latest first, one for each queue and reason.
    pub deaths: Vec<Death>,
    /// `x-first-death-*`.
    pub first_death: Option<DeathMark>,
    /// `x-last-death-*`.
    pub last_death: Option<DeathMark>,
}

impl Message {
    /// A message as it is published.
    pub fn new(body: Body, exchange: ExchangeName, key: Key, properties: Properties) -> Self {
        Message { body, exchange, key, properties, deaths: Vec::new(), first_death: None, last_death: None }
    }

    /// How often it has died in a queue for a reason.
    pub fn death_count(&self, queue: &QueueName, reason: Reason) -> u64 {
        let same = |death: &&Death| death.queue == *queue && death.reason == reason;
        self.deaths.iter().find(same).map_or(0, |death| death.count)
    }

    /// Records a death (*Dead Letter Exchanges*, "Dead-Lettered Effects on Messages"): history is compressed by queue and reason,
    /// the most recent comes first, and the time to live is taken off the message, lest it expire again where it goes.
    pub(super) fn died(&mut self, queue: &QueueName, reason: Reason, now: Time) {
        let known = self.deaths.iter().position(|death| death.queue == *queue && death.reason == reason);
        let mut death = match known {
            Some(place) => self.deaths.remove(place),
            None => Death {
                queue: queue.clone(),
                reason,
                count: 0,
                time: now,
                exchange: self.exchange.clone(),
                key: self.key.clone(),
                original_expiration: self.properties.expiration,
            },
        };
        death.count += 1;
        self.deaths.insert(0, death);
        let mark = DeathMark { queue: queue.clone(), reason, exchange: self.exchange.clone() };
        self.first_death.get_or_insert_with(|| mark.clone());
        self.last_death = Some(mark);
        self.properties.expiration = None;
    }

    /// Whether it would come into a queue again in which it has died, and nobody has rejected it since (*Dead Letter Exchanges*,
    /// "Dead-letter cycle"): then it is dropped.
    pub(super) fn is_in_a_cycle(&self, queue: &QueueName) -> bool {
        let Some(died_here) = self.deaths.iter().position(|death| death.queue == *queue) else { return false };
        self.deaths[..=died_here].iter().all(|death| death.reason != Reason::Rejected)
    }
}

/// A copy of a message in a queue, ready or delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Queued {
    /// Which copy.
    pub id: CopyId,
    /// Its place among those of its priority.
    pub position: u64,
    /// The message.
    pub message: Message,
    /// The priority that its queue gives it.
    pub priority: u8,
    /// When it came.
    pub arrived: Time,
    /// When its time to live is over. A message that is requeued keeps this (*Time-to-Live*, "Message TTL").
    pub expires: Option<Time>,
    /// How often it was given to a consumer (`x-acquired-count`).
    pub acquired: u32,
    /// How often it was returned for a failure (`x-delivery-count`).
    pub failed: u32,
}

impl Queued {
    /// Whether its time to live is over.
    pub fn is_expired(&self, now: Time) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether it may be delivered. "The server guarantees that expired messages will not be delivered"; but a time to live of zero
    /// lets a message be delivered at the moment at which it comes (*Time-to-Live*).
    pub fn may_be_delivered(&self, now: Time) -> bool {
        !self.is_expired(now) || self.arrived == now && self.acquired == 0
    }
}
