//! Whom to look at after an event.

use seedbed_sim::{Model, NodeId, World};

/// The nodes whose states the last event may have changed: one, or, before anything is known and when the world heals and
/// several start in one event, all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    begun: bool,
    healed: bool,
}

impl Changes {
    /// Those of the event after which this is called; to be called after each.
    pub fn of<'w, M: Model>(&mut self, world: &'w World<M>) -> impl Iterator<Item = NodeId> + use<'w, M> {
        let all = !self.begun || world.healed() != self.healed;
        (self.begun, self.healed) = (true, world.healed());
        let everybody = all.then(|| world.present()).into_iter().flatten();
        everybody.chain(world.changed().filter(|_| !all))
    }
}
