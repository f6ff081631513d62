//! The abstract execution: which updates were made, and what each replica had seen when it made one (Burckhardt,
//! Gotsman, Yang and Zawirski, "Replicated Data Types: Specification, Verification, Optimality", POPL 2014). It is read
//! from what clients asked and from the ghosts of replicas; no dot, vector or sequence number of theirs is believed.

use std::collections::BTreeMap;

use seedbed_models::replication::crdt::clock::Stamp;
use seedbed_models::replication::crdt::ghost::{Entry, Updates};
use seedbed_models::replication::crdt::types::rga::{Edit, Edits};
use seedbed_models::replication::crdt::vocabulary::ElementId;
use seedbed_models::replication::crdt::{Crdt, Op, Replica, Value};
use seedbed_sim::{Broken, NodeId, OpId, Time, World};

use crate::checkers::judge::News;

/// An update that was made.
#[derive(Clone, Debug)]
pub struct Event {
    /// What was asked.
    pub update: Op,
    /// What its replica calls it, and when by its clock it was made.
    pub stamp: Stamp,
    /// When it was made, in truth.
    pub at: Time,
    /// Which updates its replica had seen.
    pub sees: Updates,
    /// Of an edit that deletes: the elements that stood there.
    pub deletes: Vec<ElementId>,
}

/// All updates that were made so far.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    events: BTreeMap<OpId, Event>,
    news: News,
    /// Of each node, the sequence that stood there when it was last looked at.
    sequences: BTreeMap<NodeId, Vec<(ElementId, char)>>,
}

/// What has become of a replica.
pub struct Changed<'w> {
    /// The replica.
    pub replica: &'w Replica,
    /// What it did since it was last looked at.
    pub entries: &'w [Entry],
    /// The sequence that stood there before, if it is one.
    pub before: Vec<(ElementId, char)>,
}

impl Execution {
    /// Looks at a node that may have changed. Nothing, if it is down or did nothing.
    ///
    /// # Errors
    /// If its journal has shrunk.
    pub fn look<'w>(&mut self, world: &'w World<Crdt>, node: NodeId) -> Result<Option<Changed<'w>>, Broken> {
        let Some(replica) = world.process(node) else {
            return Ok(None);
        };
        let entries = self.news.of(world, node, &replica.ghost().journal)?;
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

    /// The updates of a set that were made. All are, unless a ghost is wrong.
    pub fn of<'a>(&'a self, updates: &'a Updates) -> impl Iterator<Item = (OpId, &'a Event)> + Clone + 'a {
        self.events.iter().filter(|(op, _)| updates.contains(**op)).map(|(op, event)| (*op, event))
    }

    /// An update.
    pub fn get(&self, op: OpId) -> Option<&Event> {
        self.events.get(&op)
    }

    /// All updates.
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

/// Whether reading the replica gives a sequence; without reading it.
fn is_sequence(replica: &Replica) -> bool {
    use seedbed_models::replication::crdt::types::{Payload, State};
    match replica {
        Replica::State(replica) => matches!(replica.state(), State::Rga(_) | State::Text(_)),
        Replica::Delta(replica) => matches!(replica.state(), State::Rga(_) | State::Text(_)),
        Replica::Operation(replica) => matches!(replica.payload(), Payload::Rga(_) | Payload::Text(_)),
    }
}

/// The change of a sequence that an update asks for.
pub fn edit(update: &Op) -> Option<Edit> {
    match update {
        Op::List(op) => Some(op.edit()),
        Op::Text(op) => Some(op.edit()),
        _ => None,
    }
}

/// The elements that an update takes out of this sequence.
fn deleted(update: &Op, sequence: &[(ElementId, char)]) -> Vec<ElementId> {
    match edit(update) {
        Some(Edit::Delete(at, count)) => {
            let at = at.min(sequence.len().saturating_sub(1));
            sequence.iter().skip(at).take(count).map(|(id, _)| *id).collect()
        }
        _ => Vec::new(),
    }
}
