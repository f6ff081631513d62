//! Leaflet: the tally never goes back while its server lives, and never runs ahead of what was asked for. Say here what must
//! be true, and which paper and section says so.
//!
//! **Catches** a request that is counted twice, at the event that does it. **Does not see** one that is never counted.

use seedbed_models::examples::tutorial::Tutorial;
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

/// See above. Checked after each event, so it looks at the nodes that have changed and remembers what it saw before.
#[derive(Clone, Debug, Default)]
pub struct Leaflet {
    /// The last tally of each node, in this life: a crash drops what is volatile.
    last: PerLife<u64>,
}

impl Leaflet {
    fn look(&mut self, world: &World<Tutorial>, node: NodeId) -> Verdict {
        let Some(process) = world.process(node) else { return Ok(()) };
        let tally = process.tally;
        let before = std::mem::replace(self.last.of(world, node), tally);
        if tally < before {
            return Err(Broken::new([node], format!("the tally went from {before} back to {tally}")));
        }
        let asked = world.history().invocations().len() as u64;
        if tally > asked {
            let message = format!("{asked} additions were asked for so far, the tally is {tally}");
            return Err(Broken::new([node], message));
        }
        Ok(())
    }
}

impl Property<Tutorial> for Leaflet {
    fn name(&self) -> String {
        "tutorial/leaflet".into()
    }

    fn after_event(&mut self, world: &World<Tutorial>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }
}
