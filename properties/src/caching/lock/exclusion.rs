//! S1: at most one client is in the critical section.

use seedbed_models::caching::lock::{Lock, Node, RESOURCE};
use seedbed_sim::{NodeId, Property, Verdict, World};

use crate::checkers::judge::Judge;
use crate::checkers::mutual_exclusion::{Exclusion, Inside};

/// `∀t Σ_i inCS_i(t) ≤ 1`, where a holder is in the critical section while its lease is valid by its own clock. A
/// paused holder cannot read its clock, so it is inside until the pause ends.
///
/// Checked if the configuration promises it ([`Lock::promises_exclusion`]); locks that rely on fencing tokens do not.
#[derive(Clone, Debug, Default)]
pub struct OneInside {
    judge: Exclusion<NodeId, &'static str>,
    /// The clients that were inside at the last check.
    inside: Vec<NodeId>,
}

/// Whether a node is in the critical section now.
pub fn is_inside(world: &World<Lock>, node: NodeId) -> bool {
    let Some(holding) = world.process(node).and_then(Node::client).and_then(|client| client.holding()) else {
        return false;
    };
    world.paused(node) || holding.valid_until.is_none_or(|until| world.clock(node) < until)
}

impl Property<Lock> for OneInside {
    fn name(&self) -> String {
        "lock/exclusion".into()
    }

    fn after_event(&mut self, world: &World<Lock>) -> Verdict {
        // A client enters at an event of its own, but may leave by its clock alone.
        let concerns = |node: &NodeId| *node > RESOURCE && (is_inside(world, *node) || self.inside.contains(node));
        if !world.config().promises_exclusion() || !world.changed().iter().any(concerns) {
            return Ok(());
        }
        let now: Vec<NodeId> = world.present().filter(|node| *node > RESOURCE && is_inside(world, *node)).collect();
        let before = std::mem::replace(&mut self.inside, now);
        let out = before.iter().filter(|node| !self.inside.contains(node)).map(|node| (*node, Vec::new()));
        let inside = self.inside.iter().map(|node| (*node, vec!["lock"]));
        for (node, resources) in out.chain(inside) {
            self.judge.observe(Inside { node, resources })?;
        }
        Ok(())
    }
}
