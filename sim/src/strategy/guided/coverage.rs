//! The coverage of a run, as a set of numbers that can be compared with those of earlier runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::fingerprint::stable_hash;
use crate::model::Model;
use crate::process::NodeId;
use crate::property::{Property, Verdict};
use crate::world::World;

/// A feature that a run can reach, of three kinds:
///
/// - a mark, with how often it was made, in the buckets of AFL (1, 2, 3, 4–7, 8–15, 16–31, 32–127, more), so that a
///   higher count is new only if it is much higher;
/// - an abstract state: for each node whether it is up, paused, and has a correct clock, its role ([`Model::role`]),
///   and whether it may crash; whether links are cut or slow, and whether the world has healed. Nodes are counted and
///   not named, because it is nothing new that n1 leads instead of n2;
/// - a step from one abstract state to the next, the counterpart of AFL's edges between blocks.
pub(crate) type Feature = u64;

/// The bucket of a count.
fn bucket(count: u64) -> u8 {
    match count {
        0..=3 => count as u8,
        4..=7 => 4,
        8..=15 => 5,
        16..=31 => 6,
        32..=127 => 7,
        _ => 8,
    }
}

/// The features of the marks of a run.
pub(crate) fn of_marks<'a>(marks: &'a [(&'static str, u64)]) -> impl Iterator<Item = Feature> + 'a {
    marks.iter().map(|(name, count)| stable_hash(&("mark", name, bucket(*count))))
}

/// How often runs reached each feature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage(BTreeMap<Feature, u32>);

impl Coverage {
    /// Whether some of these features were never reached before.
    pub(crate) fn lacks(&self, features: &BTreeSet<Feature>) -> bool {
        features.iter().any(|feature| !self.0.contains_key(feature))
    }

    /// Counts the features of a run.
    pub(crate) fn add(&mut self, features: &BTreeSet<Feature>) {
        for feature in features {
            let runs = self.0.entry(*feature).or_insert(0);
            *runs = runs.saturating_add(1);
        }
    }

    /// The number of runs that reached the rarest of these.
    pub(crate) fn rarest(&self, features: &BTreeSet<Feature>) -> u32 {
        features.iter().filter_map(|feature| self.0.get(feature)).min().copied().unwrap_or(0)
    }
}

/// The abstract state of a node.
type NodeState = (&'static str, bool, bool, bool, bool);

/// Observes a running world, as a property that always holds.
#[derive(Clone)]
pub(crate) struct Observer {
    reached: Rc<RefCell<BTreeSet<Feature>>>,
    crashable: Vec<NodeId>,
    states: Vec<NodeState>,
    last: Feature,
}

impl Observer {
    pub(crate) fn new(crashable: Vec<NodeId>) -> Self {
        Observer { reached: Rc::default(), crashable, states: Vec::new(), last: 0 }
    }

    /// The features reached so far.
    pub(crate) fn reached(&self) -> BTreeSet<Feature> {
        self.reached.borrow().clone()
    }

    fn node_state<M: Model>(&self, world: &World<M>, node: NodeId) -> NodeState {
        let role = world.process(node).and_then(|process| world.config().role(process)).unwrap_or("");
        let wrong = world.clock(node) != world.now();
        (role, world.process(node).is_some(), world.paused(node), wrong, self.crashable.contains(&node))
    }
}

impl<M: Model> Property<M> for Observer {
    fn name(&self) -> String {
        "coverage".into()
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        // Most events change one node, and not its abstract state.
        match *world.changed() {
            [node] if !self.states.is_empty() => {
                let state = self.node_state(world, node);
                if std::mem::replace(&mut self.states[node.index()], state) == state {
                    return Ok(());
                }
            }
            _ => self.states = (0..world.config().size()).map(|n| self.node_state(world, NodeId(n as u16))).collect(),
        }
        let mut nodes = self.states.clone();
        nodes.sort_unstable();
        let state = stable_hash(&("state", nodes, world.links_disturbed(), world.healed()));
        if state != self.last {
            let mut reached = self.reached.borrow_mut();
            reached.insert(state);
            reached.insert(stable_hash(&("step", self.last, state)));
            self.last = state;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_of_the_same_is_new_only_where_it_is_much_more() {
        let new = |before: u64, now: u64| {
            let mut coverage = Coverage::default();
            coverage.add(&of_marks(&[("a", before)]).collect());
            coverage.lacks(&of_marks(&[("a", now)]).collect())
        };
        assert!(new(1, 2) && new(3, 4) && new(7, 8) && new(31, 32) && new(127, 128));
        assert!(!new(4, 7) && !new(32, 127) && !new(128, 1_000_000));
    }

    #[test]
    fn the_rarest_feature_counts() {
        let mut coverage = Coverage::default();
        let (common, rare) = (BTreeSet::from([1]), BTreeSet::from([1, 2]));
        (0..5).for_each(|_| coverage.add(&common));
        coverage.add(&rare);
        assert_eq!((coverage.rarest(&common), coverage.rarest(&rare)), (6, 1));
    }
}
