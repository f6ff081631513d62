//! L: every update reaches every replica.

use std::collections::BTreeMap;

use seedbed_models::replication::crdt::clock::ReplicaId;
use seedbed_models::replication::crdt::ghost::Updates;
use seedbed_models::replication::crdt::{Crdt, Ret, Style};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use super::execution::Execution;
use super::running;
use super::specification::allows;

/// L, judged at the end, when every update had time to arrive: every replica is a member; all have and show the same
/// updates; and these include every update that a client was told is made, unless the replica that made it has lost its
/// disk.
///
/// A state may have the effect of an update without a trace of it, such as of the second addition of an item to a
/// grow-only set; so in those styles the shown values count.
#[derive(Clone, Debug, Default)]
pub struct Reaches {
    execution: Execution,
    /// By node: its name at the last look.
    named: PerLife<Option<ReplicaId>>,
    /// The later names that replicas have taken.
    renamed: BTreeMap<ReplicaId, ReplicaId>,
}

impl Reaches {
    fn look(&mut self, world: &World<Crdt>, node: NodeId) -> Verdict {
        let id = world.process(node).and_then(|replica| replica.id());
        if id.is_some()
            && let Some(before) = std::mem::replace(self.named.of(world, node), id)
            && let Some(later) = id.filter(|id| *id != before)
        {
            self.renamed.insert(before, later);
        }
        self.execution.look(world, node).map(|_| ())
    }

    /// What a replica is called in the end.
    fn last_name(&self, mut id: ReplicaId) -> ReplicaId {
        while let Some(later) = self.renamed.get(&id) {
            id = *later;
        }
        id
    }
}

impl Property<Crdt> for Reaches {
    fn name(&self) -> String {
        "crdt/updates_reach_all".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }

    fn at_end(&mut self, world: &World<Crdt>) -> Verdict {
        let mut all = Updates::default();
        world.processes().for_each(|(_, replica)| all.join(&replica.ghost().seen));
        let mut shown = None;
        for (node, replica) in world.processes() {
            if !replica.is_member() {
                return Err(Broken::new([node], format!("{node} is still not a member")));
            }
            let (seen, value) = (&replica.ghost().seen, replica.value());
            if world.config().style == Style::Operation && *seen != all {
                return Err(Broken::new([node], format!("{node} has seen {seen:?}, all have together {all:?}")));
            }
            if let Err(must) = allows(running(world), &self.execution, &all, &value) {
                let words = format!("all have seen {all:?}, {node} has {seen:?} and shows {value:?}, not {must}");
                return Err(Broken::new([node], words));
            }
            let (first, same) = shown.get_or_insert((node, value.clone()));
            if *same != value {
                return Err(Broken::new([*first, node], format!("{first} shows {same:?}, {node} {value:?}")));
            }
        }
        for invocation in world.history().invocations() {
            if invocation.returned() != Some(&Ret::Made) || all.contains(invocation.id) {
                continue;
            }
            let author = self.execution.get(invocation.id).map(|event| self.last_name(event.stamp.dot.replica));
            let still = world.process(invocation.client).and_then(|replica| replica.id());
            if author == still {
                let (op, node) = (&invocation.op, invocation.client);
                return Err(Broken::new([node], format!("{op:?}, made by {author:?}, is nowhere")));
            }
        }
        Ok(())
    }
}
