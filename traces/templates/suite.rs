//! What must be true of sapling.

use seedbed_models::examples::sapling::Sapling;
use seedbed_sim::{AtEnd, NodeId, Suite, Verdict, World};

/// Sapling with its property.
pub fn suite() -> Suite<Sapling> {
    Suite::new(Sapling::default()).property(AtEnd::new("sapling/tally_is_exact", tally_is_exact))
}

/// Every addition is counted once: at the end, when all are done, the tally is their number.
fn tally_is_exact(world: &World<Sapling>) -> Verdict {
    let Some(server) = world.process(NodeId(0)) else { return Ok(()) };
    let asked = world.history().invocations().len() as u64;
    if server.tally == asked {
        return Ok(());
    }
    Err(format!("{asked} additions were asked for, the tally is {}", server.tally).into())
}
