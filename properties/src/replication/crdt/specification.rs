//! The values that each data type must show, given the updates that its replica has seen, and those that each of them
//! had seen: the concurrent specifications (Burckhardt, Gotsman, Yang and Zawirski, POPL 2014; Shapiro and others,
//! INRIA report 7506). If every update has seen all earlier ones, they are the sequential specifications.
//!
//! All values are computed from the set of updates, independently of the state of an implementation.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::replication::crdt::ghost::Updates;
use seedbed_models::replication::crdt::types::rga::Edit;
use seedbed_models::replication::crdt::vocabulary::{
    CounterOp, ElementId, EntryOp, FlagOp, Item, Key, MapOp, Path, RegisterOp, SetOp, TreeOp,
};
use seedbed_models::replication::crdt::{Kind, Op, Value};
use seedbed_sim::OpId;

use super::execution::{Event, Execution, edit};

/// Whether a type may show this value after these updates.
///
/// # Errors
/// The value that it must show instead.
pub fn allows(kind: Kind, execution: &Execution, seen: &Updates, value: &Value) -> Result<(), String> {
    let seen = Seen { execution, seen };
    let must = match kind {
        Kind::GCounter | Kind::PnCounter | Kind::BoundedCounter | Kind::SummingCounter => seen.count(),
        Kind::GSet => Value::Items(seen.adds().map(|(_, _, item)| item).collect()),
        Kind::TwoPhaseSet => seen.two_phase_set(),
        Kind::OrSet | Kind::AwSet | Kind::RemoveByValue => seen.add_wins_set(),
        Kind::RwSet => seen.remove_wins_set(),
        Kind::MvRegister => seen.multi_value_register(),
        Kind::EwFlag => Value::Flag(seen.enablings().any(|enabling| !seen.later(enabling, is_disabling))),
        Kind::DwFlag => {
            let covered = |disabling| seen.later(disabling, |update| *update == Op::Flag(FlagOp::Enable));
            Value::Flag(seen.enablings().next().is_some() && seen.disablings().all(covered))
        }
        Kind::OrMap => seen.map_of_sets(),
        Kind::Json => seen.tree(),
        Kind::LwwRegister | Kind::LwwSet | Kind::LwwMap => return seen.last_writer_wins(kind, value),
        Kind::Rga | Kind::Text => return seen.sequence(value),
    };
    if *value == must { Ok(()) } else { Err(format!("{must:?}")) }
}

/// An update, and the value that it assigns to its key, for last-writer-wins types.
type Write<'a> = (OpId, &'a Event, Option<Item>);

/// The updates that a replica has seen.
struct Seen<'a> {
    execution: &'a Execution,
    seen: &'a Updates,
}

impl<'a> Seen<'a> {
    fn events(&self) -> impl Iterator<Item = (OpId, &'a Event)> + Clone + 'a {
        self.execution.of(self.seen)
    }

    /// Whether some update of this kind had seen `op`.
    fn later(&self, op: OpId, sort: impl Fn(&Op) -> bool) -> bool {
        self.events().any(|(_, event)| event.sees.contains(op) && sort(&event.update))
    }

    fn count(&self) -> Value {
        Value::Number(self.events().map(|(_, event)| counts(&event.update)).sum())
    }

    fn adds(&self) -> impl Iterator<Item = (OpId, &'a Event, Item)> + 'a {
        self.events().filter_map(|(op, event)| match event.update {
            Op::Set(SetOp::Add(item)) => Some((op, event, item)),
            _ => None,
        })
    }

    fn removals(&self) -> impl Iterator<Item = (OpId, Item)> + 'a {
        self.events().filter_map(|(op, event)| match event.update {
            Op::Set(SetOp::Remove(item)) => Some((op, item)),
            _ => None,
        })
    }

    /// Items that were added and never removed.
    fn two_phase_set(&self) -> Value {
        let removed: BTreeSet<Item> = self.removals().map(|(_, item)| item).collect();
        Value::Items(self.adds().map(|(_, _, item)| item).filter(|item| !removed.contains(item)).collect())
    }

    /// Items with an addition that no removal had seen.
    fn add_wins_set(&self) -> Value {
        let removes = |item| move |update: &Op| *update == Op::Set(SetOp::Remove(item));
        Value::Items(
            self.adds().filter(|(op, _, item)| !self.later(*op, removes(*item))).map(|(_, _, item)| item).collect(),
        )
    }

    /// Items whose removals were each seen by an addition.
    fn remove_wins_set(&self) -> Value {
        let adds = |item| move |update: &Op| *update == Op::Set(SetOp::Add(item));
        let removed: BTreeSet<Item> =
            self.removals().filter(|(op, item)| !self.later(*op, adds(*item))).map(|(_, item)| item).collect();
        Value::Items(self.adds().map(|(_, _, item)| item).filter(|item| !removed.contains(item)).collect())
    }

    /// Assigned values that no other assignment had seen.
    fn multi_value_register(&self) -> Value {
        let assigns = |update: &Op| matches!(update, Op::Register(_));
        let standing = self.events().filter(|(op, _)| !self.later(*op, assigns));
        Value::Items(standing.filter_map(|(_, event)| assigned(&event.update)).collect())
    }

    fn enablings(&self) -> impl Iterator<Item = OpId> + 'a {
        self.events().filter(|(_, event)| event.update == Op::Flag(FlagOp::Enable)).map(|(op, _)| op)
    }

    fn disablings(&self) -> impl Iterator<Item = OpId> + 'a {
        self.events().filter(|(_, event)| is_disabling(&event.update)).map(|(op, _)| op)
    }

    /// Items under a key with an addition that no removal of the item or the key had seen.
    fn map_of_sets(&self) -> Value {
        let mut map: BTreeMap<Key, BTreeSet<Item>> = BTreeMap::new();
        for (op, event) in self.events() {
            let Op::Map(MapOp::Add(key, item)) = event.update else { continue };
            let removes = [Op::Map(MapOp::Drop(key, item)), Op::Map(MapOp::Remove(key))];
            if !self.later(op, |update| removes.contains(update)) {
                map.entry(key).or_default().insert(item);
            }
        }
        Value::Keyed(map)
    }

    /// Assignments that no update at their place or above had seen.
    fn tree(&self) -> Value {
        let place = |update: &Op| match update {
            Op::Tree(TreeOp::Assign(path, _) | TreeOp::Delete(path)) => path.clone(),
            _ => Path::new(),
        };
        let mut leaves: BTreeMap<Path, BTreeSet<Item>> = BTreeMap::new();
        for (op, event) in self.events() {
            let Op::Tree(TreeOp::Assign(path, item)) = &event.update else { continue };
            if !self.later(op, |update| path.starts_with(&place(update))) {
                leaves.entry(path.clone()).or_default().insert(*item);
            }
        }
        Value::Tree(leaves)
    }

    /// The last write of each key, by the clocks of the writers; any of several at the same instant, because replicas
    /// only have to agree on one.
    fn last_writer_wins(&self, kind: Kind, value: &Value) -> Result<(), String> {
        let mut last: BTreeMap<Key, Vec<Write>> = BTreeMap::new();
        for (op, event) in self.events() {
            let Some((key, item)) = written(&event.update) else { continue };
            let last = last.entry(key).or_default();
            match last.first().map(|(_, other, _)| other.stamp.time.time.cmp(&event.stamp.time.time)) {
                Some(std::cmp::Ordering::Greater) => continue,
                Some(std::cmp::Ordering::Equal) => {}
                _ => last.clear(),
            }
            last.push((op, event, item));
        }
        let shown = shown(kind, value);
        for (key, last) in last {
            // A write is later than the updates that its writer had seen, whatever the clocks were.
            let overtaken = last
                .iter()
                .find(|(op, ..)| self.later(*op, |update| written(update).is_some_and(|(other, _)| other == key)));
            if let Some((op, ..)) = overtaken {
                return Err(format!("something else under {key} than {op:?}, which a later writer had seen"));
            }
            let shows = shown.get(&key).copied();
            if !last.iter().any(|(_, _, item)| *item == shows) {
                let allowed: Vec<_> = last.iter().map(|(_, _, item)| item).collect();
                return Err(format!("one of {allowed:?} under {key}"));
            }
        }
        Ok(())
    }

    /// The elements that were inserted and not deleted, each once. Their order is judged by [`super::sequence`].
    fn sequence(&self, value: &Value) -> Result<(), String> {
        let Value::Sequence(shown) = value else {
            return Err("a sequence".into());
        };
        let mut elements: BTreeMap<ElementId, char> = BTreeMap::new();
        for (_, event) in self.events() {
            elements.extend(inserted(event));
        }
        for (_, event) in self.events() {
            for deleted in &event.deletes {
                elements.remove(deleted);
            }
        }
        let shown: Vec<(ElementId, char)> = {
            let mut shown = shown.clone();
            shown.sort_unstable();
            shown
        };
        if shown.iter().copied().eq(elements.iter().map(|(id, what)| (*id, *what))) {
            Ok(())
        } else {
            Err(format!("in some order {:?}", elements.values().collect::<String>()))
        }
    }
}

fn is_disabling(update: &Op) -> bool {
    *update == Op::Flag(FlagOp::Disable)
}

/// The amount that an update adds to a counter.
pub fn counts(update: &Op) -> i64 {
    match update {
        Op::Counter(CounterOp::Increment(by)) => i64::from(*by),
        Op::Counter(CounterOp::Decrement(by)) => -i64::from(*by),
        _ => 0,
    }
}

fn assigned(update: &Op) -> Option<Item> {
    match update {
        Op::Register(RegisterOp::Assign(item)) => Some(*item),
        _ => None,
    }
}

/// The key and value that an update writes, for last-writer-wins types.
pub fn written(update: &Op) -> Option<(Key, Option<Item>)> {
    match *update {
        Op::Register(RegisterOp::Assign(item)) => Some((0, Some(item))),
        Op::Set(SetOp::Add(item)) => Some((item, Some(item))),
        Op::Set(SetOp::Remove(item)) => Some((item, None)),
        Op::Entry(EntryOp::Put(key, item)) => Some((key, Some(item))),
        Op::Entry(EntryOp::Remove(key)) => Some((key, None)),
        _ => None,
    }
}

/// The shown value of each key, for last-writer-wins types.
pub fn shown(kind: Kind, value: &Value) -> BTreeMap<Key, Item> {
    match (kind, value) {
        (Kind::LwwRegister, Value::Items(items)) => items.iter().map(|item| (0, *item)).collect(),
        (_, Value::Items(items)) => items.iter().map(|item| (*item, *item)).collect(),
        (_, Value::Keyed(map)) => map.iter().flat_map(|(key, items)| items.iter().map(|item| (*key, *item))).collect(),
        _ => BTreeMap::new(),
    }
}

/// The elements that an update inserts, in their order.
pub fn inserted(event: &Event) -> Vec<(ElementId, char)> {
    let Some(Edit::Insert(_, what)) = edit(&event.update) else {
        return Vec::new();
    };
    let id = |index| ElementId { time: event.stamp.time.time, dot: event.stamp.dot, index };
    what.into_iter().enumerate().map(|(n, what)| (id(n as u16), what)).collect()
}
