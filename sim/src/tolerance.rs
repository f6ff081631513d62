//! The tolerance of a configuration: the faults under which every safety property must hold.

use std::ops::Range;

use crate::fault::FaultClass;
use crate::process::NodeId;
use crate::time::Span;

/// The nodes that crashes, wipes, Byzantine faults and disk faults may strike, and how many of them at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crashes {
    /// Others are never struck.
    pub among: Vec<NodeId>,
    /// How many of them may be down, or Byzantine, at once.
    pub at_once: usize,
    /// Whether all of them may lose power at once, although no more than `at_once` may fail one by one.
    pub power_loss: bool,
    /// Nodes that may crash as well, any number of them at once, but are struck by no other of these faults: clients.
    pub besides: Vec<NodeId>,
}

impl Crashes {
    /// Any number of these nodes at once.
    pub fn any(nodes: Range<u16>) -> Self {
        Crashes::up_to(usize::from(nodes.end - nodes.start), nodes)
    }

    /// Up to so many of these nodes at once.
    pub fn up_to(at_once: usize, nodes: Range<u16>) -> Self {
        let among: Vec<NodeId> = nodes.map(NodeId).collect();
        Crashes { power_loss: at_once >= among.len(), among, at_once, besides: Vec::new() }
    }

    /// The same, and all of them may lose power at once.
    pub fn and_power_loss(self) -> Self {
        Crashes { power_loss: true, ..self }
    }

    /// The same, and these nodes may crash as well: clients.
    pub fn and_clients(self, clients: impl IntoIterator<Item = NodeId>) -> Self {
        Crashes { besides: clients.into_iter().collect(), ..self }
    }
}

/// How far a clock may be from true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// The greatest step, forward or back.
    pub offset: Span,
    /// The greatest drift, fast or slow, in parts per million.
    pub drift_ppm: u32,
}

/// The tolerance of a configuration of a model. Fault plans stay inside, so that a violation is a bug; [`crate::Swarm`]
/// says how to step outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// The fault classes under which every safety property holds; a subset of [`crate::Info::tolerates`], which is what
    /// all variants tolerate together.
    pub classes: &'static [FaultClass],
    /// The nodes that may fail.
    pub crashes: Crashes,
    /// The greatest error of clocks.
    pub skew: Skew,
    /// The longest pause of a node; unbounded if absent. Plans draw no longer pause, and none that begins soon after
    /// another.
    pub pause: Option<Span>,
    /// The bound on delays that the protocol's timeouts rely on, if any (a *synchronous* system): no message takes
    /// longer than this, and no timer is late by more. The world does not enforce it; plans keep it, by the latencies
    /// and the lateness that they draw. It does not bound disks, pauses, skew and faults of the class `reorder`: a
    /// model that relies on it does not tolerate these, or allows for them.
    pub delay: Option<Span>,
}

impl Tolerance {
    /// The tolerance of a model of so many nodes that declares only classes: crashes of all nodes, clocks that are off
    /// by up to a second and drift by up to 1,000 parts per million, any pause, any delay.
    pub fn usual(classes: &'static [FaultClass], size: usize) -> Self {
        Tolerance {
            classes,
            crashes: Crashes::any(0..size as u16),
            skew: Skew { offset: Span::secs(1), drift_ppm: 1_000 },
            pause: None,
            delay: None,
        }
    }

    /// The same with other nodes that may fail.
    pub fn crashing(self, crashes: Crashes) -> Self {
        Tolerance { crashes, ..self }
    }
}
