//! What is called by a number: clients, packets, subscriptions, messages, connections.

use std::fmt;

use seedbed_sim::{Context, NodeId, Process};
use serde::{Deserialize, Serialize};

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($type:ty) $word:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $type);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($word, "{}"), self.0)
            }
        }
    )*};
}

numbers! {
    /// A client identifier (MQTT 5.0, §3.1.3.1): the node of the client.
    ClientId(u16) "client "
    /// A packet identifier, above 0 (§2.2.1). Each side gives its own.
    PacketId(u16) "packet "
    /// A subscription identifier, above 0 (§3.8.2.1.2).
    SubscriptionId(u32) "subscription "
    /// What its publisher calls a message, unlike all others. Brokers do not look at it.
    BodyId(u64) "body "
    /// One attempt of a client to open a connection, unlike all others.
    Attempt(u64) "attempt "
    /// One connection, unlike all others. The broker names it, so that an attempt which arrives late opens nothing that somebody uses.
    ConnectionId(u64) "connection "
}

/// A name that no other has: of the node for which it is made, a draw, the time, and a count of this node in this life. The draw and
/// the time tell lives apart.
pub fn unique<P: Process>(ctx: &mut Context<'_, P>, of: NodeId, count: u64) -> u64 {
    let draw = ctx.draw("unique name", 0..=0xffff);
    let time = (ctx.now().0 >> 20) & 0xff_ffff;
    (u64::from(of.0) << 48) | (draw << 32) | (time << 8) | (count & 0xff)
}
