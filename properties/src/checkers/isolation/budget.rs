//! What a check may still take.

use super::Stop;

/// What a check may still take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Edges that may be visited.
    pub edges: u64,
    /// Bytes of a table.
    pub bytes: u64,
    /// Whether to give up.
    pub stop: Option<Stop>,
}

impl Budget {
    /// Whether so many edges may be visited; if so they are spent.
    pub fn spend(&mut self, edges: u64) -> bool {
        let may = self.edges >= edges && !self.stop.is_some_and(|stop| stop());
        if may {
            self.edges -= edges;
        }
        may
    }
}
