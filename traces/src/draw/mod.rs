//! Drawings of a timeline.

mod causality;
pub mod dot;
pub mod html;
pub mod mermaid;
pub mod otlp;
pub mod perfetto;
mod select;
pub mod shiviz;
pub mod text;
mod words;

use seedbed_sim::timeline::Entry;
use seedbed_sim::{NodeId, Violation};

use crate::component::Run;

impl Run {
    /// What there is to draw of it, in so many lines, if there is a limit.
    pub fn picture(&self, limit: Option<usize>) -> Picture<'_> {
        Picture { nodes: &self.nodes, timeline: &self.timeline, violation: self.violation.as_ref(), limit }
    }
}

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    /// The nodes, in order.
    pub nodes: &'a [NodeId],
    /// What happened.
    pub timeline: &'a [Entry],
    /// What was violated at its end.
    pub violation: Option<&'a Violation>,
    /// How many lines at most, in forms that a person reads; what is left out is said. None for all.
    pub limit: Option<usize>,
}
