//! How a group of servers is set up.

use seedbed_sim::{NodeId, Span};
use serde::{Deserialize, Serialize};

/// When the append-only file is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// Before each reply (`appendonly yes`, `appendfsync always`).
    Always,
    /// There is none (`appendonly no`): a crash takes the data.
    Never,
}

/// The settings of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// When the append-only file is synced.
    pub persistence: Persistence,
    /// For how long a server replies to nothing after it was restarted: *delayed restarts* of the Redlock algorithm, for
    /// servers that lose their data.
    pub quarantine: Span,
    /// The master at the beginning.
    pub master: NodeId,
    /// All servers of the group, the master among them.
    pub servers: Vec<NodeId>,
    /// How often the master pings its replicas, and the sentinel all servers (`repl-ping-replica-period`).
    pub ping: Span,
    /// For how long the sentinel hears nothing of the master before it promotes a replica (`down-after-milliseconds`).
    pub down_after: Span,
}
