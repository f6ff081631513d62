//! What a node does that has recovered from a crash and does not know what was decided. It may not decide by what its own
//! log says (Skeen 1981, theorem on independent recovery; the book, section 7.5), nor take part in the termination
//! protocol of those who stayed up: it asks. If nobody stayed up, *total failure*, it waits until the last to fall have
//! recovered as well, and they decide by what they knew.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

use crate::transactions::commitment::Decision;
use crate::transactions::three_phase_commit::messages::Stood;

/// What a node that has recovered has heard of others that have.
#[derive(Clone, Debug, Hash)]
pub struct Recovery {
    /// All who take part, the coordinator among them.
    everybody: BTreeSet<NodeId>,
    /// How they stood when they fell: all of them have fallen, undecided, so this does not change any more.
    stood: BTreeMap<NodeId, Stood>,
}

impl Recovery {
    /// A node begins to recover: it knows how it stood itself.
    pub(super) fn new(everybody: BTreeSet<NodeId>, me: NodeId, stood: Stood) -> Self {
        Recovery { everybody, stood: BTreeMap::from([(me, stood)]) }
    }

    /// All but one who take part.
    pub(super) fn others(&self, me: NodeId) -> Vec<NodeId> {
        self.everybody.iter().copied().filter(|node| *node != me).collect()
    }

    /// How a node stood.
    pub(super) fn stood(&self, node: NodeId) -> Option<&Stood> {
        self.stood.get(&node)
    }

    /// Whether all who take part were heard of: where fewer were enough, they were the last to fall.
    pub(super) fn heard_all(&self) -> bool {
        self.stood.len() == self.everybody.len()
    }

    /// Hears of another. Says what is decided, if that follows.
    ///
    /// The last to fall are looked for in the book's way (section 7.5, after Skeen 1985), by whom each knew to have fallen
    /// before it: an elected coordinator writes down with whom it goes on before it does, and nobody who is left out
    /// comes back, so the smallest such view is the latest. Had anybody gone on with fewer, one of these would have been
    /// the one to write it down. The states of those in it decide, as in the termination protocol; what others knew is
    /// out of date.
    pub(super) fn hear(&mut self, node: NodeId, stood: Stood) -> Option<Decision> {
        self.stood.insert(node, stood);
        let views = self.stood.values().filter_map(|stood| stood.view.as_ref());
        let last = views.min_by_key(|view| view.len()).unwrap_or(&self.everybody);
        if !last.iter().all(|node| self.stood.contains_key(node)) {
            return None;
        }
        Some(match last.iter().any(|node| self.stood[node].pre_committed) {
            true => Decision::Commit,
            false => Decision::Abort,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stood(pre_committed: bool, view: &[u16]) -> Stood {
        let view = (!view.is_empty()).then(|| view.iter().copied().map(NodeId).collect());
        Stood { pre_committed, view }
    }

    /// What follows from the last of these, heard in this order by the first.
    fn heard(nodes: &[(u16, Stood)]) -> Vec<Option<Decision>> {
        let everybody = (0..4).map(NodeId).collect();
        let [(me, mine), others @ ..] = nodes else { panic!("somebody recovers") };
        let mut recovery = Recovery::new(everybody, NodeId(*me), mine.clone());
        others.iter().map(|(node, stood)| recovery.hear(NodeId(*node), stood.clone())).collect()
    }

    #[test]
    fn all_must_have_recovered_where_nobody_went_on_without_some() {
        let (knew, not) = (stood(true, &[]), stood(false, &[]));
        let nodes = |last: Stood| [(1, not.clone()), (2, not.clone()), (0, not.clone()), (3, last)];
        assert_eq!(heard(&nodes(not.clone())), [None, None, Some(Decision::Abort)]);
        assert_eq!(heard(&nodes(knew)), [None, None, Some(Decision::Commit)]);
    }

    #[test]
    fn those_who_went_on_last_are_enough_and_no_others_count() {
        let (last, not) = (stood(true, &[1, 2]), stood(false, &[]));
        assert_eq!(heard(&[(2, not.clone()), (1, last.clone())]), [Some(Decision::Commit)]);
        assert_eq!(heard(&[(3, not.clone()), (1, last.clone()), (2, not.clone())]), [None, Some(Decision::Commit)]);
        // What was known to those who fell before is out of date.
        let out_of_date = stood(true, &[1, 2, 3]);
        let uncertain = stood(false, &[1, 2]);
        assert_eq!(heard(&[(1, uncertain), (3, out_of_date), (2, not)]), [None, Some(Decision::Abort)]);
    }
}
