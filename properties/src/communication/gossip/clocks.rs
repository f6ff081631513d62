//! Since when the clocks of nodes run undisturbed.

use seedbed_models::communication::gossip::Gossip;
use seedbed_sim::{NodeId, Time, World};

/// How far each clock is from true time, and since when. To be looked at after each event, for a clock may be put forward and back
/// while its node stands still.
#[derive(Clone, Debug, Default)]
pub struct Clocks(Vec<Option<Running>>);

#[derive(Clone, Copy, Debug)]
struct Running {
    ahead: i128,
    since: Time,
}

impl Clocks {
    /// Looks at all clocks.
    pub fn look(&mut self, world: &World<Gossip>) {
        let now = world.now();
        for node in world.present() {
            if self.0.len() <= node.index() {
                self.0.resize(node.index() + 1, None);
            }
            let ahead = i128::from(world.clock(node).0) - i128::from(now.0);
            let known = &mut self.0[node.index()];
            if known.is_none_or(|known| known.ahead != ahead) {
                *known = Some(Running { ahead, since: now });
            }
        }
    }

    /// Whether nothing has disturbed the clock of a node since this instant.
    pub fn ran_since(&self, node: NodeId, instant: Time) -> bool {
        self.0.get(node.index()).copied().flatten().is_some_and(|known| known.since <= instant)
    }
}
