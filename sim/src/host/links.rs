//! The links between nodes that a fault cuts.

use crate::fault::{Direction, What};
use crate::process::NodeId;

/// The links that a fault cuts.
pub(super) fn links(what: &What<NodeId>, nodes: u16) -> Vec<(NodeId, NodeId)> {
    let all = || (0..nodes).map(NodeId);
    let stops = |from: NodeId, to: NodeId| match what {
        What::Cut { from: senders, to: receivers, .. } => senders.contains(&from) && receivers.contains(&to),
        What::Partition { side, .. } => side.contains(&from) != side.contains(&to),
        What::Isolate { node, direction, .. } => {
            from != to
                && ((from == *node && *direction != Direction::In) || (to == *node && *direction != Direction::Out))
        }
        _ => false,
    };
    all().flat_map(|from| all().map(move |to| (from, to))).filter(|(from, to)| stops(*from, *to)).collect()
}
