//! What a queue is declared with.

use seedbed_sim::{Named, Span};
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::books::message::Properties;
use crate::communication::message_queue::names::{ExchangeName, Key};

/// The kind of a queue (`x-queue-type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum QueueKind {
    /// On one broker.
    #[default]
    Classic,
    /// Replicated by Raft.
    Quorum,
}

/// What becomes of publishes to a queue that is full (`x-overflow`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// The message at the head goes.
    #[default]
    DropHead,
    /// The publish is refused.
    RejectPublish,
    /// The publish is refused, and the message is dead-lettered.
    RejectPublishDlx,
}

/// Where a queue's dead letters go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeadLetterTo {
    /// The exchange (`x-dead-letter-exchange`). It need not exist when the queue is declared.
    pub exchange: ExchangeName,
    /// The key (`x-dead-letter-routing-key`); if absent, that of the message.
    pub key: Option<Key>,
}

/// The arguments of `queue.declare`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Classic or quorum.
    pub kind: QueueKind,
    /// Whether it survives a restart of the broker.
    pub durable: bool,
    /// How long a message may be in it (`x-message-ttl`).
    pub message_ttl: Option<Span>,
    /// How long it stays when nobody uses it (`x-expires`).
    pub expires: Option<Span>,
    /// The most messages that are ready (`x-max-length`).
    pub max_length: Option<u32>,
    /// What becomes of more (`x-overflow`).
    pub overflow: Overflow,
    /// Where its dead letters go.
    pub dead_letter: Option<DeadLetterTo>,
    /// The highest priority (`x-max-priority`), of a classic queue; without it there are no priorities. Quorum queues always have them,
    /// and refuse this.
    pub max_priority: Option<u8>,
    /// Whether one consumer at a time is served (`x-single-active-consumer`).
    pub single_active: bool,
    /// How often a message may be returned for a failure (`x-delivery-limit`), to a quorum queue.
    pub delivery_limit: Option<u32>,
}

/// The highest priority in a quorum queue, and that of messages which have none (*Quorum Queues*, "Message Priority").
const QUORUM_PRIORITIES: (u8, u8) = (31, 4);

impl QueueSettings {
    /// A durable queue of this kind.
    pub fn durable(kind: QueueKind) -> Self {
        QueueSettings { kind, durable: true, ..QueueSettings::default() }
    }

    /// Checks what a kind of queue cannot have (*Quorum Queues*, "Feature Comparison").
    ///
    /// # Errors
    /// What is wrong.
    pub fn validate(&self) -> Result<(), &'static str> {
        match self.kind {
            QueueKind::Classic if self.delivery_limit.is_some() => Err("a classic queue has no delivery limit"),
            QueueKind::Quorum if !self.durable => Err("a quorum queue is durable"),
            QueueKind::Quorum if self.max_priority.is_some() => {
                Err("a quorum queue has its priorities without being told")
            }
            QueueKind::Quorum if self.overflow == Overflow::RejectPublishDlx => {
                Err("a quorum queue does not dead-letter what it refuses")
            }
            _ => Ok(()),
        }
    }

    /// Whether no message can be asked for: of a quorum queue with a single active consumer only that gets any.
    pub fn refuses_get(&self) -> bool {
        self.kind == QueueKind::Quorum && self.single_active
    }

    /// The priority of a message in this queue (*Priority Queues*).
    pub fn priority(&self, properties: &Properties) -> u8 {
        match (self.kind, self.max_priority) {
            (QueueKind::Classic, None) => 0,
            (QueueKind::Classic, Some(most)) => properties.priority.unwrap_or(0).min(most),
            (QueueKind::Quorum, _) => properties.priority.unwrap_or(QUORUM_PRIORITIES.1).min(QUORUM_PRIORITIES.0),
        }
    }

    /// How long a message may be in it: the lower of the queue's time to live and the message's (*Time-to-Live*).
    pub fn ttl(&self, properties: &Properties) -> Option<Span> {
        match (self.message_ttl, properties.expiration) {
            (Some(queue), Some(message)) => Some(queue.min(message)),
            (queue, message) => queue.or(message),
        }
    }
}
