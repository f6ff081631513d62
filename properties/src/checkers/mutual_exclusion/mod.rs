//! Mutual exclusion (Dijkstra 1965), and the rules of locks: [`Exclusion`] judges critical sections, [`Lock`] the
//! events of a lock, [`fencing`] the writes that the guarded resource accepted.
//!
//! Two holders at one instant are found if the model's events end at that instant. A property of a model is checked
//! after each event, so what a node does and undoes within one handler is only visible to a [`Lock`], from a journal.

pub mod fencing;
mod lock;

use std::collections::{BTreeMap, BTreeSet};

pub use lock::{Event, Lock, Rule};

use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// The critical sections that a node is in now. A node that is down is in none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inside<N, R> {
    /// The node that believes to hold locks.
    pub node: N,
    /// The resources that it now believes to hold exclusively.
    pub resources: Vec<R>,
}

/// At most one node is in the critical section of a resource, at every instant: `∀t Σ_i inCS_i(t) ≤ 1`. Events may be
/// repeated. At an instant at which one node enters and another leaves, the order of events counts.
///
/// ```
/// use seedbed_properties::checkers::judge::facts;
/// use seedbed_properties::checkers::mutual_exclusion::{Exclusion, Inside};
/// # use seedbed_sim::{NodeId, World, doc::PingPong};
/// # fn held(_: &World<PingPong>, _: NodeId) -> Vec<u8> { Vec::new() }
/// let property = facts("lock/safety", Exclusion::default(), |world: &World<PingPong>, node| {
///     Some([Inside { node, resources: held(world, node) }])
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Exclusion<N, R> {
    holders: BTreeMap<R, N>,
    inside: BTreeMap<N, BTreeSet<R>>,
}

impl<N: Id, R: Name> Judge for Exclusion<N, R> {
    type Event = Inside<N, R>;
    type Node = N;

    fn observe(&mut self, Inside { node, resources }: Inside<N, R>) -> Ruling<N> {
        let before = self.inside.entry(node.clone()).or_default();
        if before.is_empty() && resources.is_empty() {
            return Ok(());
        }
        let now: BTreeSet<R> = resources.into_iter().collect();
        for left in before.difference(&now) {
            self.holders.remove(left);
        }
        for entered in now.difference(before) {
            if let Some(holder) = self.holders.insert(entered.clone(), node.clone()) {
                let words = format!("{holder:?} and {node:?} are both in the critical section of {entered:?}");
                return Err(Refusal::new("mutual exclusion", [holder, node], words));
            }
        }
        *before = now;
        Ok(())
    }
}

impl<N, R> Default for Exclusion<N, R> {
    fn default() -> Self {
        Exclusion { holders: BTreeMap::new(), inside: BTreeMap::new() }
    }
}
