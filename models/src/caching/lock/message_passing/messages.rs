//! What clients send each other.

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Kinded, NodeId};

/// The timestamp of a request: a sequence number, and the node, which breaks ties (Lamport 1978).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// The sequence number.
    pub sequence: u64,
    /// The node that requests.
    pub node: NodeId,
}

/// A message of one of the algorithms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum PeerMessage {
    /// All three: REQUEST.
    Request(Timestamp),
    /// Ricart–Agrawala: REPLY, the permission to enter.
    Reply,
    /// Suzuki–Kasami: PRIVILEGE, the token.
    Privilege(Privilege),
    /// Maekawa: LOCKED, the permission to enter, and the last fencing token that the arbiter knows of.
    Locked(Timestamp, u64),
    /// Maekawa: FAILED, for another request goes first.
    Failed(Timestamp),
    /// Maekawa: INQUIRE, whether the permission can be given back.
    Inquire(Timestamp),
    /// Maekawa: RELINQUISH, the permission is given back before the node has entered.
    Relinquish(Timestamp),
    /// Maekawa: RELEASE, the node has left, and its fencing token was this.
    Release(Timestamp, u64),
}

/// The token of Suzuki and Kasami.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Privilege {
    /// `Q`: the nodes that wait for the token.
    pub queue: VecDeque<NodeId>,
    /// `LN`: the sequence number of each node's request that was granted last.
    pub granted: BTreeMap<NodeId, u64>,
    /// How often the token was used.
    pub uses: u64,
}
