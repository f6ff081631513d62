//! The grid of an atlas: rows of components and their configurations, columns of fault classes and pairs.

use std::collections::BTreeSet;

use seedbed_sim::FaultClass;

use crate::component::{Component, Options};
use crate::program;
use crate::shard::record::Planned;

/// A row: a component as sweeps run it, or one of its configurations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The model's name.
    pub model: &'static str,
    /// The name of the configuration; `None` for the component with all its variants, one for each seed.
    pub configuration: Option<&'static str>,
    /// The fields of the configuration that differ from the usual one.
    pub with: &'static [(&'static str, &'static str)],
}

impl Row {
    /// The component with all of its variants.
    pub fn component(component: &Component) -> Self {
        Row { model: component.info().name, configuration: None, with: &[] }
    }

    /// Its name in files: `model` or `model.configuration`.
    pub fn file_name(&self) -> String {
        let plain = |name: &str| -> String {
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
        };
        match self.configuration {
            None => self.model.to_string(),
            Some(configuration) => format!("{}.{}", self.model, plain(configuration)),
        }
    }

    /// Its title in pages.
    pub fn title(&self) -> String {
        match self.configuration {
            None => self.model.to_string(),
            Some(configuration) => format!("{}, {configuration}", self.model),
        }
    }

    /// The command that reproduces one seed of a cell.
    pub fn reproduce(&self, classes: &[FaultClass], seed: u64) -> String {
        format!("{} run {}{} --seed {seed}", program::name(), self.model, Planned::from(&self.options(classes)))
    }

    /// The options that run it under exactly these classes.
    pub fn options(&self, classes: &[FaultClass]) -> Options {
        let with = self.with.iter().map(|(path, value)| (path.to_string(), value.to_string()));
        Options {
            faults: Some(classes.iter().copied().collect()),
            every: true,
            with: with.collect(),
            ..Options::default()
        }
    }
}

/// The model, the name of a configuration, and the fields that differ from the default.
type Configuration = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The configurations that users choose between, by fields of the configuration in traces.
#[rustfmt::skip]
const CONFIGURATIONS: &[Configuration] = &[
    ("crdt", "AW set, by state", &[("kind", "aw_set"), ("style", "state")]),
    ("crdt", "AW set, by delta", &[("kind", "aw_set"), ("style", "delta")]),
    ("crdt", "AW set, by operation", &[("kind", "aw_set"), ("style", "operation")]),
    ("crdt", "AW set, by operation, forgetting", &[("kind", "aw_set"), ("style", "operation"), ("forgets", "true")]),
    ("crdt", "OR set", &[("kind", "or_set")]),
    ("crdt", "RW set", &[("kind", "rw_set")]),
    ("crdt", "2P set", &[("kind", "two_phase_set")]),
    ("crdt", "G set", &[("kind", "g_set")]),
    ("crdt", "LWW set", &[("kind", "lww_set")]),
    ("crdt", "LWW register", &[("kind", "lww_register")]),
    ("crdt", "MV register", &[("kind", "mv_register")]),
    ("crdt", "G counter", &[("kind", "g_counter")]),
    ("crdt", "PN counter", &[("kind", "pn_counter")]),
    ("crdt", "bounded counter", &[("kind", "bounded_counter")]),
    ("crdt", "OR map", &[("kind", "or_map")]),
    ("crdt", "LWW map", &[("kind", "lww_map")]),
    ("crdt", "RGA, by state", &[("kind", "rga"), ("style", "state")]),
    ("crdt", "RGA, by operation", &[("kind", "rga"), ("style", "operation")]),
    ("crdt", "JSON document", &[("kind", "json")]),
    ("two_phase_commit", "basic", &[("settings.presumption", "nothing")]),
    ("two_phase_commit", "presumed abort", &[("settings.presumption", "abort")]),
    ("two_phase_commit", "presumed commit", &[("settings.presumption", "commit")]),
    ("saga", "orchestrated", &[("settings.coordination", "orchestrated")]),
    ("saga", "choreographed", &[("settings.coordination", "choreographed")]),
    ("outbox", "polling", &[("relay", "polling")]),
    ("outbox", "log tailing", &[("relay", "tailing")]),
    ("outbox", "half messages", &[("relay", "transactional")]),
    ("mvcc", "snapshot isolation", &[("isolation", "snapshot"), ("relied_on", "snapshot")]),
    ("mvcc", "write-snapshot isolation", &[("isolation", "write_snapshot"), ("relied_on", "write_snapshot")]),
    ("mvcc", "serializable", &[("isolation", "serializable"), ("relied_on", "serializable")]),
    ("lock", "Redis, tokens", &[("kind", "redis")]),
    ("lock", "Redis, lease alone", &[("kind", "redis"), ("fencing", "false")]),
    ("lock", "Redis failover, tokens", &[("kind", "redis_failover")]),
    ("lock", "Redis failover, lease alone", &[("kind", "redis_failover"), ("fencing", "false")]),
    ("lock", "Redlock, tokens", &[("kind", "redlock")]),
    ("lock", "Redlock, lease alone", &[("kind", "redlock"), ("fencing", "false")]),
    ("lock", "Raft, tokens", &[("kind", "raft"), ("lease.ttl", "450ms")]),
    ("lock", "Raft, lease alone", &[("kind", "raft"), ("lease.ttl", "450ms"), ("fencing", "false")]),
    ("lock", "Suzuki–Kasami", &[("kind", "suzuki_kasami")]),
    ("lock", "Ricart–Agrawala", &[("kind", "ricart_agrawala")]),
    ("lock", "Maekawa", &[("kind", "maekawa")]),
];

/// The configurations of a model that have a row of their own.
pub fn configurations(model: &'static str) -> Vec<Row> {
    let of_model = CONFIGURATIONS.iter().filter(|(name, ..)| *name == model);
    of_model.map(|&(model, name, with)| Row { model, configuration: Some(name), with }).collect()
}

/// The columns with one class, and the column without faults, in order.
pub fn singles() -> Vec<Vec<FaultClass>> {
    let ones = FaultClass::ALL.into_iter().map(|class| vec![class]);
    std::iter::once(Vec::new()).chain(ones).collect()
}

/// The relevant pairs: one class creates a window of vulnerability to the other.
///
/// - A node is unavailable (crash, pause) × the network keeps messages from it or from the rest (loss, partition).
/// - A node restarts (crash) × its disk has lost unsynced writes (disk).
/// - A wrong clock (skew) × what a timeout can mistake for it: silence (partition), a pause (pause).
/// - A duplicated message (dup) × a late one (reorder).
///
/// `wipe` and `byzantine` are in no pair, because no component declares to tolerate them together with another class. A
/// pair is measured only if each of its classes has an effect on the component and does not break it alone, because a
/// class that breaks it also does so in a pair.
pub fn pairs() -> Vec<Vec<FaultClass>> {
    use FaultClass::{Crash, Disk, Dup, Loss, Partition, Pause, Reorder, Skew};
    let away = [Crash, Pause];
    let silence = [Loss, Partition];
    let gone = away.into_iter().flat_map(|away| silence.into_iter().map(move |silence| vec![silence, away]));
    let rest = [[Crash, Disk], [Partition, Skew], [Pause, Skew], [Dup, Reorder]];
    gone.chain(rest.map(Vec::from)).collect()
}

/// The name of a column: its classes, joined by `+`; `none` for none.
pub fn name(classes: &[FaultClass]) -> String {
    match classes {
        [] => "none".to_string(),
        classes => classes.iter().map(|class| class.name()).collect::<Vec<_>>().join("+"),
    }
}

/// Whether these are the same classes, in any order.
pub fn same(a: &[FaultClass], b: &[FaultClass]) -> bool {
    let set = |classes: &[FaultClass]| classes.iter().copied().collect::<BTreeSet<_>>();
    set(a) == set(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::measure::sample::samples;
    use crate::registry;

    #[test]
    fn every_configuration_is_one_that_its_model_can_have() {
        for &(model, name, with) in CONFIGURATIONS {
            let component = registry::find(model).expect("the model is there");
            let row = Row { model, configuration: Some(name), with };
            let prepared = component.prepare(&row.options(&[])).expect("it can be run so");
            let sample = samples(prepared.campaign(), 0..1, &|| true).expect("it can be run so");
            assert_eq!(sample.len(), 1, "{model}: {name}");
        }
    }

    #[test]
    fn rows_and_columns_have_names_of_their_own() {
        let rows: BTreeSet<_> = registry::all()
            .iter()
            .flat_map(|component| configurations(component.info().name))
            .map(|row| row.file_name())
            .collect();
        assert_eq!(rows.len(), CONFIGURATIONS.len());
        let columns: BTreeSet<_> = singles().iter().chain(&pairs()).map(|classes| name(classes)).collect();
        assert_eq!(columns.len(), singles().len() + pairs().len());
    }
}
