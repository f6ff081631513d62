//! S2, S3, S7, and last-writer-wins: the values that replicas show, at every instant.

use std::collections::BTreeMap;

use seedbed_models::replication::crdt::ghost::Updates;
use seedbed_models::replication::crdt::model::CLOCK_ERROR;
use seedbed_models::replication::crdt::{Crdt, Kind, Value};
use seedbed_sim::{Broken, NodeId, Property, Span, Verdict, World};

use super::execution::Execution;
use super::running;
use super::specification::{allows, counts};
use crate::checkers::consistency::eventual::{Seen, StrongConvergence};
use crate::checkers::judge::{Judge, NewEntries};

/// S2, strong eventual consistency: replicas with the same updates show the same value (Shapiro and others 2011).
#[derive(Clone, Debug, Default)]
pub struct Converges {
    judge: StrongConvergence<NodeId, Updates, Value>,
    new_entries: NewEntries,
}

impl Property<Crdt> for Converges {
    fn name(&self) -> String {
        "crdt/strong_convergence".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        for &node in world.changed() {
            let Some(replica) = world.process(node) else { continue };
            if !self.new_entries.of(world, node, &replica.ghost().journal)?.is_empty() {
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
}

impl Property<Crdt> for Specified {
    fn name(&self) -> String {
        "crdt/specification".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        for &node in world.changed() {
            let Some(changed) = self.execution.look(world, node)? else { continue };
            let (seen, value) = (&changed.replica.ghost().seen, changed.replica.value());
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

/// The winning write is the last by the world's time, if writes are further apart than clocks can differ: a register's
/// value was not written longer before another known write than two clocks can differ.
#[derive(Clone, Debug, Default)]
pub struct LastWriterWins {
    execution: Execution,
}

impl Property<Crdt> for LastWriterWins {
    fn name(&self) -> String {
        "crdt/last_writer_wins".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        if world.config().kind != Kind::LwwRegister {
            return Ok(());
        }
        let apart = CLOCK_ERROR * 2 + world.config().resolution;
        for &node in world.changed() {
            let Some(changed) = self.execution.look(world, node)? else { continue };
            let seen = &changed.replica.ghost().seen;
            let wins = self.execution.of(seen).max_by_key(|(_, event)| event.stamp.time);
            let last = self.execution.of(seen).max_by_key(|(_, event)| event.at);
            let (Some((_, wins)), Some((_, last))) = (wins, last) else { continue };
            if last.at.since(wins.at) > apart {
                let (late, early): (Span, _) = (last.at.since(wins.at), &wins.update);
                let words = format!("{node} shows {early:?} and has {:?}, written {late} later", last.update);
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}
