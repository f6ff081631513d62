//! What nodes send each other, what clients are asked and answer, the timers, and what is on disk.

use seedbed_sim::{File, Kinded, OpId, Process, Span, Time};
use serde::{Deserialize, Serialize};

use crate::communication::pub_sub::client::session;
pub use crate::communication::pub_sub::endings::{Leaving, Outcome};
use crate::communication::pub_sub::engine;
use crate::communication::pub_sub::names::{Attempt, BodyId, ConnectionId};
use crate::communication::pub_sub::packet::{Options, Packet, Qos, SessionExpiry};
use crate::communication::pub_sub::topic::{Filter, Topic};
use crate::parts::link::Segment;

/// The write-ahead log of a node: what has come to it, one record each.
pub const LOG: File = File(0);

/// A message.
#[derive(Clone, Debug, Hash)]
pub enum Message {
    /// A client asks for a connection.
    Open(Attempt),
    /// It is open, under this name.
    Opened(Attempt, ConnectionId),
    /// One side has closed the connection, or does not know it. What it had sent before comes with it, as TCP delivers what was sent
    /// before FIN.
    Closed(ConnectionId, Vec<Segment<Packet>>),
    /// What goes over a connection.
    Segment(ConnectionId, Segment<Packet>),
}

/// Kinds of what goes over a connection are those of the packets.
impl Kinded for Message {
    fn kind(&self) -> u16 {
        match self {
            Message::Open(_) => 0,
            Message::Opened(..) => 1,
            Message::Closed(..) => 2,
            Message::Segment(_, segment) => 3 + segment.kind(),
        }
    }

    fn kind_count() -> u16 {
        3 + Segment::<Packet>::kind_count()
    }

    fn kind_name(kind: u16) -> String {
        match kind {
            0 => "open".into(),
            1 => "opened".into(),
            2 => "closed".into(),
            kind => Segment::<Packet>::kind_name(kind - 3),
        }
    }
}

/// A timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// What a connection has sent and the other side has not acknowledged is sent again.
    Resend(ConnectionId),
    /// At a broker: nothing has come for as long as its Keep Alive allows. At a client: it is time for PINGREQ.
    Idle(ConnectionId),
    /// Something is due at a broker: a Will Message, or the end of a session.
    Due,
    /// A client opens a connection.
    Reconnect,
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// What has come to a broker, and when.
    Broker(Time, engine::Input),
    /// What has come to a client.
    Client(session::Input),
}

/// What a client publishes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// To which topic.
    pub topic: Topic,
    /// With which QoS.
    pub qos: Qos,
    /// Whether it is retained.
    #[serde(default)]
    pub retain: bool,
    /// Whether it has no payload.
    #[serde(default)]
    pub empty: bool,
    /// For how long it is of use, if not for ever.
    #[serde(default)]
    pub expiry: Option<Span>,
}

/// What a client is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Publish these, one right after the other.
    Publish(Vec<Draft>),
    /// Subscribe.
    Subscribe(Filter, Options),
    /// Unsubscribe.
    Unsubscribe(Filter),
    /// Leave, and connect again after a while.
    Leave {
        /// How.
        how: Leaving,
        /// Another Session Expiry Interval, which only DISCONNECT can say.
        #[serde(default)]
        expiry: Option<SessionExpiry>,
        /// For how long.
        away: Span,
        /// Whether it begins a new session then.
        #[serde(default)]
        clean_start: bool,
    },
}

/// What a client answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// What has become of each message.
    Published(Vec<Outcome>),
    /// The broker has answered to SUBSCRIBE, or to UNSUBSCRIBE: whether it has done so.
    Done(bool),
    /// It has left; `false` if it was not connected.
    Left(bool),
}

/// What its publisher calls the `index`-th message of an operation: later ones have greater numbers.
pub fn body_id(op: OpId, index: usize) -> BodyId {
    BodyId((op.0 << 8) | index as u64)
}

/// The operation that publishes a message.
pub fn op_of(body: BodyId) -> OpId {
    OpId(body.0 >> 8)
}

/// A process that sends these messages and waits for these timers: both ends of connections are written for any.
pub trait MqttProcess: Process<Message = Message, Timer = Timer> {}

impl<P: Process<Message = Message, Timer = Timer>> MqttProcess for P {}
