//! What nodes send each other, what clients ask and are answered, the timers, and what is on disk.

use seedbed_sim::{File, Hosts, Kinded, NodeId, OpId, Process};
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::books::command::{Command, Delivery, Exception, Publish, Stamped};
use crate::communication::message_queue::books::message::{Properties, Refusal};
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::names::{
    Attempt, BodyId, ChannelId, ConnectionId, ConsumerTag, ExchangeName, Key, QueueName,
};
use crate::parts::link::Segment;
use crate::replication::raft;

/// The write-ahead log of a broker with classic queues: one record for each command. Brokers with quorum queues have the files of
/// their Raft servers.
pub const LOG: File = File(0);

/// What is published in an operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// To which exchange.
    pub exchange: ExchangeName,
    /// By which key.
    pub key: Key,
    /// Whether it comes back if it has no route.
    #[serde(default)]
    pub mandatory: bool,
    /// What is said of it.
    #[serde(default)]
    pub properties: Properties,
    /// How many times consumers fail to process it, as far as they can tell.
    #[serde(default)]
    pub failures: u8,
    /// How they refuse it then.
    #[serde(default)]
    pub refusal: Refusal,
}

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Publish these, one right after the other.
    Publish(Vec<Draft>),
    /// Get one message of a queue, and acknowledge it.
    Get(QueueName),
}

/// What has become of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The broker has confirmed it.
    Confirmed,
    /// It has no route: it was returned.
    Returned,
    /// A queue has refused it.
    Refused,
    /// It was sent, and nobody will say more.
    Sent,
}

/// What clients are answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// What has become of each publish.
    Published(Vec<Outcome>),
    /// The message, if there was any.
    Got(Option<BodyId>),
}

/// What its publisher calls the `index`-th message of an operation.
pub fn body_id(op: OpId, index: usize) -> BodyId {
    BodyId((op.0 << 8) | index as u64)
}

/// The operation that publishes a message.
pub fn op_of(body: BodyId) -> OpId {
    OpId(body.0 >> 8)
}

/// A frame on a connection. Methods that AMQP answers are sent with `no-wait`, but for `basic.get`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Frame {
    /// To the broker: channels, exchanges, queues and bindings.
    Topology(Command),
    /// To the broker: the publishes of this channel are to be confirmed (`confirm.select`).
    SelectConfirms(ChannelId),
    /// To the broker: a consumer subscribes.
    Consume(Command),
    /// To the broker: one message is asked for.
    Get(Command),
    /// To the broker: deliveries are settled.
    Settle(Command),
    /// To the broker: a message.
    Publish(ChannelId, Box<Publish>),
    /// To the client: a delivery.
    Deliver(Box<Delivery>),
    /// To the client: the answer to `basic.get`.
    Got(ChannelId, Option<Box<Delivery>>),
    /// To the client: a mandatory message has no route (`basic.return`).
    Return(ChannelId, BodyId),
    /// To the client: publishes are confirmed, or refused (`basic.ack`, `basic.nack`).
    Confirm {
        /// The channel.
        channel: ChannelId,
        /// The number of the publish on it, from 1 on.
        seq: u64,
        /// Whether all up to this number are meant.
        multiple: bool,
        /// Whether they are confirmed.
        accepted: bool,
    },
    /// To the client: a channel is closed, or with a hard error the connection.
    ChannelClosed(ChannelId, Exception),
    /// To the client: the queue of a consumer is gone (`basic.cancel`).
    Cancelled(ChannelId, ConsumerTag),
}

/// A part of what goes over a connection. AMQP runs over TCP: frames are numbered, acknowledged and sent again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// The connection.
    pub connection: ConnectionId,
    /// A frame with its number, or an acknowledgement of frames.
    pub segment: Segment<Frame>,
}

impl Kinded for Packet {
    fn kind(&self) -> u16 {
        self.segment.kind()
    }
    fn kind_count() -> u16 {
        Segment::<Frame>::kind_count()
    }
    fn kind_name(kind: u16) -> String {
        Segment::<Frame>::kind_name(kind)
    }
}

/// A message.
#[derive(Clone, Debug, Hash, Kinded, Hosts)]
pub enum Message {
    /// A client asks for a connection.
    Open(Attempt),
    /// It is open, under this name.
    Opened(Attempt, ConnectionId),
    /// It cannot be: another broker leads, as far as this one knows.
    NotLeader(Attempt, Option<NodeId>),
    /// One side has closed the connection, or does not know it.
    Closed(ConnectionId),
    /// This side of the connection is alive.
    Heartbeat(ConnectionId),
    /// What goes over a connection.
    #[hosts(as_own)]
    Packet(Packet),
    /// Between the brokers of a group.
    #[hosts]
    Raft(raft::messages::Message<Books>),
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded, Hosts)]
pub enum Timer {
    /// What a connection has sent and the other side has not acknowledged is sent again.
    Resend(ConnectionId),
    /// A connection says that it is alive, and looks whether the other side is.
    Beat(ConnectionId),
    /// A client tries again to open its n-th connection.
    Reconnect(u16),
    /// Something expires at a broker.
    Due,
    /// A consumer has processed a message.
    Work,
    /// A consumer acknowledges what it has processed, though there is less than it waits for.
    Flush,
    /// A timer of a server of the Raft group.
    #[hosts]
    Raft(raft::settings::Timer),
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash, Hosts)]
pub enum Record {
    /// A command that a broker with classic queues has executed.
    Command(Stamped),
    /// A record of a Raft server.
    #[hosts]
    Raft(raft::record::Record<Books>),
}

/// A process that sends these messages and waits for these timers: both ends of connections are written for any.
pub trait QueueProcess: Process<Message = Message, Timer = Timer> {}

impl<P: Process<Message = Message, Timer = Timer>> QueueProcess for P {}
