//! What sets and counters settle on once all is delivered (Maelstrom's workloads broadcast, g-set, g-counter and
//! pn-counter): the last reads agree, contain all that was acknowledged, and nothing that was never asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use crate::checkers::consistency::{Anomaly, Outcome};

/// The most sums of unacknowledged additions that are told apart.
const SUMS: usize = 1 << 20;

/// A change of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<C> {
    /// The event of the change.
    pub event: usize,
    /// What was asked for.
    pub change: C,
    /// Whether it was acknowledged. Otherwise it may have happened or not; a change that failed is left out.
    pub acknowledged: bool,
}

/// A change of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfSet<T> {
    /// The item was added.
    Add(T),
    /// The item was removed.
    Remove(T),
}

/// Whether the last reads of a set agree on its items: all that were added and never removed, and none that was not
/// added. An item that was both added and removed may be in it or not.
pub fn set<T: Ord + Clone + Debug>(changes: &[Change<OfSet<T>>], reads: &[(usize, BTreeSet<T>)]) -> Outcome {
    let mut added: BTreeMap<&T, usize> = BTreeMap::new();
    let mut certain: BTreeMap<&T, usize> = BTreeMap::new();
    let mut removed: BTreeSet<&T> = BTreeSet::new();
    for Change { event, change, acknowledged } in changes {
        match change {
            OfSet::Add(item) => {
                added.insert(item, *event);
                if *acknowledged {
                    certain.insert(item, *event);
                }
            }
            OfSet::Remove(item) => {
                removed.insert(item);
            }
        }
    }
    for (event, items) in reads {
        let lost = certain.iter().find(|(item, _)| !items.contains(**item) && !removed.contains(**item));
        if let Some((item, add)) = lost {
            let words = format!("{item:?} was added, and in the end it is not read");
            return Outcome::Violation(Anomaly { pattern: "Lost", events: vec![*add, *event], words });
        }
        if let Some(item) = items.iter().find(|item| !added.contains_key(item)) {
            let words = format!("{item:?} is read in the end, and was never added");
            return Outcome::Violation(Anomaly { pattern: "NeverAdded", events: vec![*event], words });
        }
    }
    agree(reads)
}

/// Whether the last reads of a counter agree on its value: the sum of all acknowledged additions and any of the others.
/// Unknown if there are too many of those to tell.
pub fn counter(changes: &[Change<i64>], reads: &[(usize, i128)]) -> Outcome {
    let of = |acknowledged: bool| changes.iter().filter(move |change| change.acknowledged == acknowledged);
    let certain: i128 = of(true).map(|change| i128::from(change.change)).sum();
    let mut possible = BTreeSet::from([certain]);
    for change in of(false) {
        let more: Vec<i128> = possible.iter().map(|sum| sum + i128::from(change.change)).collect();
        possible.extend(more);
        if possible.len() > SUMS {
            return Outcome::Unknown("too many additions have no answer to tell which sums are possible".into());
        }
    }
    for (event, value) in reads {
        if !possible.contains(value) {
            let with = if possible.len() == 1 { "" } else { ", without those that have no answer" };
            let words = format!("{value} is read in the end, and the sum of all additions is {certain}{with}");
            return Outcome::Violation(Anomaly { pattern: "WrongSum", events: vec![*event], words });
        }
    }
    agree(reads)
}

fn agree<V: Eq + Debug>(reads: &[(usize, V)]) -> Outcome {
    let Some((first, value)) = reads.first() else {
        return Outcome::Holds;
    };
    let Some((event, other)) = reads.iter().find(|(_, other)| other != value) else {
        return Outcome::Holds;
    };
    let words = format!("in the end one read returns {value:?}, another {other:?}");
    Outcome::Violation(Anomaly { pattern: "Divergence", events: vec![*first, *event], words })
}
