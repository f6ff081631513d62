//! Leaflet: the tally never goes back while its server lives, and never runs ahead of what was asked for. Say here what must
//! be true, and which paper and section says so.
//!
//! **Catches** a request that is counted twice, at the event that does it. **Does not see** one that is never counted.

use std::collections::BTreeMap;

use seedbed_models::examples::tutorial::Tutorial;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

/// See above. Checked after each event, so it looks at the node that has changed and remembers what it saw before.
#[derive(Clone, Debug, Default)]
pub struct Leaflet {
    /// The last tally of each node, in each of its lives: a crash drops what is volatile.
    last: BTreeMap<(NodeId, u32), u64>,
}

impl Property<Tutorial> for Leaflet {
    fn name(&self) -> String {
        "tutorial/leaflet".into()
    }

    fn after_event(&mut self, world: &World<Tutorial>) -> Verdict {
        let Some(node) = world.changed() else { return Ok(()) };
        let Some(process) = world.process(node) else { return Ok(()) };
        let tally = process.tally;
        let before = self.last.insert((node, world.life(node)), tally).unwrap_or(0);
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
