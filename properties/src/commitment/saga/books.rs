//! What stands in the logs of the services, read as it is written.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::Saga;
use seedbed_models::transactions::saga::messages::Record;
use seedbed_models::transactions::saga::plan::{StepId, Steps};
use seedbed_models::transactions::saga::service::{Effect, Entry, Way};
use seedbed_sim::{File, NodeId, Stored, World};

/// The file of a service's journal, whoever drives its sagas.
const JOURNAL: File = File(0);

/// What all services together have done for one saga.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The `T_i` that took effect.
    pub executed: Steps,
    /// The `C_i` that are settled, with effect or without.
    pub compensated: Steps,
}

/// The journals of all services, on their disks: what a crash destroyed is not in them, what was done before it is.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Of each service: its life, and how many records were read in it.
    read: BTreeMap<NodeId, (u32, usize)>,
    entries: BTreeMap<NodeId, Vec<Entry>>,
    sagas: BTreeMap<TxId, Done>,
}

impl Books {
    /// The books of a whole world.
    pub fn of(world: &World<Saga>) -> Self {
        let mut books = Books::default();
        for node in world.present() {
            books.read(world, node);
        }
        books
    }

    /// Reads on in the journal of a node. Returns how many of its entries are known from before: the others are new. After
    /// a crash all are.
    pub(super) fn read(&mut self, world: &World<Saga>, node: NodeId) -> usize {
        let records = world.disk(node, JOURNAL);
        let (life, read) = self.read.get(&node).copied().unwrap_or_default();
        let again = life != world.life(node) || records.len() < read;
        let (from, old) = match again {
            true => (0, 0),
            false => (read, self.entries(node).len()),
        };
        if again {
            self.forget(node);
        }
        // What stands behind a torn record is not there for whoever recovers.
        let new: Vec<_> = records[from..].iter().cloned().map_while(Stored::good).collect();
        self.read.insert(node, (world.life(node), from + new.len()));
        for entry in new.iter().flat_map(Record::entries) {
            self.enter(node, entry.clone());
        }
        old
    }

    fn enter(&mut self, node: NodeId, entry: Entry) {
        let done = self.sagas.entry(entry.saga).or_default();
        match (entry.way, &entry.effect) {
            (Way::Execute, Effect::Done(_)) => done.executed.add(entry.step),
            (Way::Execute, _) => {}
            (Way::Compensate, _) => done.compensated.add(entry.step),
        }
        self.entries.entry(node).or_default().push(entry);
    }

    fn forget(&mut self, node: NodeId) {
        for entry in self.entries.remove(&node).unwrap_or_default() {
            let done = self.sagas.entry(entry.saga).or_default();
            let own = Steps::of([entry.step.0]);
            match entry.way {
                Way::Execute => done.executed = done.executed.without(own),
                Way::Compensate => done.compensated = done.compensated.without(own),
            }
        }
    }

    /// The journal of a service.
    pub fn entries(&self, node: NodeId) -> &[Entry] {
        self.entries.get(&node).map_or(&[], Vec::as_slice)
    }

    /// All journals.
    pub fn all(&self) -> impl Iterator<Item = (NodeId, &[Entry])> {
        self.entries.iter().map(|(node, entries)| (*node, entries.as_slice()))
    }

    /// What was done for a saga.
    pub fn done(&self, saga: TxId) -> Done {
        self.sagas.get(&saga).cloned().unwrap_or_default()
    }

    /// The sagas for which anything was done.
    pub fn sagas(&self) -> impl Iterator<Item = TxId> {
        self.sagas.keys().copied()
    }
}

/// Whether an entry is a `T_i` or a `C_i` that took effect.
pub(super) fn took_effect(entry: &Entry, saga: TxId, step: StepId, way: Way) -> bool {
    entry.saga == saga && entry.step == step && entry.way == way && matches!(entry.effect, Effect::Done(_))
}
