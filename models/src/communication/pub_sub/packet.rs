//! The control packets (MQTT 5.0, §3), in so far as they matter to what is delivered.

use seedbed_sim::{Kinded, Span};
use serde::{Deserialize, Serialize};

use crate::communication::pub_sub::names::{BodyId, ClientId, PacketId, SubscriptionId};
use crate::communication::pub_sub::topic::{Filter, Topic};

/// Quality of service (§4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Qos {
    /// QoS 0: at most once.
    AtMostOnce,
    /// QoS 1: at least once.
    AtLeastOnce,
    /// QoS 2: exactly once.
    ExactlyOnce,
}

/// Whether something is to be done again after the next connection: a message of a QoS above 0 is.
pub trait HasQos {
    /// Its quality of service.
    fn qos(&self) -> Qos;
}

/// The payload of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Body {
    /// What its publisher calls it.
    pub id: BodyId,
    /// Whether it has zero bytes: with the flag RETAIN it then clears what is retained ([MQTT-3.3.1-6]).
    pub empty: bool,
}

/// An application message (§1.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// Its topic.
    pub topic: Topic,
    /// Its quality of service.
    pub qos: Qos,
    /// The flag RETAIN (§3.3.1.3).
    pub retain: bool,
    /// Its payload.
    pub body: Body,
    /// Its Message Expiry Interval (§3.3.2.3.3): what is left of it.
    pub expiry: Option<Span>,
}

impl HasQos for Message {
    fn qos(&self) -> Qos {
        self.qos
    }
}

/// A PUBLISH packet (§3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Publish {
    /// The message.
    pub message: Message,
    /// The flag DUP (§3.3.1.1).
    pub dup: bool,
    /// Its packet identifier, with a QoS above 0 ([MQTT-2.2.1-2]).
    pub id: Option<PacketId>,
    /// The subscriptions for which it is sent (§3.3.2.3.8).
    pub subscriptions: Vec<SubscriptionId>,
}

/// A reason code (§2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// 0x00; also Normal disconnection.
    Success,
    /// 0x00 to 0x02 in a SUBACK.
    Granted(Qos),
    /// 0x04: disconnect, and publish the Will Message.
    WithWill,
    /// 0x10: the message was accepted, but nobody is subscribed.
    NoMatchingSubscribers,
    /// 0x11: there was no such subscription.
    NoSubscription,
    /// 0x82.
    ProtocolError,
    /// 0x87.
    NotAuthorized,
    /// 0x8E: another connection has this client identifier.
    SessionTakenOver,
    /// 0x8F.
    TopicFilterInvalid,
    /// 0x90.
    TopicNameInvalid,
    /// 0x92: there is no exchange with this packet identifier.
    PacketIdNotFound,
    /// 0x93: more than the Receive Maximum.
    ReceiveMaximumExceeded,
}

impl Reason {
    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Reason::Success => 0x00,
            Reason::Granted(qos) => qos as u8,
            Reason::WithWill => 0x04,
            Reason::NoMatchingSubscribers => 0x10,
            Reason::NoSubscription => 0x11,
            Reason::ProtocolError => 0x82,
            Reason::NotAuthorized => 0x87,
            Reason::SessionTakenOver => 0x8E,
            Reason::TopicFilterInvalid => 0x8F,
            Reason::TopicNameInvalid => 0x90,
            Reason::PacketIdNotFound => 0x92,
            Reason::ReceiveMaximumExceeded => 0x93,
        }
    }

    /// Whether it says that something failed: 0x80 or greater (§2.4).
    pub fn is_failure(self) -> bool {
        self.code() >= 0x80
    }
}

/// How long a session lives without a connection (its Session Expiry Interval, §3.1.2.11.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionExpiry {
    /// So long; with zero it ends with its connection.
    After(Span),
    /// For ever (0xFFFFFFFF).
    Never,
}

impl SessionExpiry {
    /// The session ends when its connection is closed.
    pub const AT_ONCE: SessionExpiry = SessionExpiry::After(Span::ZERO);
}

/// A Will Message (§3.1.2.5), with its properties (§3.1.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Will {
    /// The message.
    pub message: Message,
    /// Its Will Delay Interval (§3.1.3.2.2).
    pub delay: Span,
}

/// A CONNECT packet (§3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connect {
    /// Who connects.
    pub client: ClientId,
    /// Clean Start (§3.1.2.4).
    pub clean_start: bool,
    /// How long the session lives after the connection.
    pub expiry: SessionExpiry,
    /// How many publishes with a QoS above 0 the client takes at a time, above 0 (§3.1.2.11.3).
    pub receive_maximum: u16,
    /// The Keep Alive (§3.1.2.10).
    pub keep_alive: Span,
    /// The Will Message, if there is one.
    pub will: Option<Will>,
}

/// What becomes of retained messages when a subscription is made (*Retain Handling*, §3.8.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetainHandling {
    /// 0: they are sent.
    Send,
    /// 1: they are sent if the subscription is new.
    SendIfNew,
    /// 2: they are not sent.
    DoNotSend,
}

/// The options of a subscription (§3.8.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The greatest QoS with which messages are sent.
    pub qos: Qos,
    /// The client does not get what it has published itself.
    #[serde(default)]
    pub no_local: bool,
    /// Messages keep the flag RETAIN as it was published.
    #[serde(default)]
    pub retain_as_published: bool,
    /// What becomes of retained messages.
    pub retain_handling: RetainHandling,
}

impl Options {
    /// This QoS; retained messages are sent, and come without the flag later.
    pub const fn of(qos: Qos) -> Self {
        Options { qos, no_local: false, retain_as_published: false, retain_handling: RetainHandling::Send }
    }
}

/// A control packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Packet {
    /// §3.1.
    Connect(Box<Connect>),
    /// §3.2.
    ConnAck {
        /// Whether the server goes on with a session (§3.2.2.1.1).
        session_present: bool,
        /// How many publishes with a QoS above 0 the server takes at a time (§3.2.2.3.3).
        receive_maximum: u16,
    },
    /// §3.3.
    Publish(Box<Publish>),
    /// §3.4.
    PubAck(PacketId, Reason),
    /// §3.5.
    PubRec(PacketId, Reason),
    /// §3.6.
    PubRel(PacketId, Reason),
    /// §3.7.
    PubComp(PacketId, Reason),
    /// §3.8: filters with their options, and the identifier of all of them.
    Subscribe(PacketId, Vec<(Filter, Options)>, Option<SubscriptionId>),
    /// §3.9: a reason for each filter.
    SubAck(PacketId, Vec<Reason>),
    /// §3.10.
    Unsubscribe(PacketId, Vec<Filter>),
    /// §3.11: a reason for each filter.
    UnsubAck(PacketId, Vec<Reason>),
    /// §3.12.
    PingReq,
    /// §3.13.
    PingResp,
    /// §3.14: why, and another Session Expiry Interval, if there is one.
    Disconnect(Reason, Option<SessionExpiry>),
}
