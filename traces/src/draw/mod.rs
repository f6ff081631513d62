//! Drawings of a timeline.

pub mod mermaid;
mod select;
pub mod text;

use seedbed_sim::timeline::Entry;
use seedbed_sim::{Fault, NodeId, Violation};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    /// The nodes, in order.
    pub nodes: &'a [NodeId],
    /// What happened.
    pub timeline: &'a [Entry],
    /// The faults of the story.
    pub faults: &'a [Fault],
    /// What was violated at its end.
    pub violation: Option<&'a Violation>,
    /// How many lines at most; what is left out is said. None for all.
    pub limit: Option<usize>,
}
