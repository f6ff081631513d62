//! The abstract execution: the updates that were made, and those that each replica had seen when it made one
//! (Burckhardt, Gotsman, Yang and Zawirski, "Replicated Data Types: Specification, Verification, Optimality", POPL
//! 2014). It is read from clients' operations and from the ghost state of replicas, and does not rely on their dots,
//! vectors or sequence numbers.

use std::collections::BTreeMap;

use seedbed_models::replication::crdt::clock::Stamp;
use seedbed_models::replication::crdt::ghost::{Entry, Updates};
use seedbed_models::replication::crdt::types::rga::{Edit, Edits};
use seedbed_models::replication::crdt::vocabulary::ElementId;
use seedbed_models::replication::crdt::{Crdt, Op, Replica, Value};
use seedbed_sim::{Broken, NodeId, OpId, Time, World};

use crate::checkers::judge::NewEntries;

/// An update that was made.
#[derive(Clone, Debug)]
pub struct Event {
    /// The operation.
    pub update: Op,
    /// Its identity at its replica, with the time by the replica's clock.
    pub stamp: Stamp,
    /// The world's time at which it was made.
    pub at: Time,
    /// The updates that its replica had seen.
    pub sees: Updates,
    /// The elements that it deletes, for edits of sequences.
    pub deletes: Vec<ElementId>,
}

/// The updates so far.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    events: BTreeMap<OpId, Event>,
    new_entries: NewEntries,
    /// By node: the sequence at the last look.
    sequences: BTreeMap<NodeId, Vec<(ElementId, char)>>,
}

/// The changes of a replica.
pub struct Changed<'w> {
    /// Its present state.
    pub replica: &'w Replica,
    /// Its journal entries since the last look.
    pub entries: &'w [Entry],
    /// The sequence at the last look, if it has one.
    pub before: Vec<(ElementId, char)>,
}

impl Execution {
    /// Reads a node that may have changed. `None` if it is down or did nothing.
    ///
    /// # Errors
    /// If its journal has become shorter.
    pub fn look<'w>(&mut self, world: &'w World<Crdt>, node: NodeId) -> Result<Option<Changed<'w>>, Broken> {
        let Some(replica) = world.process(node) else {
            return Ok(None);
        };
        let entries = self.new_entries.of(world, node, &replica.ghost().journal)?;
        if entries.is_empty() {
            if replica.ghost().journal.is_empty() {
                self.sequences.insert(node, sequence(replica));
            }
            return Ok(None);
        }
        let before = self.sequences.insert(node, sequence(replica)).unwrap_or_default();
        for entry in entries {
            if let Entry::Made { op, update, stamp, sees } = entry {
                let deletes = deleted(update, &before);
                let event =
                    Event { update: update.clone(), stamp: *stamp, at: world.now(), sees: sees.clone(), deletes };
                self.events.insert(*op, event);
            }
        }
        Ok(Some(Changed { replica, entries, before }))
    }

    /// The made updates of a set: all of them, unless ghost state is wrong.
    pub fn of<'a>(&'a self, updates: &'a Updates) -> impl Iterator<Item = (OpId, &'a Event)> + Clone + 'a {
        self.events.iter().filter(|(op, _)| updates.contains(**op)).map(|(op, event)| (*op, event))
    }

    /// An update; `None` if it was not made.
    pub fn get(&self, op: OpId) -> Option<&Event> {
        self.events.get(&op)
    }

    /// The updates so far, by operation.
    pub fn events(&self) -> impl Iterator<Item = (OpId, &Event)> {
        self.events.iter().map(|(op, event)| (*op, event))
    }
}

fn sequence(replica: &Replica) -> Vec<(ElementId, char)> {
    if is_sequence(replica)
        && let Value::Sequence(elements) = replica.value()
    {
        elements
    } else {
        Vec::new()
    }
}

/// Whether reads of the replica return a sequence.
fn is_sequence(replica: &Replica) -> bool {
    use seedbed_models::replication::crdt::types::{Payload, State};
    match replica {
        Replica::State(replica) => matches!(replica.state(), State::Rga(_) | State::Text(_)),
        Replica::Delta(replica) => matches!(replica.state(), State::Rga(_) | State::Text(_)),
        Replica::Operation(replica) => matches!(replica.payload(), Payload::Rga(_) | Payload::Text(_)),
    }
}

/// The edit of a sequence in an update, if it is one.
pub fn edit(update: &Op) -> Option<Edit> {
    match update {
        Op::List(op) => Some(op.edit()),
        Op::Text(op) => Some(op.edit()),
        _ => None,
    }
}

/// The elements that an update deletes from this sequence.
fn deleted(update: &Op, sequence: &[(ElementId, char)]) -> Vec<ElementId> {
    match edit(update) {
        Some(Edit::Delete(at, count)) => {
            let at = at.min(sequence.len().saturating_sub(1));
            sequence.iter().skip(at).take(count).map(|(id, _)| *id).collect()
        }
        _ => Vec::new(),
    }
}
