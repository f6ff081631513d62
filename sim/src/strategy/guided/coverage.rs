//! What a run reached, as a set of numbers that can be compared with what was reached before.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::fingerprint::stable_hash;
use crate::model::Model;
use crate::process::NodeId;
use crate::property::{Property, Verdict};
use crate::world::World;

/// One thing that a run can reach. Three kinds:
///
/// - a mark, with how often it was made, in the buckets of AFL (1, 2, 3, 4–7, 8–15, 16–31, 32–127, more): more of the same is
///   something new only where it is much more;
/// - an abstract state: for each node whether it is up, paused, right about the time, what role it holds
///   ([`Model::role`]), and whether it may crash; whether links are cut or slow, and whether the world has healed. Nodes are
///   counted and not named, for that n1 leads and not n2 is nothing new;
/// - a step from one abstract state to the next, which is what AFL's edges are to its blocks.
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

/// The features of marks.
pub(crate) fn of_marks<'a>(marks: &'a [(&'static str, u64)]) -> impl Iterator<Item = Feature> + 'a {
    marks.iter().map(|(name, count)| stable_hash(&("mark", name, bucket(*count))))
}

/// How often runs reached each feature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage(BTreeMap<Feature, u32>);

impl Coverage {
    /// Whether a run reached something that none before it has.
    pub(crate) fn lacks(&self, features: &BTreeSet<Feature>) -> bool {
        features.iter().any(|feature| !self.0.contains_key(feature))
    }

    /// Counts a run.
    pub(crate) fn add(&mut self, features: &BTreeSet<Feature>) {
        for feature in features {
            let runs = self.0.entry(*feature).or_insert(0);
            *runs = runs.saturating_add(1);
        }
    }

    /// How many runs reached the rarest of these.
    pub(crate) fn rarest(&self, features: &BTreeSet<Feature>) -> u32 {
        features.iter().filter_map(|feature| self.0.get(feature)).min().copied().unwrap_or(0)
    }
}

/// What a node adds to the abstract state.
type Looks = (&'static str, bool, bool, bool, bool);

/// Looks on while a world runs, in the shape of a property that finds nothing wrong.
#[derive(Clone)]
pub(crate) struct Onlooker {
    reached: Rc<RefCell<BTreeSet<Feature>>>,
    crashable: Vec<NodeId>,
    looks: Vec<Looks>,
    last: Feature,
}

impl Onlooker {
    pub(crate) fn new(crashable: Vec<NodeId>) -> Self {
        Onlooker { reached: Rc::default(), crashable, looks: Vec::new(), last: 0 }
    }

    /// What was reached so far.
    pub(crate) fn reached(&self) -> BTreeSet<Feature> {
        self.reached.borrow().clone()
    }

    fn looks<M: Model>(&self, world: &World<M>, node: NodeId) -> Looks {
        let role = world.process(node).and_then(|process| world.config().role(process)).unwrap_or("");
        let wrong = world.clock(node) != world.now();
        (role, world.process(node).is_some(), world.paused(node), wrong, self.crashable.contains(&node))
    }
}

impl<M: Model> Property<M> for Onlooker {
    fn name(&self) -> String {
        "coverage".into()
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        // Most events change one node, and that in nothing that shows from here.
        match *world.changed() {
            [node] if !self.looks.is_empty() => {
                let looks = self.looks(world, node);
                if std::mem::replace(&mut self.looks[node.index()], looks) == looks {
                    return Ok(());
                }
            }
            _ => self.looks = (0..world.config().size()).map(|n| self.looks(world, NodeId(n as u16))).collect(),
        }
        let mut nodes = self.looks.clone();
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
