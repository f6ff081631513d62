//! L: every request completes: no deadlock, no livelock, no starvation.

use seedbed_models::caching::coherence::Coherence;
use seedbed_sim::{AtEnd, Broken, Model, Property, World};

/// At the end every core has finished its program, its clients' operations and the stores in its buffer; no message
/// waits, and no block is in a transient state. Runs continue for seconds after the last operation, time for a thousand
/// messages in sequence.
pub fn requests_complete() -> impl Property<Coherence> + Clone + Send + Sync {
    AtEnd::liveness("coherence/requests_complete", |world: &World<Coherence>| {
        // A shrunk scenario may lack the nodes that would answer.
        if world.present().count() < world.config().size() {
            return Ok(());
        }
        for (node, process) in world.processes() {
            let inner = process.inner();
            if let Some(core) = inner.core().filter(|core| !core.is_done()) {
                let message = match core.oldest_pending() {
                    Some(pending) => {
                        let state =
                            inner.cache().map(|cache| cache.table().state_name(cache.line(pending.block).state));
                        let (access, block, state) = (pending.access, pending.block, state.unwrap_or("nothing"));
                        format!("{node} waits for {access:?} {block}, which its cache has in {state}")
                    }
                    None => format!("{node} is not through with its program"),
                };
                return Err(Broken::new([node], message));
            }
            if let Some((from, message, _)) = inner.inbox().and_then(|inbox| inbox.waiting().next()) {
                return Err(Broken::new([node, from], format!("{message:?} from {from} still waits at {node}")));
            }
            for controller in inner.controllers() {
                if let Some((block, line)) = controller.lines().find(|(block, _)| controller.is_transient(*block)) {
                    let state = controller.table().state_name(line.state);
                    return Err(Broken::new([node], format!("{node} still has {block} in {state}")));
                }
            }
        }
        Ok(())
    })
}
