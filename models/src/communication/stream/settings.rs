//! How servers and clients are set up.

use seedbed_sim::{NodeId, Span};
use serde::{Deserialize, Serialize};

use crate::communication::stream::command::{ConsumerName, GroupName};
use crate::communication::stream::id::Millis;
use crate::parts::redis::Key;

/// The stream of the world.
pub const STREAM: Key = Key(1);
/// The stream of dead letters.
pub const DEAD: Key = Key(2);
/// The consumer group of the world.
pub const GROUP: GroupName = GroupName(1);

/// The field that has the number of the operation by which an entry was added.
pub const PAYLOAD: u32 = 0;
/// The field that says whether processing an entry fails.
pub const POISON: u32 = 1;
/// The field of a dead letter that has the time of the entry's identifier.
pub const ORIGIN_MS: u32 = 2;
/// The field of a dead letter that has the number of the entry's identifier.
pub const ORIGIN_SEQ: u32 = 3;
/// The field of a dead letter that has the entry's delivery counter.
pub const DELIVERIES: u32 = 4;

/// The value of a field.
pub fn field(fields: &[(u32, u64)], name: u32) -> Option<u64> {
    fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value)
}

/// When what a server did is on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Before each reply (`appendonly yes`, `appendfsync always`).
    Always,
    /// After a while, a second in Redis (`appendfsync everysec`).
    EverySecond,
    /// When the operating system writes it (`appendfsync no`).
    Later,
    /// Never (`appendonly no`): a crash takes the data.
    Never,
}

/// How many entries producers leave in the stream (`MAXLEN` of their `XADD`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// All.
    All,
    /// The last ones, as many as this (`MAXLEN = n`).
    Exactly(u16),
    /// The last ones, this many and some more (`MAXLEN ~ n`).
    About(u16),
}

/// The settings of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerSettings {
    /// The master at the beginning.
    pub master: NodeId,
    /// All servers of the group, the master among them.
    pub servers: Vec<NodeId>,
    /// When what it did is on disk.
    pub durability: Durability,
    /// How often the file is synced with [`Durability::EverySecond`].
    pub sync_every: Span,
    /// How often a master pings its replicas.
    pub ping: Span,
    /// How many entries a node of a stream has at most.
    pub node_entries: u64,
}

/// The settings of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionSettings {
    /// The master at the beginning.
    pub master: NodeId,
    /// Who knows the master, if there can be another.
    pub sentinel: Option<NodeId>,
    /// For how long it waits for a reply before it connects anew.
    pub timeout: Span,
    /// For how long it waits before it connects again, at first.
    pub backoff: Span,
}

/// The settings of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsumerSettings {
    /// Its name; after a crash it has another, if there is none.
    pub name: Option<ConsumerName>,
    /// How long an entry must have been idle to be claimed.
    pub min_idle: Millis,
    /// How often an entry is delivered before it is taken for dead.
    pub max_deliveries: u64,
    /// How many entries it reads at once.
    pub batch: u64,
    /// For how long it waits for a new entry.
    pub block: Millis,
    /// How long it takes at most to process an entry.
    pub service: Span,
}
