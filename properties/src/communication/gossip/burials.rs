//! S1 and L: who is held dead, and for how long.

use std::collections::BTreeMap;

use seedbed_models::communication::gossip::swim::claim::{Claim, State};
use seedbed_models::communication::gossip::{Detector, Gossip};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Span, Time, Verdict, World};

use crate::communication::gossip::clocks::Clocks;
use crate::communication::gossip::holdings::Holdings;

/// After so long without faults all know who is there. It leaves room, and is no sum of worst cases: a member at its worst health is
/// well again after eight answers, within 4.4 s; in that time the others, who are better, have had several turns of probes, and a
/// suspicion that nobody shares lasts 2.4 s.
const SETTLED_WITHIN: Span = Span::secs(6);

/// When the world has healed.
#[derive(Clone, Copy, Debug, Default)]
struct Healed(Option<Time>);

impl Healed {
    fn look(&mut self, world: &World<Gossip>) {
        if world.healed() {
            self.0.get_or_insert(world.now());
        }
    }

    /// Whether what began at `since` has lasted through all the time that members have to settle.
    fn has_settled_since(self, world: &World<Gossip>, since: Time) -> bool {
        self.0.is_some_and(|healed| world.now().since(healed.max(since)) >= SETTLED_WITHIN)
    }
}

/// The members that are up and have not gone.
fn there(world: &World<Gossip>) -> impl Iterator<Item = NodeId> + '_ {
    world.processes().filter(|(_, member)| !member.is_gone()).map(|(node, _)| node)
}

/// What a member holds of another.
fn held(world: &World<Gossip>, viewer: NodeId, member: NodeId) -> Option<Claim> {
    Some(world.process(viewer)?.membership()?.view().of(member))
}

/// S1: a member that is alive and reachable is not held suspect or dead for good by one that is too: with time to settle, each is
/// held alive again.
#[derive(Clone, Debug, Default)]
pub struct NeverBuriedForGood {
    holdings: Holdings,
    healed: Healed,
    /// Since when each member has held others not alive, in this life.
    doubted: PerLife<BTreeMap<NodeId, Time>>,
}

impl Property<Gossip> for NeverBuriedForGood {
    fn name(&self) -> String {
        "gossip/never_buried_for_good".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn after_event(&mut self, world: &World<Gossip>) -> Verdict {
        self.healed.look(world);
        for held in self.holdings.changes(world) {
            let doubted = self.doubted.of(world, held.viewer);
            match held.now.state {
                State::Alive => _ = doubted.remove(&held.now.member),
                State::Suspect | State::Dead => _ = doubted.entry(held.now.member).or_insert(world.now()),
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<Gossip>) -> Verdict {
        for viewer in there(world) {
            for member in there(world) {
                let Some(since) = self.doubted.of(world, viewer).get(&member).copied() else { continue };
                if self.healed.has_settled_since(world, since) {
                    let words = format!(
                        "{member} is there, and {viewer} holds {:?} since {since}",
                        held(world, viewer, member)
                    );
                    return Err(Broken::new([viewer, member], words));
                }
            }
        }
        Ok(())
    }
}

/// L, completeness: who has left or stopped is held dead by all, with time to settle (SWIM §2, strong completeness).
#[derive(Clone, Debug, Default)]
pub struct Completeness {
    healed: Healed,
    gone: BTreeMap<NodeId, Time>,
}

impl Property<Gossip> for Completeness {
    fn name(&self) -> String {
        "gossip/completeness".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn after_event(&mut self, world: &World<Gossip>) -> Verdict {
        self.healed.look(world);
        for &node in world.changed() {
            match world.process(node) {
                Some(member) if member.is_gone() => _ = self.gone.entry(node).or_insert(world.now()),
                // A crash may take back that it has gone.
                Some(_) => _ = self.gone.remove(&node),
                None => {}
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<Gossip>) -> Verdict {
        for (&gone, &since) in &self.gone {
            for viewer in there(world).filter(|_| self.healed.has_settled_since(world, since)) {
                let Some(held) = held(world, viewer, gone).filter(|held| held.state != State::Dead) else { continue };
                let words = format!("{gone} is gone since {since}, and {viewer} holds {held:?}");
                return Err(Broken::new([viewer, gone], words));
            }
        }
        Ok(())
    }
}

/// Where members are suspected first, a member declares dead only whom it has suspected in the same incarnation until then, and for
/// as long as a suspicion lasts at least (SWIM §4.2). The time is looked at where nothing has disturbed the member's clock.
#[derive(Clone, Debug, Default)]
pub struct SuspectedForLongEnough {
    holdings: Holdings,
    clocks: Clocks,
    /// Whom each member suspects in this life: the incarnation, and when that began.
    suspected: PerLife<BTreeMap<NodeId, Suspected>>,
}

#[derive(Clone, Copy, Debug)]
struct Suspected {
    incarnation: u64,
    since: Time,
}

impl Property<Gossip> for SuspectedForLongEnough {
    fn name(&self) -> String {
        "gossip/suspected_for_long_enough".into()
    }

    fn after_event(&mut self, world: &World<Gossip>) -> Verdict {
        let settings = world.config().member_settings();
        if !settings.detector.suspects() {
            return Ok(());
        }
        self.clocks.look(world);
        for held in self.holdings.changes(world) {
            let (viewer, Claim { member, incarnation, state, .. }) = (held.viewer, held.now);
            let suspected = self.suspected.of(world, viewer);
            let known = suspected.remove(&member).filter(|known| known.incarnation == incarnation);
            if state == State::Suspect {
                let new = Suspected { incarnation, since: world.now() };
                suspected.insert(member, known.unwrap_or(new));
            }
            if !held.is_declared(world) {
                continue;
            }
            let Some(known) = known else {
                let words = format!("{viewer} declares {:?}, and held {:?}", held.now, held.before);
                return Err(Broken::new([viewer, member], words));
            };
            let lasted = world.now().since(known.since);
            if lasted < settings.shortest_suspicion() && self.clocks.ran_since(viewer, known.since) {
                let words = format!("{viewer} declares {:?}, whom it has suspected for {lasted} only", held.now);
                return Err(Broken::new([viewer, member], words));
            }
        }
        Ok(())
    }
}

/// Nobody declares a member dead that is up. Nobody promises it: what is slow cannot be told from what has crashed.
#[derive(Clone, Debug, Default)]
pub struct NobodyIsBuriedAlive(Holdings);

impl Property<Gossip> for NobodyIsBuriedAlive {
    fn name(&self) -> String {
        "gossip/nobody_is_buried_alive".into()
    }

    fn after_event(&mut self, world: &World<Gossip>) -> Verdict {
        if world.config().detector == Detector::None {
            return Ok(());
        }
        for held in self.0.changes(world) {
            let member = held.now.member;
            let is_up = world.process(member).is_some_and(|member| !member.is_gone());
            if held.is_declared(world) && is_up {
                let words = format!("{} declares {:?}, and {member} is up", held.viewer, held.now);
                return Err(Broken::new([held.viewer, member], words));
            }
        }
        Ok(())
    }
}
