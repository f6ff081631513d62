//! S2, S3, S7, and last-writer-wins: the values that replicas show, at every instant.

use std::collections::BTreeMap;

use seedbed_models::replication::crdt::ghost::Updates;
use seedbed_models::replication::crdt::model::CLOCK_ERROR;
use seedbed_models::replication::crdt::vocabulary::{Item, Key};
use seedbed_models::replication::crdt::{Crdt, Kind, Value};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Time, Verdict, World};

use super::execution::Execution;
use super::running;
use super::specification::{allows, counts, shown, written};
use crate::checkers::consistency::eventual::{Seen, StrongConvergence};
use crate::checkers::judge::{Judge, NewEntries};

/// S2, strong eventual consistency: replicas with the same updates show the same value (Shapiro and others 2011).
#[derive(Clone, Debug, Default)]
pub struct Converges {
    judge: StrongConvergence<NodeId, Updates, Value>,
    new_entries: NewEntries,
    /// Whether a node was looked at in this life: what it has recovered counts, before it does anything.
    looked_at: PerLife<bool>,
}

impl Property<Crdt> for Converges {
    fn name(&self) -> String {
        "crdt/strong_convergence".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        for &node in world.changed() {
            let Some(replica) = world.process(node) else { continue };
            let is_back = !std::mem::replace(self.looked_at.of(world, node), true);
            if is_back || !self.new_entries.of(world, node, &replica.ghost().journal)?.is_empty() {
                let delivered = replica.ghost().seen.clone();
                self.judge.observe(Seen { replica: node, delivered, state: replica.value() })?;
            }
        }
        Ok(())
    }
}

/// S3: a replica shows a value that the type's specification allows for the updates that it has seen ([`allows`]).
#[derive(Clone, Debug, Default)]
pub struct Specified {
    execution: Execution,
    /// Whether a node was looked at in this life: what it has recovered counts, before it does anything.
    looked_at: PerLife<bool>,
}

impl Property<Crdt> for Specified {
    fn name(&self) -> String {
        "crdt/specification".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        for &node in world.changed() {
            let has_changed = self.execution.look(world, node)?.is_some();
            let Some(replica) = world.process(node) else { continue };
            let is_back = !std::mem::replace(self.looked_at.of(world, node), true);
            if !has_changed && !is_back {
                continue;
            }
            let (seen, value) = (&replica.ghost().seen, replica.value());
            if let Err(must) = allows(running(world), &self.execution, seen, &value) {
                let words = format!("{node} has seen {seen:?} and shows {value:?}; it must show {must}");
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}

/// S7: a bounded counter is never negative, at any replica, and for all updates of all replicas together (Balegas and
/// others 2015).
#[derive(Clone, Debug, Default)]
pub struct NeverBelowBound {
    execution: Execution,
    seen: BTreeMap<NodeId, Updates>,
}

impl Property<Crdt> for NeverBelowBound {
    fn name(&self) -> String {
        "crdt/never_below_bound".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        if world.config().kind != Kind::BoundedCounter {
            return Ok(());
        }
        for &node in world.changed() {
            let Some(replica) = world.process(node) else { continue };
            let changed = self.execution.look(world, node)?.is_some();
            self.seen.insert(node, replica.ghost().seen.clone());
            if !changed {
                continue;
            }
            if let Value::Number(shown) = replica.value()
                && shown < 0
            {
                return Err(Broken::new([node], format!("{node} shows {shown}")));
            }
            let mut all = Updates::default();
            self.seen.values().for_each(|seen| all.join(seen));
            let sum: i64 = self.execution.of(&all).map(|(_, event)| counts(&event.update)).sum();
            if sum < 0 {
                return Err(format!("all updates that some replica has come to {sum} together").into());
            }
        }
        Ok(())
    }
}

/// The winning write is the last by the world's time, if writes are further apart than clocks can differ: what is shown under a
/// key (of a register, which has one, of a set or a map) was written there, and not longer before the last known write of that
/// key than two clocks can differ.
#[derive(Clone, Debug, Default)]
pub struct LastWriterWins {
    execution: Execution,
}

impl Property<Crdt> for LastWriterWins {
    fn name(&self) -> String {
        "crdt/last_writer_wins".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        let Crdt { kind, resolution, .. } = world.config();
        if !kind.is_last_writer_wins() {
            return Ok(());
        }
        let apart = CLOCK_ERROR * 2 + *resolution;
        for &node in world.changed() {
            let Some(changed) = self.execution.look(world, node)? else { continue };
            let mut shown = shown(*kind, &changed.replica.value());
            let mut writes: BTreeMap<Key, Vec<(Time, Option<Item>)>> = BTreeMap::new();
            for (_, event) in self.execution.of(&changed.replica.ghost().seen) {
                let Some((key, item)) = written(&event.update) else { continue };
                writes.entry(key).or_default().push((event.at, item));
            }
            for (key, writes) in writes {
                let (shows, last) = (shown.remove(&key), writes.iter().map(|(at, _)| *at).max().unwrap_or_default());
                if !writes.iter().any(|(at, item)| *item == shows && last.since(*at) <= apart) {
                    let words = format!(
                        "{node} shows {shows:?} under {key}; written there were, by the world's time, {writes:?}"
                    );
                    return Err(Broken::new([node], words));
                }
            }
            if let Some((key, item)) = shown.first_key_value() {
                return Err(Broken::new([node], format!("{node} shows {item} under {key}, where nobody has written")));
            }
        }
        Ok(())
    }
}
