//! Clients are told what was performed.

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::controller::Access;
use seedbed_models::caching::coherence::core::{Core, Performed};
use seedbed_models::caching::coherence::messages::{Data, Op, Ret};
use seedbed_sim::{AtEnd, Broken, NodeId, Property, Verdict, World};

/// The accesses that a core has performed for its clients are, in program order, those that they asked for, and what a client
/// was told is what was read. The other properties judge what the caches have performed, so without this one a core could
/// tell its clients anything. It is asked at the end, because a store of a TSO core is performed after it was answered; and
/// answers stay what they are.
pub fn answered_as_performed() -> impl Property<Coherence> + Clone + Send + Sync {
    AtEnd::new("coherence/answered_as_performed", |world: &World<Coherence>| {
        let cores = world.processes().filter_map(|(node, process)| Some((node, process.inner().core()?)));
        cores.into_iter().try_for_each(|(node, core)| judge(world, node, core))
    })
}

fn judge(world: &World<Coherence>, node: NodeId, core: &Core) -> Verdict {
    let first = world.config().first_client_block();
    let mut performed: Vec<&Performed> = core.performed().iter().filter(|done| done.block.0 >= first).collect();
    performed.sort_by_key(|done| done.index);
    let asked = world.history().invocations().iter().filter(|asked| asked.client == node);
    let accesses = asked.filter_map(|asked| Some((asked, access(asked.op)?)));
    for ((asked, (block, access)), done) in accesses.zip(performed) {
        let told = asked.returned().and_then(|ret| match ret {
            Ret::Read(data) => Some(*data),
            Ret::Done => None,
        });
        let as_asked = (done.block.0, done.access) == (block + first, access);
        if as_asked && told.is_none_or(|told: Data| told == done.before) {
            continue;
        }
        let message = format!(
            "{node} was asked for {:?} and has answered {:?}; it has performed {:?} of {}, which held {}",
            asked.op,
            asked.returned(),
            done.access,
            done.block,
            done.before
        );
        return Err(Broken::new([node], message));
    }
    Ok(())
}

/// The block that an operation accesses, as clients count them, and how.
fn access(op: Op) -> Option<(u8, Access)> {
    match op {
        Op::Load(block) => Some((block.0, Access::Load)),
        Op::Store(block, data) => Some((block.0, Access::Store(data))),
        Op::Swap(block, data) => Some((block.0, Access::Swap(data))),
        Op::Fence | Op::Fetch(_) | Op::FetchOwned(_) | Op::Evict(_) => None,
    }
}
