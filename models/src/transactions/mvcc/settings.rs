//! How transactions are run.

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

/// The isolation level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Snapshot isolation (Berenson et al. 1995): of two concurrent transactions that write one row, at most one commits.
    Snapshot,
    /// Write-snapshot isolation (Gómez Ferro & Yabandeh 2012), which is serializable: what was read must be as it was when the
    /// transaction commits.
    WriteSnapshot,
    /// Serializable snapshot isolation (Cahill, Röhm & Fekete 2008): snapshot isolation without the dangerous structures that
    /// all histories have which are not serializable.
    Serializable,
}

impl Isolation {
    /// Whether histories are serializable.
    pub fn is_serializable(self) -> bool {
        self != Isolation::Snapshot
    }
}

/// The isolation level, the size of allocations, and the timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The isolation level.
    pub isolation: Isolation,
    /// How many timestamps an oracle allocates at a time; above zero.
    pub batch: u64,
    /// After how long a node sends again what was not answered, and a standby takes over from an oracle that does not
    /// answer.
    pub retry: Span,
    /// How old a primary's lock must be for its transaction to be taken for abandoned (time to live).
    pub ttl: Span,
}

impl Settings {
    /// How often a client sends a request again before it aborts a transaction that it can still abort.
    pub const RETRIES: u32 = 20;

    /// How long a read that has met a lock waits before it tries again.
    pub fn backoff(&self) -> Span {
        Span(self.retry.0 / 4)
    }
}
