//! What clients know: a task that is enqueued is kept.

use std::collections::BTreeSet;

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::messages::{Op, Ret, task_id};
use seedbed_models::communication::task_queue::model::BROKER;
use seedbed_models::communication::task_queue::store::journal::Event;
use seedbed_models::communication::task_queue::task::TaskId;
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::communication::task_queue::audit::{Reader, store};

/// A task of which a client knows that it is enqueued was so, also when the broker has crashed since: what became of it afterwards is
/// in the journal too.
#[derive(Clone, Default)]
pub struct EnqueuedIsKept {
    reader: Reader,
    entered: BTreeSet<TaskId>,
}

impl Property<TaskQueue> for EnqueuedIsKept {
    fn name(&self) -> String {
        "task_queue/enqueued_is_kept".into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        if let Some((entries, anew)) = self.reader.news(world) {
            if anew {
                self.entered.clear();
            }
            for entry in entries {
                if let Event::Entered { task, .. } = &entry.event {
                    self.entered.insert(task.id);
                }
            }
        }
        if store(world).is_none() {
            return Ok(());
        }
        for invocation in world.history().invocations() {
            let (Op::Enqueue(_), Some(Ret::Enqueued)) = (invocation.op, invocation.returned()) else { continue };
            let id = task_id(invocation.id, 0);
            if !self.entered.contains(&id) {
                let words =
                    format!("{} was told that {id:?} is enqueued, and the broker does not know", invocation.client);
                return Err(Broken::new([BROKER, invocation.client], words));
            }
        }
        Ok(())
    }
}
