//! The identifiers of nodes and operations, and the types of a process that has no disk or no operations.

use std::fmt;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

/// The identifier of a node: `n0`, `n1`, … Removing a node leaves those of the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl NodeId {
    /// The index of this node in arrays with one item for each node.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("n{}", self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl std::str::FromStr for NodeId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('n').unwrap_or("");
        digits.parse().map(NodeId).map_err(|_| format!("'{text}' is not a node: write n and a number, such as n3"))
    }
}

impl Serialize for NodeId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The most nodes of a world: an event's name has fourteen bits for a node.
pub const MAX_NODES: usize = 1 << 14;

/// The identifier of an operation: its index in the scenario's list, or one that a hosting process chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct OpId(pub u64);

impl OpId {
    const INTERNAL: u64 = 1 << 63;

    /// An operation that a hosting process invokes on the process it hosts. Its outcome comes back from
    /// [`Context::host`](crate::Context::host) and is not part of the world's history.
    pub fn internal(n: u64) -> Self {
        OpId(n | Self::INTERNAL)
    }

    /// Whether [`OpId::internal`] made this.
    pub fn is_internal(self) -> bool {
        self.0 & Self::INTERNAL != 0
    }
}

/// The record type of a process without a disk. Its outputs skip the output commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NoDisk {}

/// The operation and answer type of a process without clients.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum NoOp {}
