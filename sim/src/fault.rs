//! Fault plans: explicit lists of what breaks, where, when and for how long.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::disk::File;
use crate::network::CutMode;
use crate::process::NodeId;
use crate::time::{Span, Time};

/// The classes of faults that components declare to tolerate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// Messages are lost.
    Loss,
    /// Messages arrive twice.
    Dup,
    /// Messages overtake each other.
    Reorder,
    /// Links are cut: symmetric, one-way, partial.
    Partition,
    /// A node loses what is volatile and comes back with what was synced.
    Crash,
    /// A node stands still for any length of time.
    Pause,
    /// A clock is off, drifts, or jumps.
    Skew,
    /// Unsynced writes are lost or torn; syncs are slow; the disk is full; records rot.
    Disk,
    /// A node comes back with an empty disk.
    Wipe,
    /// A node lies.
    Byzantine,
}

impl FaultClass {
    /// Every class, in the order of the declaration.
    pub const ALL: [FaultClass; 10] = [
        FaultClass::Loss,
        FaultClass::Dup,
        FaultClass::Reorder,
        FaultClass::Partition,
        FaultClass::Crash,
        FaultClass::Pause,
        FaultClass::Skew,
        FaultClass::Disk,
        FaultClass::Wipe,
        FaultClass::Byzantine,
    ];

    /// What the catalogue calls "all": every class but `wipe` and `byzantine`.
    pub const USUAL: [FaultClass; 8] = [
        FaultClass::Loss,
        FaultClass::Dup,
        FaultClass::Reorder,
        FaultClass::Partition,
        FaultClass::Crash,
        FaultClass::Pause,
        FaultClass::Skew,
        FaultClass::Disk,
    ];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            FaultClass::Loss => "loss",
            FaultClass::Dup => "dup",
            FaultClass::Reorder => "reorder",
            FaultClass::Partition => "partition",
            FaultClass::Crash => "crash",
            FaultClass::Pause => "pause",
            FaultClass::Skew => "skew",
            FaultClass::Disk => "disk",
            FaultClass::Wipe => "wipe",
            FaultClass::Byzantine => "byzantine",
        }
    }
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for FaultClass {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        FaultClass::ALL.into_iter().find(|class| class.name() == text).ok_or_else(|| {
            let all = FaultClass::ALL.map(FaultClass::name).join(" ");
            format!("'{text}' is not a fault class: choose from {all}")
        })
    }
}

/// Whom a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// This node.
    Node(NodeId),
    /// Whoever holds this role when the fault begins ([`crate::Model::role`]). A recorded run has the node instead.
    Role(String),
}

impl Target {
    /// The node, where it is one.
    pub fn node(&self) -> Option<NodeId> {
        match self {
            Target::Node(node) => Some(*node),
            Target::Role(_) => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Node(node) => write!(f, "{node}"),
            Target::Role(role) => write!(f, "role:{role}"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.strip_prefix("role:") {
            Some(role) => Ok(Target::Role(role.to_string())),
            None => text.parse().map(Target::Node).map_err(serde::de::Error::custom),
        }
    }
}

impl From<NodeId> for Target {
    fn from(node: NodeId) -> Self {
        Target::Node(node)
    }
}

/// Which of a node's messages an isolation stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Those to it and those from it.
    #[default]
    Both,
    /// Those to it: it can speak and not hear.
    In,
    /// Those from it: it can hear and not speak.
    Out,
}

/// What breaks, and where: aimed at a [`Target`] in a plan, at a node once it has struck.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum What<T = Target> {
    /// The node loses its volatile state, its timers and what it had not yet sent; at the end it restarts with what
    /// its disk kept.
    Crash {
        /// Whom.
        node: T,
    },
    /// The node crashes and restarts with an empty disk.
    Wipe {
        /// Whom.
        node: T,
    },
    /// The node stands still: messages and timers queue up until the end.
    Pause {
        /// Whom.
        node: T,
    },
    /// No message passes from one set of nodes to another; the other way is free.
    Cut {
        /// The senders.
        from: Vec<NodeId>,
        /// The receivers.
        to: Vec<NodeId>,
        /// What becomes of the messages.
        #[serde(default)]
        mode: CutMode,
    },
    /// No message passes, either way, between these nodes and all others.
    Partition {
        /// One side.
        side: Vec<NodeId>,
        /// What becomes of the messages.
        #[serde(default)]
        mode: CutMode,
    },
    /// One node is cut from all others.
    Isolate {
        /// Whom.
        node: T,
        /// Which of its messages are stopped.
        #[serde(default)]
        direction: Direction,
        /// What becomes of the messages.
        #[serde(default)]
        mode: CutMode,
    },
    /// Messages from one set of nodes to another take longer. Those sent later, or on other links, overtake them.
    Delay {
        /// The senders.
        from: Vec<NodeId>,
        /// The receivers.
        to: Vec<NodeId>,
        /// How much longer.
        by: Span,
    },
    /// The node's clock jumps, and drifts until the end, when it jumps back to the true time.
    Skew {
        /// Whom.
        node: T,
        /// By how many nanoseconds the clock jumps from true time, forward or back.
        #[serde(default)]
        offset_ns: i64,
        /// By how many parts per million it then runs fast, or, below zero, slow.
        #[serde(default)]
        drift_ppm: i64,
    },
    /// Syncs take longer.
    SlowDisk {
        /// Whose.
        node: T,
        /// How much longer.
        by: Span,
    },
    /// The disk has no room: a node that writes stops (fail-stop) until the end.
    FullDisk {
        /// Whose.
        node: T,
    },
    /// One record rots; whoever reads it finds a bad checksum.
    Corrupt {
        /// Whose disk.
        node: T,
        /// Which file.
        file: File,
        /// Which record, counted from the end of the file.
        back: u32,
    },
    /// The node lies, as its model knows how.
    Byzantine {
        /// Whom.
        node: T,
    },
}

impl<T> What<T> {
    /// The class it counts for.
    pub fn class(&self) -> FaultClass {
        match self {
            What::Crash { .. } => FaultClass::Crash,
            What::Wipe { .. } => FaultClass::Wipe,
            What::Pause { .. } => FaultClass::Pause,
            What::Cut { .. } | What::Partition { .. } | What::Isolate { .. } => FaultClass::Partition,
            What::Delay { .. } => FaultClass::Reorder,
            What::Skew { .. } => FaultClass::Skew,
            What::SlowDisk { .. } | What::FullDisk { .. } | What::Corrupt { .. } => FaultClass::Disk,
            What::Byzantine { .. } => FaultClass::Byzantine,
        }
    }

    /// What it is aimed at, where it strikes a single node. Cuts, partitions and delays strike links.
    pub fn target(&self) -> Option<&T> {
        match self {
            What::Crash { node }
            | What::Wipe { node }
            | What::Pause { node }
            | What::Isolate { node, .. }
            | What::Skew { node, .. }
            | What::SlowDisk { node, .. }
            | What::FullDisk { node }
            | What::Corrupt { node, .. }
            | What::Byzantine { node } => Some(node),
            What::Cut { .. } | What::Partition { .. } | What::Delay { .. } => None,
        }
    }

    /// The same fault, aimed elsewhere. `aim` is asked only where it strikes a single node; `None` if that says so.
    pub fn aim<U>(&self, aim: impl FnOnce(&T) -> Option<U>) -> Option<What<U>> {
        Some(match self {
            What::Crash { node } => What::Crash { node: aim(node)? },
            What::Wipe { node } => What::Wipe { node: aim(node)? },
            What::Pause { node } => What::Pause { node: aim(node)? },
            What::Isolate { node, direction, mode } => {
                What::Isolate { node: aim(node)?, direction: *direction, mode: *mode }
            }
            What::Skew { node, offset_ns, drift_ppm } => {
                What::Skew { node: aim(node)?, offset_ns: *offset_ns, drift_ppm: *drift_ppm }
            }
            What::SlowDisk { node, by } => What::SlowDisk { node: aim(node)?, by: *by },
            What::FullDisk { node } => What::FullDisk { node: aim(node)? },
            What::Corrupt { node, file, back } => What::Corrupt { node: aim(node)?, file: *file, back: *back },
            What::Byzantine { node } => What::Byzantine { node: aim(node)? },
            What::Cut { from, to, mode } => What::Cut { from: from.clone(), to: to.clone(), mode: *mode },
            What::Partition { side, mode } => What::Partition { side: side.clone(), mode: *mode },
            What::Delay { from, to, by } => What::Delay { from: from.clone(), to: to.clone(), by: *by },
        })
    }

    /// Every node it names, where a target names one by `node`.
    fn nodes_by(&self, node: impl FnOnce(&T) -> Option<NodeId>) -> Vec<NodeId> {
        match self {
            What::Cut { from, to, .. } | What::Delay { from, to, .. } => from.iter().chain(to).copied().collect(),
            What::Partition { side, .. } => side.clone(),
            _ => self.target().and_then(node).into_iter().collect(),
        }
    }
}

impl What {
    /// Every node it names; none where it is aimed at a role.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.nodes_by(|target| target.node())
    }
}

impl What<NodeId> {
    /// Every node it names.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.nodes_by(|node| Some(*node))
    }
}

fn list(nodes: &[NodeId]) -> String {
    nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(",")
}

fn held(mode: CutMode) -> &'static str {
    match mode {
        CutMode::Drop => "",
        CutMode::Hold => ", messages held",
    }
}

impl<T: fmt::Display> fmt::Display for What<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Crash { node } => write!(f, "{node} crashes"),
            What::Wipe { node } => write!(f, "{node} is wiped"),
            What::Pause { node } => write!(f, "{node} is paused"),
            What::Cut { from, to, mode } => write!(f, "{} → {} is cut{}", list(from), list(to), held(*mode)),
            What::Partition { side, mode } => write!(f, "{} parted from the rest{}", list(side), held(*mode)),
            What::Isolate { node, direction: Direction::Both, mode } => write!(f, "{node} is isolated{}", held(*mode)),
            What::Isolate { node, direction: Direction::In, mode } => write!(f, "{node} hears nobody{}", held(*mode)),
            What::Isolate { node, direction: Direction::Out, mode } => {
                write!(f, "nobody hears {node}{}", held(*mode))
            }
            What::Delay { from, to, by } => write!(f, "{} → {} takes {by} longer", list(from), list(to)),
            What::Skew { node, offset_ns, drift_ppm } => {
                write!(f, "clock of {node} is off by {:+.6} s", *offset_ns as f64 / 1e9)?;
                match drift_ppm {
                    0 => Ok(()),
                    ppm => write!(f, " and drifts {ppm:+} ppm"),
                }
            }
            What::SlowDisk { node, by } => write!(f, "disk of {node} takes {by} longer"),
            What::FullDisk { node } => write!(f, "disk of {node} is full"),
            What::Corrupt { node, file, back } => {
                write!(f, "record {back} from the end of file {} of {node} rots", file.0)
            }
            What::Byzantine { node } => write!(f, "{node} lies"),
        }
    }
}

/// One item of a fault plan; as `Fault<NodeId>`, one that has struck.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Fault<T = Target> {
    /// When it begins.
    pub at: Time,
    /// How long it lasts; without it, until the world heals.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
    /// How long it lies in wait if nobody holds the role it is aimed at: it strikes as soon as somebody does. A recorded
    /// run has the node and the instant instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    /// How long after somebody takes the role it then strikes; at once, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Span>,
    /// What breaks.
    #[serde(flatten)]
    pub what: What<T>,
}

impl Fault {
    /// The fault as it strikes: at the node that holds its role, which `holder` tells. `None` if nobody does.
    pub fn strikes(&self, holder: impl FnOnce(&str) -> Option<NodeId>) -> Option<Fault<NodeId>> {
        let what = self.what.aim(|target| match target {
            Target::Node(node) => Some(*node),
            Target::Role(role) => holder(role),
        })?;
        Some(Fault { at: self.at, lasts: self.lasts, within: None, after: None, what })
    }
}

impl From<Fault<NodeId>> for Fault {
    fn from(struck: Fault<NodeId>) -> Self {
        let Fault { at, lasts, within, after, what } = struck;
        let what = what.aim(|node| Some(Target::Node(*node))).expect("every node is a target");
        Fault { at, lasts, within, after, what }
    }
}

impl<T> Fault<T> {
    /// A fault that begins at an instant and lasts for a while; without that, until the world heals.
    pub fn new(at: Time, lasts: impl Into<Option<Span>>, what: What<T>) -> Self {
        Fault { at, lasts: lasts.into(), within: None, after: None, what }
    }

    /// When it ends, if before the world heals.
    pub fn until(&self) -> Option<Time> {
        self.lasts.map(|lasts| self.at + lasts)
    }
}

impl<T: fmt::Display> fmt::Display for Fault<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until() {
            Some(until) => write!(f, "{} from {} to {}", self.what, self.at, until),
            None => write!(f, "{} from {}", self.what, self.at),
        }
    }
}

/// Sorts a plan by when its faults begin; those that begin together keep their order.
pub(crate) fn by_time(plan: &mut [Fault]) {
    plan.sort_by_key(|fault| fault.at);
}
