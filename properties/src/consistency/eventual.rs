//! Eventual consistency (Vogels, "Eventually consistent", 2009) and strong eventual consistency (Shapiro and others,
//! "Conflict-free replicated data types", 2011).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::history::{Access, Anomaly, Event, Outcome};

/// Whether all reads of a key that were invoked at `quiet` or later returned the same, and something that was written.
/// It is for the caller to choose a `quiet` after which there are no writes and everything was delivered.
pub fn eventual<K: Ord + Debug, V: Ord + Debug>(history: &[Event<K, V>], quiet: u64) -> Outcome {
    let mut agreed: BTreeMap<&K, (usize, &Option<V>)> = BTreeMap::new();
    for (n, event) in history.iter().enumerate() {
        let Access::Read(key, value) = &event.access else {
            continue;
        };
        if event.invoked < quiet || event.returned.is_none() {
            continue;
        }
        let writes = || {
            history.iter().filter_map(|event| match &event.access {
                Access::Write(k, v) if k == key => Some((v, event.returned.is_some())),
                _ => None,
            })
        };
        let possible = match value {
            Some(value) => writes().any(|(v, _)| v == value),
            None => !writes().any(|(_, completed)| completed),
        };
        if !possible {
            let words = format!("{key:?} settled on {value:?}, which nobody wrote");
            return Outcome::Violation(Anomaly { pattern: "LostConvergence", events: vec![n], words });
        }
        let &mut (first, other) = agreed.entry(key).or_insert((n, value));
        if other != value {
            let words = format!("after {quiet}, {key:?} still reads as {other:?} and as {value:?}");
            return Outcome::Violation(Anomaly { pattern: "Divergence", events: vec![first, n], words });
        }
    }
    Outcome::Holds
}

/// A replica, seen at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation<U, S> {
    /// Whose it is.
    pub replica: u64,
    /// The updates it had applied, in whatever order.
    pub updates: BTreeSet<U>,
    /// Its state.
    pub state: S,
}

/// Whether replicas that had applied the same updates were in the same state.
pub fn strong_eventual<U: Ord + Debug, S: PartialEq + Debug>(observations: &[Observation<U, S>]) -> Outcome {
    let mut known: BTreeMap<&BTreeSet<U>, usize> = BTreeMap::new();
    for (n, here) in observations.iter().enumerate() {
        let first = *known.entry(&here.updates).or_insert(n);
        let there = &observations[first];
        if there.state != here.state {
            let (a, b) = (there.replica, here.replica);
            let words = format!("replicas {a} and {b} have applied {:?}", here.updates);
            let words = format!("{words}, and hold {:?} and {:?}", there.state, here.state);
            return Outcome::Violation(Anomaly { pattern: "Divergence", events: vec![first, n], words });
        }
    }
    Outcome::Holds
}
