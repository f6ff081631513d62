//! L: every request completes: no deadlock, no livelock, no starvation.

use std::collections::BTreeMap;

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::core::Core;
use seedbed_sim::{Broken, Model, NodeId, Property, Span, Time, Verdict, World};

/// The longest that a core may wait for its next access: time for hundreds of messages in sequence. Of many operations at once
/// some are still to come when the run ends, so it is asked how long they have waited, and not whether there are any.
const PATIENCE: Span = Span::secs(6);

/// At the end no core that has something to do has waited so long for an access of its program, its clients or its buffer; and if
/// all have been through for so long, no message waits, and no block is in a transient state.
#[derive(Clone, Debug, Default)]
pub struct RequestsComplete {
    /// Since when each core has had nothing to do, or has waited for its next access.
    cores: BTreeMap<NodeId, Since>,
}

#[derive(Clone, Copy, Debug)]
struct Since {
    is_done: bool,
    performed: usize,
    at: Time,
}

impl RequestsComplete {
    fn look(&mut self, node: NodeId, core: &Core, at: Time) {
        let now = Since { is_done: core.is_done(), performed: core.performed().len(), at };
        let known = self.cores.entry(node).or_insert(now);
        if (known.is_done, known.performed) != (now.is_done, now.performed) {
            *known = now;
        }
    }
}

impl Property<Coherence> for RequestsComplete {
    fn name(&self) -> String {
        "coherence/requests_complete".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn after_event(&mut self, world: &World<Coherence>) -> Verdict {
        for &node in world.changed() {
            if let Some(core) = world.process(node).and_then(|process| process.inner().core()) {
                self.look(node, core, world.now());
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<Coherence>) -> Verdict {
        // A shrunk scenario may lack the nodes that would answer.
        if world.present().count() < world.config().size() {
            return Ok(());
        }
        let is_long = |since: &Since| world.now().since(since.at) >= PATIENCE;
        for (node, process) in world.processes() {
            let inner = process.inner();
            let waits = |core: &&Core| !core.is_done() && self.cores.get(&node).is_none_or(is_long);
            let Some(core) = inner.core().filter(waits) else { continue };
            let message = match core.oldest_pending() {
                Some(pending) => {
                    let state = inner.cache().map(|cache| cache.table().state_name(cache.line(pending.block).state));
                    let (access, block, state) = (pending.access, pending.block, state.unwrap_or("nothing"));
                    format!("{node} waits for {access:?} {block}, which its cache has in {state}")
                }
                None => format!("{node} is not through with its program"),
            };
            return Err(Broken::new([node], message));
        }
        let are_through = self.cores.values().all(|since| since.is_done && is_long(since));
        if are_through { is_quiet(world) } else { Ok(()) }
    }
}

/// No message waits, and no block is in a transient state.
fn is_quiet(world: &World<Coherence>) -> Verdict {
    for (node, process) in world.processes() {
        let inner = process.inner();
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
}
