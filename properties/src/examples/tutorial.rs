//! What must be true of the tally.

use seedbed_models::examples::tutorial::Tutorial;
use seedbed_sim::{AtEnd, NodeId, Suite, Verdict, World};

/// The model with its property.
pub fn suite() -> Suite<Tutorial> {
    let suite = Suite::new(Tutorial::default());
    suite.property(AtEnd::new("tutorial/tally_is_exact", tally_is_exact))
}

/// Every addition is counted once: at the end, when all are done, the tally is their number.
fn tally_is_exact(world: &World<Tutorial>) -> Verdict {
    let Some(server) = world.process(NodeId(0)) else { return Ok(()) };
    let asked = world.history().invocations().len() as u64;
    if server.tally == asked {
        return Ok(());
    }
    Err(format!("{asked} additions were asked for, the tally is {}", server.tally).into())
}
