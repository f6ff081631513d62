//! What has happened in the books, in order. Nothing in them depends on it: it is for who audits them.

use seedbed_sim::Time;
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::books::message::{Message, Reason};
use crate::communication::message_queue::names::{BodyId, ChannelId, ConsumerTag, CopyId, DeliveryTag, QueueName};

/// Where a copy has come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// It was published.
    Published,
    /// It is the dead letter of this copy.
    DeadLetter(CopyId, Reason),
}

/// How a copy has left its queue for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It was acknowledged.
    Acked,
    /// It was delivered to who does not acknowledge.
    AutoAcked,
    /// It has died: it goes to the dead-letter exchange, if its queue has one.
    Died {
        /// Why.
        reason: Reason,
        /// Whether its queue has a dead-letter exchange.
        dead_lettered: bool,
    },
    /// Its queue was purged.
    Purged,
    /// Its queue was deleted, or has expired.
    QueueDeleted,
    /// It was not persistent, or its queue not durable, and the broker has restarted.
    NotDurable,
}

/// Why a copy has come back to its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Return {
    /// `basic.nack`.
    Nacked,
    /// `basic.reject`.
    Rejected,
    /// Its channel or connection was closed.
    Closed,
    /// The broker has restarted, or another one has taken over.
    BrokerLost,
}

impl Return {
    /// Whether this counts as a failed delivery (*Quorum Queues*, "When is delivery count incremented?").
    pub fn is_failure(self) -> bool {
        matches!(self, Return::Rejected | Return::Closed)
    }
}

/// How a consumer settles deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Settlement {
    /// `basic.ack`.
    Ack,
    /// `basic.nack`.
    Nack {
        /// Whether it is to be delivered again.
        requeue: bool,
    },
    /// `basic.reject`.
    Reject {
        /// Whether it is to be delivered again.
        requeue: bool,
    },
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A message was published to an exchange that there is. What follows says to which queues it has come.
    Published {
        /// On which channel.
        channel: ChannelId,
        /// The message.
        message: Message,
        /// Whether its publisher wants it back if it has no route.
        mandatory: bool,
        /// The queues to which it goes.
        routes: Vec<QueueName>,
    },
    /// A copy has come into a queue.
    Entered {
        /// The copy.
        copy: CopyId,
        /// The queue.
        queue: QueueName,
        /// The message.
        message: Message,
        /// Where it has come from.
        origin: Origin,
    },
    /// A full queue has refused a message.
    Refused {
        /// The message.
        body: BodyId,
        /// The queue.
        queue: QueueName,
        /// Where it came from.
        origin: Origin,
    },
    /// A dead letter has gone nowhere: there was no such exchange, no route, or a cycle.
    Unroutable {
        /// The copy that has died.
        copy: CopyId,
    },
    /// A copy was delivered.
    Delivered {
        /// The copy.
        copy: CopyId,
        /// Its queue.
        queue: QueueName,
        /// On which channel.
        channel: ChannelId,
        /// To which consumer; `None` if it was asked for by `basic.get`.
        consumer: Option<ConsumerTag>,
        /// Under which tag.
        tag: DeliveryTag,
        /// Whether it was said that it may have been delivered before.
        redelivered: bool,
        /// Whether it has to be acknowledged.
        manual: bool,
    },
    /// A channel was told how to settle deliveries. What follows says what has become of them.
    Settled {
        /// The channel.
        channel: ChannelId,
        /// The tag.
        tag: DeliveryTag,
        /// Whether all up to the tag are meant.
        multiple: bool,
        /// How.
        how: Settlement,
    },
    /// A copy that was delivered is ready again.
    Returned {
        /// The copy.
        copy: CopyId,
        /// Its queue.
        queue: QueueName,
        /// Why.
        why: Return,
    },
    /// A copy has left its queue.
    Left {
        /// The copy.
        copy: CopyId,
        /// Its queue.
        queue: QueueName,
        /// How.
        fate: Fate,
    },
    /// A consumer has subscribed.
    Subscribed {
        /// The queue.
        queue: QueueName,
        /// The channel.
        channel: ChannelId,
        /// The consumer.
        consumer: ConsumerTag,
    },
    /// A consumer is no more.
    Unsubscribed {
        /// The queue.
        queue: QueueName,
        /// The channel.
        channel: ChannelId,
        /// The consumer.
        consumer: ConsumerTag,
    },
}

/// An event with its time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// When, on the clock of the books.
    pub at: Time,
    /// What.
    pub event: Event,
}
