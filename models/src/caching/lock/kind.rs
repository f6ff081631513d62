//! The kinds of locks.

use seedbed_sim::Named;
use serde::{Deserialize, Serialize};

/// A kind of lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One Redis server.
    Redis,
    /// A Redis master with asynchronous replicas, and a sentinel.
    RedisFailover,
    /// Five independent Redis servers.
    Redlock,
    /// Leases and revisions on a Raft group.
    Raft,
    /// A token (Suzuki and Kasami).
    SuzukiKasami,
    /// The permission of all others (Ricart and Agrawala).
    RicartAgrawala,
    /// The permission of a quorum (Maekawa).
    Maekawa,
}

impl Kind {
    /// Whether the lock is held under a lease.
    pub fn is_leased(self) -> bool {
        matches!(self, Kind::Redis | Kind::RedisFailover | Kind::Redlock | Kind::Raft)
    }

    /// Whether the lock is free of starvation.
    pub fn is_fair(self) -> bool {
        !matches!(self, Kind::Redis | Kind::RedisFailover | Kind::Redlock)
    }

    /// Whether the lock is granted in the order of the requests, as the lock orders them.
    pub fn is_queue(self) -> bool {
        matches!(self, Kind::Raft | Kind::RicartAgrawala)
    }
}
