//! What a node does that has recovered from a crash and does not know the decision. It may not decide by what its own log
//! says (Skeen 1981, theorem on independent recovery; the book, section 7.5), nor take part in the termination protocol of
//! those that stayed up: it asks. If nobody stayed up, *total failure*, it waits until the last to crash have recovered as
//! well, and they decide by the states in which they crashed.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

use crate::transactions::commitment::Decision;
use crate::transactions::three_phase_commit::messages::CrashState;

/// What a node that has recovered knows of the others that have.
#[derive(Clone, Debug, Hash)]
pub struct Recovery {
    /// All nodes of the transaction, the coordinator among them.
    everybody: BTreeSet<NodeId>,
    /// The states in which they crashed. All of them crashed undecided, so this does not change any more.
    states: BTreeMap<NodeId, CrashState>,
}

impl Recovery {
    /// The node `me` begins to recover: it knows its own state.
    pub(super) fn new(everybody: BTreeSet<NodeId>, me: NodeId, state: CrashState) -> Self {
        assert!(everybody.contains(&me), "who recovers has a part in the transaction: {me} is not in {everybody:?}");
        Recovery { everybody, states: BTreeMap::from([(me, state)]) }
    }

    /// All nodes of the transaction but one.
    pub(super) fn others(&self, me: NodeId) -> Vec<NodeId> {
        self.everybody.iter().copied().filter(|node| *node != me).collect()
    }

    /// The state in which a node crashed.
    ///
    /// # Panics
    /// If it was not heard of; the node that recovers knows its own.
    pub(super) fn crash_state(&self, node: NodeId) -> &CrashState {
        &self.states[&node]
    }

    /// Whether all nodes of the transaction were heard of: where fewer were enough, they were the last to crash.
    pub(super) fn heard_all(&self) -> bool {
        self.states.len() == self.everybody.len()
    }

    /// Hears of another. Returns the decision, if it follows.
    ///
    /// The last to crash are found in the book's way (section 7.5, after Skeen 1985), by whom each knew to have crashed
    /// before it: an elected coordinator logs with whom it goes on before it does, and nobody who is left out comes back, so
    /// the smallest such view is the latest. Had anybody gone on with fewer, one of these would have been the one to log it.
    /// The states of those in it decide, as in the termination protocol; what others knew is out of date.
    pub(super) fn heard(&mut self, node: NodeId, state: CrashState) -> Option<Decision> {
        self.states.insert(node, state);
        let views = self.states.values().filter_map(|state| state.view.as_ref());
        let last = views.min_by_key(|view| view.len()).unwrap_or(&self.everybody);
        if !last.iter().all(|node| self.states.contains_key(node)) {
            return None;
        }
        let committable = last.iter().any(|node| self.states[node].pre_committed);
        Some(if committable { Decision::Commit } else { Decision::Abort })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(pre_committed: bool, view: &[u16]) -> CrashState {
        let view = (!view.is_empty()).then(|| view.iter().copied().map(NodeId).collect());
        CrashState { pre_committed, view }
    }

    /// What follows from the last of these, heard in this order by the first.
    fn heard(nodes: &[(u16, CrashState)]) -> Vec<Option<Decision>> {
        let everybody = (0..4).map(NodeId).collect();
        let [(me, mine), others @ ..] = nodes else { panic!("somebody recovers") };
        let mut recovery = Recovery::new(everybody, NodeId(*me), mine.clone());
        others.iter().map(|(node, state)| recovery.heard(NodeId(*node), state.clone())).collect()
    }

    #[test]
    fn all_must_have_recovered_where_nobody_went_on_without_some() {
        let (knew, not) = (state(true, &[]), state(false, &[]));
        let nodes = |last: CrashState| [(1, not.clone()), (2, not.clone()), (0, not.clone()), (3, last)];
        assert_eq!(heard(&nodes(not.clone())), [None, None, Some(Decision::Abort)]);
        assert_eq!(heard(&nodes(knew)), [None, None, Some(Decision::Commit)]);
    }

    #[test]
    fn those_who_went_on_last_are_enough_and_no_others_count() {
        let (last, not) = (state(true, &[1, 2]), state(false, &[]));
        assert_eq!(heard(&[(2, not.clone()), (1, last.clone())]), [Some(Decision::Commit)]);
        assert_eq!(heard(&[(3, not.clone()), (1, last.clone()), (2, not.clone())]), [None, Some(Decision::Commit)]);
        // What was known to those who fell before is out of date.
        let out_of_date = state(true, &[1, 2, 3]);
        let uncertain = state(false, &[1, 2]);
        assert_eq!(heard(&[(1, uncertain), (3, out_of_date), (2, not)]), [None, Some(Decision::Abort)]);
    }
}
