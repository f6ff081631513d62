//! What the books are told, and what they answer.

use seedbed_sim::Time;
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::books::exchange::{Binding, ExchangeKind};
use crate::communication::message_queue::books::journal::Settlement;
use crate::communication::message_queue::books::message::{Body, Message, Properties};
use crate::communication::message_queue::books::settings::QueueSettings;
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::names::{
    ChannelId, ConnectionId, ConsumerTag, DeliveryTag, ExchangeName, Key, QueueName,
};

/// Whether deliveries have to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckMode {
    /// They have (`no-ack` is false).
    Manual,
    /// What is delivered is settled (`no-ack` is true).
    Auto,
}

/// A publish.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Publish {
    /// To which exchange.
    pub exchange: ExchangeName,
    /// By which key.
    pub key: Key,
    /// Whether it comes back if it has no route.
    pub mandatory: bool,
    /// What is said of it.
    pub properties: Properties,
    /// What is in it.
    pub body: Body,
}

/// What the books are told. Methods of AMQP have its names; its class `tx` is not there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// `exchange.declare`.
    DeclareExchange(ChannelId, ExchangeName, ExchangeKind, Durable),
    /// `exchange.delete`.
    DeleteExchange(ChannelId, ExchangeName, OnlyIf),
    /// `queue.declare`.
    DeclareQueue(ChannelId, QueueName, Box<QueueSettings>),
    /// `queue.delete`.
    DeleteQueue(ChannelId, QueueName, OnlyIf),
    /// `queue.purge`: all that is ready goes.
    Purge(ChannelId, QueueName),
    /// `queue.bind`.
    Bind(ChannelId, ExchangeName, QueueName, Box<Binding>),
    /// `queue.unbind`.
    Unbind(ChannelId, ExchangeName, QueueName, Box<Binding>),
    /// `channel.open`.
    OpenChannel(ChannelId),
    /// `channel.close`.
    CloseChannel(ChannelId),
    /// A connection was closed, or is lost.
    CloseConnection(ConnectionId),
    /// `basic.qos`: the most deliveries that are not acknowledged; of each consumer to come, or of the channel. Zero is no limit
    /// (*Consumer Prefetch*).
    Qos {
        /// The channel.
        channel: ChannelId,
        /// The limit.
        prefetch: u16,
        /// Whether it is that of the channel.
        global: bool,
    },
    /// `basic.consume`.
    Consume(ChannelId, QueueName, ConsumerTag, AckMode),
    /// `basic.cancel`.
    Cancel(ChannelId, ConsumerTag),
    /// `basic.get`.
    Get(ChannelId, QueueName, AckMode),
    /// `basic.publish`.
    Publish(ChannelId, Box<Publish>),
    /// `basic.ack`, `basic.nack`, `basic.reject`. With `multiple`, all deliveries up to the tag.
    Settle {
        /// The channel.
        channel: ChannelId,
        /// The tag.
        tag: DeliveryTag,
        /// Whether those before it are meant too.
        multiple: bool,
        /// How they are settled.
        how: Settlement,
    },
    /// The broker has restarted: there are no connections, and nothing that is not durable.
    Restart,
    /// Another broker leads: there are no connections yet.
    TakeOver,
    /// Time has passed.
    Tick,
}

/// On which conditions something is deleted (AMQP 0-9-1, §1.6.2.3, §1.7.2.9: `if-unused`, `if-empty`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OnlyIf {
    /// A queue has no consumers; an exchange no bindings.
    pub unused: bool,
    /// No message of a queue is ready.
    pub empty: bool,
}

/// Whether an exchange survives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Durable(pub bool);

impl Command {
    /// The channel on which it came.
    pub fn channel(&self) -> Option<ChannelId> {
        match self {
            Command::DeclareExchange(channel, ..)
            | Command::DeleteExchange(channel, ..)
            | Command::DeclareQueue(channel, ..)
            | Command::DeleteQueue(channel, ..)
            | Command::Purge(channel, ..)
            | Command::Bind(channel, ..)
            | Command::Unbind(channel, ..)
            | Command::OpenChannel(channel)
            | Command::CloseChannel(channel)
            | Command::Qos { channel, .. }
            | Command::Consume(channel, ..)
            | Command::Cancel(channel, ..)
            | Command::Get(channel, ..)
            | Command::Publish(channel, ..)
            | Command::Settle { channel, .. } => Some(*channel),
            Command::CloseConnection(_) | Command::Restart | Command::TakeOver | Command::Tick => None,
        }
    }
}

/// A command as it is logged: with its time, so that the books that are replayed are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamped {
    /// On the clock of the broker that was told.
    pub at: Time,
    /// The command.
    pub command: Command,
    /// The bug that is planted.
    pub bug: Option<Bug>,
}

/// Why a channel is closed, or a connection (AMQP 0-9-1, §1.2, reply codes: "soft" and "hard" errors).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Exception {
    /// 403: the default exchange is neither bound nor deleted.
    AccessRefused,
    /// 404: there is no such exchange or queue.
    NotFound,
    /// 405: a message is asked for of a quorum queue with a single active consumer (*Quorum Queues*, "Single Active Consumer").
    ResourceLocked,
    /// 406: a declaration differs from what there is, or is of what cannot be; a delivery tag is unknown; something is in use, or not
    /// empty, that is to be deleted only if it is not.
    PreconditionFailed,
    /// 530: a consumer has the tag of another one on its channel. A hard error.
    NotAllowed,
    /// 540: a quorum queue is consumed on a channel which has a limit of its own, or deleted on a condition. A hard error.
    NotImplemented,
}

impl Exception {
    /// The reply code.
    pub fn code(self) -> u16 {
        match self {
            Exception::AccessRefused => 403,
            Exception::NotFound => 404,
            Exception::ResourceLocked => 405,
            Exception::PreconditionFailed => 406,
            Exception::NotAllowed => 530,
            Exception::NotImplemented => 540,
        }
    }

    /// Whether it closes not the channel alone, but its connection.
    pub fn is_hard(self) -> bool {
        matches!(self, Exception::NotAllowed | Exception::NotImplemented)
    }
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// On which channel.
    pub channel: ChannelId,
    /// To which consumer; `None` if it was asked for by `basic.get`.
    pub consumer: Option<ConsumerTag>,
    /// Its tag.
    pub tag: DeliveryTag,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    /// How often it was returned for a failure (`x-delivery-count`), of a quorum queue.
    pub delivery_count: u32,
    /// The queue it was in.
    pub queue: QueueName,
    /// The message.
    pub message: Message,
}

/// The answer to a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// It is done.
    #[default]
    Done,
    /// How many messages were ready, of a queue that is declared, purged or deleted.
    Ready(u64),
    /// What was asked for by `basic.get`, if there was anything.
    Got(Option<Box<Delivery>>),
    /// What has become of a publish.
    Published {
        /// Whether it has a route.
        routed: bool,
        /// Whether no queue has refused it.
        accepted: bool,
    },
    /// The channel is closed now, or with a hard error the connection.
    Closed(Exception),
    /// There is no such channel: it was closed before.
    NoChannel,
}

/// What comes of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Effects {
    /// The answer.
    pub answer: Answer,
    /// What is delivered to consumers, in order.
    pub deliveries: Vec<Delivery>,
    /// The consumers whose queue is gone.
    pub cancelled: Vec<(ChannelId, ConsumerTag)>,
}
