//! L: every task ends completed or archived; ticks come.

use std::collections::BTreeSet;

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::cron::{SLOT, begin_of};
use seedbed_models::communication::task_queue::model::{BROKER, LEDGER};
use seedbed_models::communication::task_queue::store::journal::Event;
use seedbed_models::communication::task_queue::task::{EntryId, State, TaskId};
use seedbed_sim::{Broken, NodeId, Property, Span, Verdict, World};

use crate::communication::task_queue::audit::store;

/// Tasks may have to wait for long, where messages and disks take long: each attempt that is lost is recovered when its lease has
/// expired, and of many tasks one server does a dozen in a second, where its broker has a slow disk.
const PATIENCE: Span = Span::secs(60);
/// How long after the faults schedulers may need to have a session again.
const SETTLED_AFTER: Span = Span::ms(200);

/// L: when the faults have ended, every task is done or archived in the end, but for those of paused queues, and those whose time is
/// yet to come.
#[derive(Clone, Copy, Default)]
pub struct AllEnd;

impl Property<TaskQueue> for AllEnd {
    fn name(&self) -> String {
        "task_queue/all_end".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn patience(&self) -> Span {
        PATIENCE
    }

    fn at_end(&mut self, world: &World<TaskQueue>) -> Verdict {
        let up = |node: u16| world.process(NodeId(node)).is_some();
        let is_possible = up(LEDGER.0) && world.config().server_ids().any(up);
        let Some(store) = store(world).filter(|_| is_possible) else { return Ok(()) };
        let now = world.clock(BROKER);
        for (id, stored) in store.tasks() {
            let queue = store.queues().get(&stored.task.queue);
            let is_paused = queue.is_some_and(|queue| queue.paused);
            let waits = queue.is_some_and(|queue| queue.scheduled.iter().any(|(due, other)| other == id && *due > now));
            let ends = match stored.state {
                State::Completed | State::Archived => true,
                State::Pending => is_paused,
                State::Scheduled => waits,
                // In Asynq a group that is reclaimed waits for another task of it.
                State::Aggregating => !world.config().is_guarded(),
                State::Active | State::Retry => false,
            };
            if !ends {
                return Err(Broken::new([BROKER], format!("{id:?} is {:?} in the end", stored.state)));
            }
        }
        Ok(())
    }
}

/// L: ticks after the faults are enqueued, while a scheduler is up.
#[derive(Clone, Copy, Default)]
pub struct TicksCome;

impl Property<TaskQueue> for TicksCome {
    fn name(&self) -> String {
        "task_queue/ticks_come".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn patience(&self) -> Span {
        PATIENCE
    }

    fn at_end(&mut self, world: &World<TaskQueue>) -> Verdict {
        let model = world.config();
        let up = |node: u16| world.process(NodeId(node)).is_some();
        let Some(store) = store(world).filter(|_| model.scheduler_ids().any(up)) else { return Ok(()) };
        let enqueued: BTreeSet<TaskId> = store
            .journal()
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Entered { task, .. } => Some(task.id),
                _ => None,
            })
            .collect();
        let ticks: BTreeSet<(EntryId, u64)> = enqueued
            .iter()
            .filter_map(|id| match id {
                TaskId::Tick(tick) | TaskId::Own(_, tick) => Some((tick.entry, tick.slot)),
                TaskId::Op(..) | TaskId::Aggregated(_) => None,
            })
            .collect();
        let from = (world.scenario().phases.heal_at() + SETTLED_AFTER).0 / SLOT.0 + 1;
        for (entry, schedule) in (0..).map(EntryId).zip(&model.cron) {
            let due = (from..).take_while(|slot| begin_of(*slot) < model.ticks_until());
            if let Some(missing) =
                due.filter(|slot| schedule.fires(*slot)).find(|slot| !ticks.contains(&(entry, *slot)))
            {
                return Err(Broken::new([BROKER], format!("{entry:?} was not enqueued at {}", begin_of(missing))));
            }
        }
        Ok(())
    }
}
