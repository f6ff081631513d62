//! Journals on disk, read as they are written, and rules for their entries.

use seedbed_sim::{Broken, File, Model, NodeId, PerLife, Process, Property, Verdict, World};

/// The type of a model's records.
type RecordOf<M> = <<M as Model>::Process as Process>::Record;

/// The journal entries `E` on the disk of each node. Entries that a crash lost are not among them; entries that are not
/// yet synced are.
pub struct Journals<M: Model, E> {
    file: File,
    entries: fn(&RecordOf<M>) -> &[E],
    nodes: PerLife<Read<E>>,
}

#[derive(Clone)]
struct Read<E> {
    records: usize,
    entries: Vec<E>,
}

impl<E> Default for Read<E> {
    fn default() -> Self {
        Read { records: 0, entries: Vec::new() }
    }
}

impl<M: Model, E: Clone> Clone for Journals<M, E> {
    fn clone(&self) -> Self {
        Journals { file: self.file, entries: self.entries, nodes: self.nodes.clone() }
    }
}

impl<M: Model, E: Clone> Journals<M, E> {
    /// Journals in this file of each node; `entries` returns those of a record.
    pub fn new(file: File, entries: fn(&RecordOf<M>) -> &[E]) -> Self {
        Journals { file, entries, nodes: PerLife::default() }
    }

    /// Reads the journals of all nodes of a world.
    pub fn of_world(mut self, world: &World<M>) -> Self {
        for node in world.present() {
            self.read(world, node);
        }
        self
    }

    /// Reads the new records of a node. Returns the number of entries that are known already; those behind them are
    /// new. After a crash all are new.
    pub fn read(&mut self, world: &World<M>, node: NodeId) -> usize {
        let read = self.nodes.of(world, node);
        if world.disk(node, self.file).len() < read.records {
            *read = Read::default();
        }
        let old = read.entries.len();
        for record in world.log(node, self.file).skip(read.records) {
            read.records += 1;
            read.entries.extend_from_slice((self.entries)(record));
        }
        old
    }

    /// The entries of a node that were read.
    pub fn of(&self, node: NodeId) -> &[E] {
        self.nodes.last(node).map_or(&[], |read| &read.entries)
    }

    /// All journals.
    pub fn all(&self) -> impl Iterator<Item = (NodeId, &[E])> {
        self.nodes.all().map(|(node, read)| (node, read.entries.as_slice()))
    }

    /// All entries of all journals.
    pub fn entries(&self) -> impl Iterator<Item = &E> {
        self.nodes.all().flat_map(|(_, read)| &read.entries)
    }
}

/// The error of a new entry, given all journals, its own journal up to and including it, and the entry.
pub type Rule<M, E> = fn(&Journals<M, E>, &[E], &E) -> Option<String>;

/// The property that a rule holds for every new entry.
pub struct JournalRule<M: Model, E> {
    name: &'static str,
    rule: Rule<M, E>,
    at_end: fn(&Journals<M, E>, &World<M>) -> Verdict,
    journals: Journals<M, E>,
}

impl<M: Model, E: Clone> Clone for JournalRule<M, E> {
    fn clone(&self) -> Self {
        JournalRule { journals: self.journals.clone(), ..*self }
    }
}

impl<M: Model, E: Clone> JournalRule<M, E> {
    /// A rule with this name, on these journals.
    pub fn new(name: &'static str, journals: Journals<M, E>, rule: Rule<M, E>) -> Self {
        JournalRule { name, rule, at_end: |_, _| Ok(()), journals }
    }

    /// Adds a check of the journals at the end.
    pub fn at_end(self, at_end: fn(&Journals<M, E>, &World<M>) -> Verdict) -> Self {
        JournalRule { at_end, ..self }
    }

    fn look(&mut self, world: &World<M>, node: NodeId) -> Verdict {
        let old = self.journals.read(world, node);
        let journal = self.journals.of(node);
        let wrong = (old..journal.len()).find_map(|at| (self.rule)(&self.journals, &journal[..=at], &journal[at]));
        wrong.map_or(Ok(()), |words| Err(Broken::new([node], words)))
    }
}

impl<M: Model, E: Clone> Property<M> for JournalRule<M, E> {
    fn name(&self) -> String {
        self.name.into()
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        world.present().try_for_each(|node| self.look(world, node))?;
        (self.at_end)(&self.journals, world)
    }
}
