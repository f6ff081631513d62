//! What a configuration tolerates: the faults inside which every safety property must hold.

use std::ops::Range;

use crate::fault::FaultClass;
use crate::process::NodeId;
use crate::time::Span;

/// Which nodes crashes, wipes, lies and faults of disks may strike, and how many of them at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crashes {
    /// The nodes that may be struck.
    pub among: Vec<NodeId>,
    /// How many of them may be down, or lying, at once.
    pub at_once: usize,
}

impl Crashes {
    /// Any of these nodes, and all of them at once.
    pub fn any(nodes: Range<u16>) -> Self {
        Crashes::up_to(usize::from(nodes.end - nodes.start), nodes)
    }

    /// Any of these nodes, and so many at once.
    pub fn up_to(at_once: usize, nodes: Range<u16>) -> Self {
        Crashes { among: nodes.map(NodeId).collect(), at_once }
    }
}

/// How far a clock may be from true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// The greatest jump, forward or back.
    pub offset: Span,
    /// The greatest drift, fast or slow, in parts per million.
    pub drift_ppm: u32,
}

/// What a configuration of a model tolerates. Plans of faults stay inside, so that a violation is a bug and not an
/// impossible demand; [`crate::Swarm`] says how to step outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// The fault classes under which every safety property holds; never more than [`crate::Info::tolerates`], which is what
    /// all variants tolerate together.
    pub classes: &'static [FaultClass],
    /// Who may crash.
    pub crashes: Crashes,
    /// How far clocks may be off.
    pub skew: Skew,
    /// The longest that a node may stand still at one time; nothing: as long as it likes. Plans draw no longer pause, and
    /// none that begins soon after another.
    pub pause: Option<Span>,
    /// The bound on delays that the protocol's timeouts rely on, if it relies on one (a *synchronous* system): no message
    /// takes longer than this, and no timer is late by more. The world does not keep it; the plans of a swarm do, by the
    /// latencies and the lateness that they draw. Disks, pauses, skew and faults of the class `reorder` are not bounded by
    /// it: a model that relies on it does not tolerate them, or allows for them.
    pub delay: Option<Span>,
}

impl Tolerance {
    /// What a model of so many nodes tolerates that says nothing but the classes: crashes of all nodes, clocks that are off by
    /// up to a second and drift by up to 1,000 parts per million, any pause, any delay.
    pub fn usual(classes: &'static [FaultClass], size: usize) -> Self {
        Tolerance {
            classes,
            crashes: Crashes::any(0..size as u16),
            skew: Skew { offset: Span::secs(1), drift_ppm: 1_000 },
            pause: None,
            delay: None,
        }
    }

    /// The same with other nodes that may crash.
    pub fn crashing(self, crashes: Crashes) -> Self {
        Tolerance { crashes, ..self }
    }
}
