//! What things are called: exchanges, queues, keys and headers by short strings, as in AMQP; connections, channels, consumers and
//! deliveries by numbers.

use std::fmt;
use std::sync::Arc;

use seedbed_sim::{Context, NodeId, Process};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most bytes of a short string (AMQP 0-9-1, §4.2.5.3).
pub const MOST_BYTES: usize = 255;

macro_rules! short_strings {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether it is a short string of AMQP: at most [`MOST_BYTES`], and no control characters.
            pub fn is_short(&self) -> bool {
                self.0.len() <= MOST_BYTES && !self.0.chars().any(char::is_control)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.into())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from).map(|text| $name(text.into()))
            }
        }
    )*};
}

short_strings! {
    /// The name of an exchange. That of the default exchange is empty.
    ExchangeName
    /// The name of a queue.
    QueueName
    /// A routing key, or the pattern of a binding: words with dots between them.
    Key
    /// The name or the value of a header.
    Text
}

impl ExchangeName {
    /// The default exchange, which routes to the queue that the key names (AMQP 0-9-1, §3.1.3.1).
    pub fn default_exchange() -> Self {
        ExchangeName::from("")
    }

    /// Whether it is the default exchange.
    pub fn is_default(&self) -> bool {
        self.as_str().is_empty()
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($type:ty) $prefix:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $type);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    )*};
}

numbers! {
    /// One attempt of a client to open a connection, unlike all others.
    Attempt(u64) "attempt "
    /// One connection, unlike all others. The broker names it, so that an attempt which arrives twice, once before the broker has
    /// restarted and once after, never leaves a client at one end of one connection and the broker at the other end of another.
    ConnectionId(u64) "connection "
    /// The name of a subscription on its channel.
    ConsumerTag(u16) "consumer "
    /// The number of a delivery on its channel, from 1 on; 0 stands for all of them (AMQP 0-9-1, §1.8.3.13).
    DeliveryTag(u64) "tag "
    /// One copy of a message in one queue. Later copies have greater numbers.
    CopyId(u64) "copy "
    /// What its publisher calls a message. Brokers do not look at it.
    BodyId(u64) "body "
}

/// A name that no other has: of the node for which it is made, a draw, the time, and a count of this node in this life. The draw and the
/// time tell lives apart.
pub fn unique<P: Process>(ctx: &mut Context<'_, P>, of: NodeId, count: u64) -> u64 {
    let draw = ctx.draw("unique name", 0..=0xffff);
    let time = (ctx.now().0 >> 20) & 0xff_ffff;
    (u64::from(of.0) << 48) | (draw << 32) | (time << 8) | (count & 0xff)
}

/// A channel of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChannelId {
    /// The connection.
    pub connection: ConnectionId,
    /// The number on it.
    pub number: u16,
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {} of {:?}", self.number, self.connection)
    }
}
