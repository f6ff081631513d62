//! The parameters of fault plans, and the drawn plans.

use crate::disk::DiskConfig;
use crate::fault::{Fault, FaultClass};
use crate::network::NetworkConfig;
use crate::process::NodeId;
use crate::time::Span;

/// The greatest drift of a clock, fast or slow, in parts per million.
pub(super) const MOST_DRIFT: i64 = 800_000;

/// The parameters from which plans are drawn.
#[derive(Clone, Debug)]
pub(super) struct PlanParameters {
    pub(super) classes: Vec<FaultClass>,
    pub(super) nodes: Vec<NodeId>,
    /// The nodes that may crash.
    pub(super) crashable: Vec<NodeId>,
    /// Whether all of them may lose power at once.
    pub(super) power_loss: bool,
    /// Other nodes that may crash: clients.
    pub(super) clients: Vec<NodeId>,
    pub(super) roles: Vec<String>,
    pub(super) chaos: Span,
    pub(super) reaction_time: Span,
    pub(super) skew: Span,
    pub(super) drift_ppm: i64,
    pub(super) network: NetworkConfig,
    pub(super) delay_bound: Option<Span>,
    /// Whether every plan has faults of all classes.
    pub(super) every: bool,
}

/// The drawn plan of a seed.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) network: NetworkConfig,
    pub(super) disk: DiskConfig,
    pub(super) timer_jitter: Span,
    pub(super) faults: Vec<Fault>,
}
