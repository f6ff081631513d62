//! S2, and that claims override each other as SWIM says.

use seedbed_models::communication::gossip::Gossip;
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use crate::communication::gossip::holdings::Holdings;

/// S2: a member's own incarnation only grows, and so does that which others hold of it (SWIM §4.2). It alone raises it: nobody holds
/// one that it has not reached, whatever it has forgotten.
#[derive(Clone, Debug, Default)]
pub struct IncarnationsOnlyGrow {
    holdings: Holdings,
    /// Each member's own, in this life. What a crash has taken back nobody was told of.
    own: PerLife<u64>,
}

impl Property<Gossip> for IncarnationsOnlyGrow {
    fn name(&self) -> String {
        "gossip/incarnations_only_grow".into()
    }

    fn after_event(&mut self, world: &World<Gossip>) -> Verdict {
        for held in self.holdings.changes(world) {
            if held.now.incarnation < held.before.incarnation {
                let words = format!("{} held {:?}, and now {:?}", held.viewer, held.before, held.now);
                return Err(Broken::new([held.viewer], words));
            }
            is_reached(world, held.viewer, held.now.member)?;
        }
        for &member in world.changed() {
            if let Some(membership) = world.process(member).and_then(|member| member.membership()) {
                let (before, now) = (self.own.of(world, member), membership.incarnation());
                if now < *before {
                    return Err(Broken::new(
                        [member],
                        format!("{member} was in its incarnation {before}, and is in {now}"),
                    ));
                }
                *before = now;
            }
            // One that has begun a new life may be behind what others hold of it.
            world.present().try_for_each(|viewer| is_reached(world, viewer, member))?;
        }
        Ok(())
    }
}

/// Whether a member has reached the incarnation that another holds of it.
fn is_reached(world: &World<Gossip>, viewer: NodeId, member: NodeId) -> Verdict {
    let membership = |node| world.process(node).and_then(|member| member.membership());
    let (Some(viewing), Some(viewed)) = (membership(viewer), membership(member)) else { return Ok(()) };
    let held = viewing.view().of(member);
    if viewer == member || held.incarnation <= viewed.incarnation() {
        return Ok(());
    }
    let words = format!("{viewer} holds {held:?}, and {member} is in its incarnation {}", viewed.incarnation());
    Err(Broken::new([viewer, member], words))
}

/// Of one incarnation the state that a member holds goes from alive to suspect to dead, and never back (SWIM §4.2).
#[derive(Clone, Debug, Default)]
pub struct DeadUntilRefuted(Holdings);

impl Property<Gossip> for DeadUntilRefuted {
    fn name(&self) -> String {
        "gossip/dead_until_refuted".into()
    }

    fn after_event(&mut self, world: &World<Gossip>) -> Verdict {
        for held in self.0.changes(world) {
            if held.now.incarnation == held.before.incarnation && held.now.state < held.before.state {
                let words = format!("{} held {:?}, and now {:?}", held.viewer, held.before, held.now);
                return Err(Broken::new([held.viewer], words));
            }
        }
        Ok(())
    }
}
