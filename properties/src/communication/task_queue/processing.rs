//! What handlers did, against what the broker was told and what the ledger has: S7.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::task_queue::command::By;
use seedbed_models::communication::task_queue::ledger::LOG;
use seedbed_models::communication::task_queue::messages::Record;
use seedbed_models::communication::task_queue::model::{BROKER, LEDGER};
use seedbed_models::communication::task_queue::server::Event;
use seedbed_models::communication::task_queue::store::journal::{self, Fate};
use seedbed_models::communication::task_queue::task::{LeaseId, TaskId};
use seedbed_models::communication::task_queue::{Node, TaskQueue};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::task_queue::audit::Reader;

/// The new events of servers, with their nodes.
fn news<'w>(seen: &mut NewEntries, world: &'w World<TaskQueue>) -> Result<Vec<(NodeId, &'w Event)>, Broken> {
    let mut all = Vec::new();
    for &node in world.changed() {
        if let Some(server) = world.process(node).and_then(Node::server) {
            all.extend(seen.of(world, node, server.journal())?.iter().map(|event| (node, event)));
        }
    }
    Ok(all)
}

/// S7, at least once: a task is done or completed only when a handler has processed it under the lease that the mark names, or has
/// revoked it.
#[derive(Clone, Default)]
pub struct DoneWhenRun {
    seen: NewEntries,
    reader: Reader,
    processed: BTreeSet<(TaskId, LeaseId)>,
}

impl Property<TaskQueue> for DoneWhenRun {
    fn name(&self) -> String {
        "task_queue/done_when_run".into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        for (_, event) in news(&mut self.seen, world)? {
            if let Event::Processed { id, lease, .. } | Event::Revoked(id, lease) = *event {
                self.processed.insert((id, lease));
            }
        }
        let Some((entries, _)) = self.reader.news(world) else { return Ok(()) };
        for entry in entries {
            let journal::Event::Finished { id, lease, fate: Fate::Done | Fate::Completed(_), .. } = entry.event else {
                continue;
            };
            if !self.processed.contains(&(id, lease)) {
                return Err(Broken::new(
                    [BROKER],
                    format!("{id:?} is done, and nobody has processed it under {lease:?}"),
                ));
            }
        }
        Ok(())
    }
}

/// A failure is counted as a retry, and an error that is none is not; a lost worker is a failure.
#[derive(Clone, Default)]
pub struct FailuresAreCounted {
    seen: NewEntries,
    reader: Reader,
    failed: BTreeMap<(TaskId, LeaseId), bool>,
}

impl Property<TaskQueue> for FailuresAreCounted {
    fn name(&self) -> String {
        "task_queue/failures_are_counted".into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        for (_, event) in news(&mut self.seen, world)? {
            if let Event::Failed { id, lease, counts } = *event {
                self.failed.insert((id, lease), counts);
            }
        }
        let Some((entries, _)) = self.reader.news(world) else { return Ok(()) };
        for entry in entries {
            let journal::Event::Finished { id, lease, by, fate: Fate::Retried { counted, .. } } = entry.event else {
                continue;
            };
            let counts = if by == By::Recoverer { Some(true) } else { self.failed.get(&(id, lease)).copied() };
            if counts != Some(counted) {
                let words = format!("{id:?} is retried, counted: {counted}, after what is a failure: {counts:?}");
                return Err(Broken::new([BROKER], words));
            }
        }
        Ok(())
    }
}

/// A handler that has processed its task has done so before the timeout and the deadline, by its server's clock.
#[derive(Clone, Default)]
pub struct HandlersEndInTime(NewEntries);

impl Property<TaskQueue> for HandlersEndInTime {
    fn name(&self) -> String {
        "task_queue/handlers_end_in_time".into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        for (node, event) in news(&mut self.0, world)? {
            let Event::Processed { id, at, deadline, .. } = *event else { continue };
            if at >= deadline {
                return Err(Broken::new([node], format!("{id:?} is processed at {at}, and had time until {deadline}")));
            }
        }
        Ok(())
    }
}

/// S7, with an idempotency key: a task, or a member of an aggregated one, has its effect once, however often it is processed.
#[derive(Clone, Default)]
pub struct EffectOnce {
    life: u32,
    seen: usize,
    had: BTreeSet<TaskId>,
}

impl Property<TaskQueue> for EffectOnce {
    fn name(&self) -> String {
        "task_queue/effect_once".into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        if !world.config().idempotency_keys || !world.changed().contains(&LEDGER) {
            return Ok(());
        }
        let Some(ledger) = world.process(LEDGER).and_then(Node::ledger) else { return Ok(()) };
        let life = world.life(LEDGER);
        if std::mem::replace(&mut self.life, life) != life {
            (self.seen, self.had) = (0, BTreeSet::new());
        }
        let effects = &ledger.effects()[self.seen..];
        self.seen += effects.len();
        for key in effects {
            if !self.had.insert(key.task()) {
                return Err(Broken::new(
                    [LEDGER],
                    format!("{:?} has its effect a second time, as {key:?}", key.task()),
                ));
            }
        }
        Ok(())
    }
}

/// A task that was processed has had its effect, for good: it is on the ledger's disk.
#[derive(Clone, Default)]
pub struct ProcessedHasItsEffect(NewEntries);

impl Property<TaskQueue> for ProcessedHasItsEffect {
    fn name(&self) -> String {
        "task_queue/processed_has_its_effect".into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        for (node, event) in news(&mut self.0, world)? {
            let Event::Processed { id, .. } = *event else { continue };
            let is_of_it = |record: &Record| match record {
                Record::Effects(execution, keys) => execution.task == id || keys.iter().any(|key| key.task() == id),
                Record::Started | Record::Script(..) => false,
            };
            // The effects of an aggregated task are those of its members, which it may have from an earlier execution.
            let is_aggregated = matches!(id, TaskId::Aggregated(_));
            if !is_aggregated && !world.log(LEDGER, LOG).any(is_of_it) {
                return Err(Broken::new(
                    [node, LEDGER],
                    format!("{id:?} is processed, and the ledger has no effect of it"),
                ));
            }
        }
        Ok(())
    }
}

/// A task is processed once. Nobody promises that: where a lease has expired, who had it may go on.
///
/// It is violated where a worker goes on when a recoverer has ended its lease, and its task is processed by it and by another.
#[derive(Clone, Default)]
pub struct ProcessedOnce {
    seen: NewEntries,
    reader: Reader,
    /// The leases of each task since it was last enqueued.
    leases: BTreeMap<TaskId, BTreeSet<LeaseId>>,
    recovered: BTreeSet<LeaseId>,
    /// Who has processed a task under this lease, and whether that was after it had been ended.
    processed: BTreeMap<LeaseId, (NodeId, bool)>,
}

impl Property<TaskQueue> for ProcessedOnce {
    fn name(&self) -> String {
        "task_queue/processed_once".into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        if let Some((entries, anew)) = self.reader.news(world) {
            if anew {
                self.leases.clear();
            }
            for entry in entries {
                match entry.event {
                    journal::Event::Entered { ref task, .. } => drop(self.leases.insert(task.id, BTreeSet::new())),
                    journal::Event::Dequeued { id, lease, .. } => _ = self.leases.entry(id).or_default().insert(lease),
                    journal::Event::Finished { lease, by: By::Recoverer, .. } => _ = self.recovered.insert(lease),
                    _ => {}
                }
            }
        }
        for (node, event) in news(&mut self.seen, world)? {
            let Event::Processed { id, lease, .. } = *event else { continue };
            let is_late = self.recovered.contains(&lease);
            self.processed.insert(lease, (node, is_late));
            let others = self.leases.get(&id).filter(|leases| leases.contains(&lease)).into_iter().flatten();
            for other in others.filter(|other| **other != lease) {
                let Some((first, was_late)) = self.processed.get(other).filter(|(first, _)| *first != node) else {
                    continue;
                };
                if is_late || *was_late {
                    let words = format!("{node} processes {id:?} under {lease:?}, and {first} has under {other:?}");
                    return Err(Broken::new([*first, node], words));
                }
            }
        }
        Ok(())
    }
}
