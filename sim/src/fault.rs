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
    /// Messages arrive in another order than they were sent.
    Reorder,
    /// Links are cut: symmetric, one-way, partial.
    Partition,
    /// A node loses what is volatile and comes back with what was synced.
    Crash,
    /// A node does nothing for any length of time.
    Pause,
    /// A clock is stepped, or drifts.
    Skew,
    /// Unsynced writes are lost or torn; syncs are slow; the disk is full; records are damaged.
    Disk,
    /// A node comes back with an empty disk.
    Wipe,
    /// A node violates its protocol.
    Byzantine,
}

impl FaultClass {
    /// All classes, in the order of the declaration.
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

    /// The catalogue's "all": every class but `wipe` and `byzantine`.
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

    /// In snake case, as on the command line and in files.
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

/// The role of a node with writes that are not durable: a crash now may lose them. Every model has it, besides its
/// own; where a scenario has a [budget](crate::Budget), only nodes that it counts hold it.
pub const UNSYNCED: &str = "unsynced";

/// The role of a node that has said something since it last wrote: others, or its clients, know what it wrote, and what it does
/// about their answers is not written yet. Every model has it, as [`UNSYNCED`].
pub const REPLIED: &str = "replied";

/// The node that a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A fixed node.
    Node(NodeId),
    /// The holder of this role when the fault begins ([`crate::Model::holds`], [`UNSYNCED`], [`REPLIED`]). A recorded run has the
    /// node instead.
    Role(String),
}

impl Target {
    /// The fixed node; `None` for a role.
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

/// The messages that an isolation stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the node and from it.
    #[default]
    Both,
    /// To the node: it sends and does not receive.
    In,
    /// From the node: it receives, and what it sends is stopped.
    Out,
}

/// What breaks, and where: aimed at a [`Target`] in a plan, at a node once it has struck.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum What<T = Target> {
    /// The node loses its volatile state, its timers and its unsent outputs. At the end it restarts with what its disk
    /// kept.
    Crash {
        /// Its unsynced writes are kept, lost or torn, by choices.
        node: T,
    },
    /// All of these nodes crash at once, as in a loss of power; no budget counts them. At the end they restart with what their
    /// disks kept.
    PowerLoss {
        /// The nodes that crash.
        nodes: Vec<NodeId>,
    },
    /// The node crashes and restarts with an empty disk.
    Wipe {
        /// Its files are empty when it restarts.
        node: T,
    },
    /// The node does nothing: messages and timers queue up until the end.
    Pause {
        /// Its clock runs on.
        node: T,
    },
    /// Messages from one set of nodes to another are stopped. The other direction is not affected.
    Cut {
        /// The senders.
        from: Vec<NodeId>,
        /// The receivers.
        to: Vec<NodeId>,
        /// Whether stopped messages are dropped or held.
        #[serde(default)]
        mode: CutMode,
    },
    /// Messages between these nodes and all others are stopped, in both directions.
    Partition {
        /// The nodes of one side; all others are the other side.
        side: Vec<NodeId>,
        /// Whether stopped messages are dropped or held.
        #[serde(default)]
        mode: CutMode,
    },
    /// Messages between one node and all others are stopped.
    Isolate {
        /// The node on one end of every stopped link.
        node: T,
        /// Of these messages, those to the node, those from it, or both.
        #[serde(default)]
        direction: Direction,
        /// Whether stopped messages are dropped or held.
        #[serde(default)]
        mode: CutMode,
    },
    /// Messages from one set of nodes to another take longer, and may be overtaken.
    Delay {
        /// The senders.
        from: Vec<NodeId>,
        /// The receivers.
        to: Vec<NodeId>,
        /// Added to their latency.
        by: Span,
    },
    /// The node's clock is stepped and drifts until the end, when it is stepped back to true time.
    Skew {
        /// Its timers are due by the skewed clock.
        node: T,
        /// Nanoseconds by which the clock is stepped from true time, forward or back.
        #[serde(default)]
        offset_ns: i64,
        /// Parts per million by which it then runs fast or, below zero, slow.
        #[serde(default)]
        drift_ppm: i64,
    },
    /// Syncs of the node's disk take longer.
    SlowDisk {
        /// The node that syncs.
        node: T,
        /// Added to the duration of each sync.
        by: Span,
    },
    /// The disk is full: a node that writes stops (fail-stop) until the end.
    FullDisk {
        /// The node whose writes fail.
        node: T,
    },
    /// One record is damaged; readers find a bad checksum.
    Corrupt {
        /// The node that has the record on its disk.
        node: T,
        /// The file of the record.
        file: File,
        /// The index of the record, from 0 for the last one of the file.
        back: u32,
    },
    /// The node violates its protocol, in the ways that its model knows ([`crate::Context::byzantine`]).
    Byzantine {
        /// The node that lies.
        node: T,
    },
}

impl<T> What<T> {
    /// The class that declarations of tolerance name.
    pub fn class(&self) -> FaultClass {
        match self {
            What::Crash { .. } | What::PowerLoss { .. } => FaultClass::Crash,
            What::Wipe { .. } => FaultClass::Wipe,
            What::Pause { .. } => FaultClass::Pause,
            What::Cut { .. } | What::Partition { .. } | What::Isolate { .. } => FaultClass::Partition,
            What::Delay { .. } => FaultClass::Reorder,
            What::Skew { .. } => FaultClass::Skew,
            What::SlowDisk { .. } | What::FullDisk { .. } | What::Corrupt { .. } => FaultClass::Disk,
            What::Byzantine { .. } => FaultClass::Byzantine,
        }
    }

    /// The target of a fault of a single node; `None` for cuts, partitions and delays, which strike links, and
    /// for a loss of power.
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
            What::Cut { .. } | What::Partition { .. } | What::Delay { .. } | What::PowerLoss { .. } => None,
        }
    }

    /// The same fault with another target. `aim` is called only for faults of a single node; `None` if it returns that.
    pub fn aim<U>(&self, aim: impl FnOnce(&T) -> Option<U>) -> Option<What<U>> {
        Some(match self {
            What::Crash { node } => What::Crash { node: aim(node)? },
            What::PowerLoss { nodes } => What::PowerLoss { nodes: nodes.clone() },
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

    /// The nodes that the fault names; `node` gives that of a target.
    fn nodes_by(&self, node: impl FnOnce(&T) -> Option<NodeId>) -> Vec<NodeId> {
        match self {
            What::Cut { from, to, .. } | What::Delay { from, to, .. } => from.iter().chain(to).copied().collect(),
            What::Partition { side: nodes, .. } | What::PowerLoss { nodes } => nodes.clone(),
            _ => self.target().and_then(node).into_iter().collect(),
        }
    }
}

impl What {
    /// The nodes that the fault names; none if it is aimed at a role.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.nodes_by(|target| target.node())
    }
}

impl What<NodeId> {
    /// The nodes that the fault names.
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
            What::PowerLoss { nodes } => write!(f, "{} lose power", list(nodes)),
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

/// An item of a fault plan; as `Fault<NodeId>`, a fault that has struck.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Fault<T = Target> {
    /// When it begins, on the world's clock.
    pub at: Time,
    /// Its length; if absent, it lasts until the world heals.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
    /// How long it waits if nobody holds the role it is aimed at: it strikes as soon as somebody does. A recorded run
    /// has the node and the instant instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    /// The time from when somebody takes the role until it then strikes; at once, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Span>,
    /// The kind of fault.
    #[serde(flatten)]
    pub what: What<T>,
}

impl Fault {
    /// The fault with its role resolved by `holder`. `None` if nobody holds the role.
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
