//! What members hold of each other, and what of that has changed.

use seedbed_models::communication::gossip::Gossip;
use seedbed_models::communication::gossip::swim::claim::Claim;
use seedbed_sim::{NodeId, PerLife, World};

/// What each member held of the others when that was last looked at, in this life.
#[derive(Clone, Debug, Default)]
pub struct Holdings(PerLife<Vec<Claim>>);

/// A claim that a member holds from now on.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Who holds it.
    pub viewer: NodeId,
    /// What it held before.
    pub before: Claim,
    /// What it holds now.
    pub now: Claim,
}

impl Held {
    /// Whether it is a death that the viewer has declared itself, in this life. One that it had declared in an earlier life it may
    /// hear from others.
    pub fn is_declared(&self, world: &World<Gossip>) -> bool {
        let membership = world.process(self.viewer).and_then(|member| member.membership());
        membership.is_some_and(|membership| membership.declared().contains(&self.now))
    }
}

impl Holdings {
    /// What the members that may have changed hold anew. Of others a new life holds that they were never heard of.
    pub fn changes(&mut self, world: &World<Gossip>) -> Vec<Held> {
        let mut changes = Vec::new();
        for &viewer in world.changed() {
            let Some(membership) = world.process(viewer).and_then(|member| member.membership()) else { continue };
            let known = self.0.of(world, viewer);
            let claims = membership.view().claims();
            if known.is_empty() {
                known.extend(claims.iter().map(|claim| Claim::unheard(claim.member)));
            }
            for (before, now) in known.iter_mut().zip(claims) {
                if before != now {
                    changes.push(Held { viewer, before: std::mem::replace(before, *now), now: *now });
                }
            }
        }
        changes
    }
}
