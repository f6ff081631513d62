//! What clients know: a task that is enqueued is kept.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::messages::{Op, Ret, task_id};
use seedbed_models::communication::task_queue::model::BROKER;
use seedbed_models::communication::task_queue::store::journal::Event;
use seedbed_models::communication::task_queue::task::TaskId;
use seedbed_sim::{Broken, OpId, Property, Verdict, World};

use crate::communication::task_queue::audit::{Reader, store};

/// A task of which a client knows that it is enqueued was so, also when the broker has crashed since: what became of it afterwards is
/// in the journal too.
#[derive(Clone, Default)]
pub struct EnqueuedIsKept {
    reader: Reader,
    entered: BTreeSet<TaskId>,
    /// The operations of which clients know, and their tasks.
    known: BTreeMap<OpId, Vec<TaskId>>,
}

impl EnqueuedIsKept {
    /// Reads the journal; says whether it is that of another life of the broker.
    fn read(&mut self, world: &World<TaskQueue>) -> bool {
        let Some((entries, anew)) = self.reader.news(world) else { return false };
        if anew {
            self.entered.clear();
        }
        for entry in entries {
            if let Event::Entered { task, .. } = &entry.event {
                self.entered.insert(task.id);
            }
        }
        anew
    }

    /// The operations of which a client has learnt since.
    fn learnt(&mut self, world: &World<TaskQueue>) -> Vec<OpId> {
        let mut new = Vec::new();
        for invocation in world.history().invocations() {
            if invocation.returned() != Some(&Ret::Enqueued) || self.known.contains_key(&invocation.id) {
                continue;
            }
            let count = match invocation.op {
                Op::Enqueue(_) => 1,
                Op::EnqueueBatch(count) => count,
                _ => 0,
            };
            self.known.insert(invocation.id, (0..count).map(|index| task_id(invocation.id, index)).collect());
            new.push(invocation.id);
        }
        new
    }
}

impl Property<TaskQueue> for EnqueuedIsKept {
    fn name(&self) -> String {
        "task_queue/enqueued_is_kept".into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        let anew = self.read(world);
        let learnt = self.learnt(world);
        // Where the broker is down, all of it is looked at when it is up again.
        if store(world).is_none() {
            return Ok(());
        }
        let asked: Vec<OpId> = if anew { self.known.keys().copied().collect() } else { learnt };
        for op in asked {
            if let Some(id) = self.known[&op].iter().find(|id| !self.entered.contains(id)) {
                let words = format!("{id:?} was said to be enqueued, and the broker does not know of it");
                return Err(Broken::new([BROKER], words));
            }
        }
        Ok(())
    }
}
