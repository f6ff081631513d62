//! What a protocol is: a deterministic state machine that is handed events and answers with effects.
//!
//! The shape (no socket, no clock, no thread inside; time and input are arguments) is known as sans-IO; quinn-proto
//! and etcd's raft are its well-known examples.

use std::fmt;
use std::fmt::Debug;
use std::hash::Hash;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::context::Context;
use crate::kind::Kinded;

/// The name of a node: `n0`, `n1`, … Stable: removing one node never renames another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl NodeId {
    /// The place of this node in arrays that hold one item a node.
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

/// How many nodes a world can have: an event's name has fourteen bits for a node.
pub const MAX_NODES: usize = 1 << 14;

/// The name of a client operation: its place in the scenario's list, or one that a hosting process made up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct OpId(pub u64);

impl OpId {
    const INTERNAL: u64 = 1 << 63;

    /// An operation that a hosting process invokes on the process it hosts. Its outcome comes back from
    /// [`Context::host`] and is not part of the world's history.
    pub fn internal(n: u64) -> Self {
        OpId(n | Self::INTERNAL)
    }

    /// Whether [`OpId::internal`] made this.
    pub fn is_internal(self) -> bool {
        self.0 & Self::INTERNAL != 0
    }
}

/// What is written on disk by a process that writes nothing. Its outputs skip the output commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NoDisk {}

/// What a process that takes no operations is asked and answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum NoOp {}

/// A protocol: one state machine, as it runs on one node.
///
/// All nodes of a world run the same type; a protocol with different parts (server, client, coordinator) is an enum
/// of them. Everything in the value is *volatile*: a crash drops it, [`crate::Model::spawn`] makes a new one, and
/// [`Process::start`] recovers from the disk.
///
/// The rules that make runs repeatable: no clock but [`Context::now`], no chance but [`Context::draw`], no
/// `HashMap`, no statics.
///
/// `Clone` and `Hash` exist so that worlds can be forked and states told apart. A panic in a handler (a failed
/// `assert!`) is a violation with a trace, of a property named by the file and by the words of its message, values left out:
/// give each assertion words of its own.
pub trait Process: Clone + Hash + Debug + Sized + 'static {
    /// What nodes send each other. Moved, never serialised.
    type Message: Clone + Debug + Hash + Kinded + 'static;
    /// The names of this node's timers; arming one that is armed moves it.
    type Timer: Clone + Debug + Hash + Ord + Kinded + 'static;
    /// One record of a file on this node's disk; [`NoDisk`] if it writes none.
    type Record: Clone + Debug + Hash + 'static;
    /// What clients ask; [`NoOp`] if there are none.
    type Op: Clone + Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;
    /// What clients are answered.
    type Ret: Clone + Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;

    /// The node begins, or begins again after a crash: recover from [`Context::read`] and arm timers.
    fn start(&mut self, ctx: &mut Context<'_, Self>);

    /// A message has arrived.
    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Self::Message);

    /// A timer is due. It is no longer armed.
    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Self::Timer);

    /// A sync has ended: all that was written before it began is durable. Outputs that waited for it leave after this.
    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        let _ = ctx;
    }

    /// A client of this node invokes an operation. Answer, now or later, with [`Context::complete`] or
    /// [`Context::fail`]; an operation that is never answered stays unknown.
    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Self::Op) {
        let _ = ctx;
        panic!("this process takes no operations: it was asked {op:?} {input:?}");
    }

    /// How many bytes a message counts for where the network has a bandwidth.
    fn size(message: &Self::Message) -> u64 {
        size_of_val(message) as u64
    }
}
