//! What plans are drawn for, and what they are.

use crate::disk::DiskConfig;
use crate::fault::{Fault, FaultClass};
use crate::network::NetworkConfig;
use crate::process::NodeId;
use crate::time::Span;

/// No clock runs faster or slower than true time by more than this, in parts per million.
pub(super) const MOST_DRIFT: i64 = 800_000;

/// What plans are drawn for.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) classes: Vec<FaultClass>,
    pub(super) nodes: Vec<NodeId>,
    /// Who may crash.
    pub(super) crashable: Vec<NodeId>,
    pub(super) roles: Vec<String>,
    pub(super) chaos: Span,
    pub(super) reaction_time: Span,
    pub(super) skew: Span,
    pub(super) drift_ppm: i64,
    pub(super) network: NetworkConfig,
    pub(super) delay_bound: Option<Span>,
    /// Whether every plan has all classes.
    pub(super) every: bool,
}

/// One seed's draw.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) network: NetworkConfig,
    pub(super) disk: DiskConfig,
    pub(super) timer_jitter: Span,
    pub(super) faults: Vec<Fault>,
}
