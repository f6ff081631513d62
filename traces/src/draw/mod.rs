//! Drawings of a timeline.

mod causality;
pub mod dot;
pub mod html;
pub mod mermaid;
mod news;
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
    /// The picture of a run, with a limit of lines, if there is one.
    pub fn picture(&self, limit: Option<usize>) -> Picture<'_> {
        Picture { nodes: &self.nodes, timeline: &self.timeline, violation: self.violation.as_ref(), limit }
    }
}

/// The content of a drawing.
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    /// The nodes of the scenario, in order.
    pub nodes: &'a [NodeId],
    /// All entries of the run.
    pub timeline: &'a [Entry],
    /// The violation at its end, if any.
    pub violation: Option<&'a Violation>,
    /// The most lines of a drawing for people, which says how many are omitted. `None` for all.
    pub limit: Option<usize>,
}
