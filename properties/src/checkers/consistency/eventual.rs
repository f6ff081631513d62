//! Eventual consistency (Vogels, "Eventually consistent", 2009) and strong eventual consistency (Shapiro and others,
//! "Conflict-free replicated data types", 2011): of histories of reads and writes ([`eventual`]), and of replicas whose
//! states can be seen ([`StrongConvergence`] at every instant, [`Convergence`] at the end).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::history::{Access, Anomaly, Event, Outcome};
use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// Whether all reads of a key that were invoked at `quiet` or later returned the same value, which was written. The
/// caller must choose a `quiet` after which there are no writes and every write was delivered everywhere.
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

/// The state of a replica at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation<U, S> {
    /// The replica that was observed.
    pub replica: u64,
    /// The updates that it had applied, in any order.
    pub updates: BTreeSet<U>,
    /// Its state after them.
    pub state: S,
}

/// Whether replicas that had applied the same updates were in the same state: [`StrongConvergence`] for a list.
pub fn strong_eventual<U: Ord + Clone + Debug, S: PartialEq + Clone + Debug>(
    observations: &[Observation<U, S>],
) -> Outcome {
    let mut judge = StrongConvergence::default();
    for (n, Observation { replica, updates, state }) in observations.iter().enumerate() {
        let replica = Place { replica: *replica, n };
        let seen = Seen { replica, delivered: updates.clone(), state: state.clone() };
        if let Err(Refusal { nodes, words, .. }) = judge.observe(seen) {
            let events = nodes.into_iter().map(|place| place.n).collect();
            return Outcome::Violation(Anomaly { pattern: "Divergence", events, words });
        }
    }
    Outcome::Holds
}

/// A replica, with the index of an observation of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    replica: u64,
    n: usize,
}

impl Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.replica)
    }
}

impl Id for Place {}

/// The present updates and state of a replica. May be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen<N, D, S> {
    /// The replica that was observed.
    pub replica: N,
    /// The updates delivered to it, as a set or as something equivalent, such as a version vector.
    pub delivered: D,
    /// Its state, or the part of it that queries return.
    pub state: S,
}

/// Strong eventual consistency at every instant: `D_i = D_j ⇒ s_i = s_j`, also between different times.
///
/// ```
/// use seedbed_properties::checkers::consistency::eventual::{Seen, StrongConvergence};
/// use seedbed_properties::checkers::judge::Judge;
///
/// let seen = |replica, delivered: [u64; 2], state| Seen { replica, delivered, state };
/// let same = [seen('a', [1, 0], "x"), seen('b', [0, 1], "y"), seen('b', [1, 1], "xy"), seen('a', [1, 1], "xy")];
/// assert!(StrongConvergence::default().judge(same).is_ok());
/// let refusal = StrongConvergence::default().judge([seen('a', [1, 1], "xy"), seen('b', [1, 1], "yx")]).unwrap_err();
/// assert_eq!(
///     refusal.to_string(),
///     r#"strong convergence: replicas 'a' and 'b' have applied [1, 1], and hold "xy" and "yx""#
/// );
/// ```
#[derive(Clone, Debug)]
pub struct StrongConvergence<N, D, S> {
    known: BTreeMap<D, (N, S)>,
}

impl<N: Id, D: Name, S: PartialEq + Clone + Debug> Judge for StrongConvergence<N, D, S> {
    type Event = Seen<N, D, S>;
    type Node = N;

    fn observe(&mut self, Seen { replica, delivered, state }: Seen<N, D, S>) -> Ruling<N> {
        match self.known.get(&delivered) {
            Some((_, known)) if *known == state => Ok(()),
            Some((other, known)) => {
                let words = format!("replicas {other:?} and {replica:?} have applied {delivered:?}");
                let words = format!("{words}, and hold {known:?} and {state:?}");
                Err(Refusal::new("strong convergence", [other.clone(), replica], words))
            }
            None => {
                self.known.insert(delivered, (replica, state));
                Ok(())
            }
        }
    }
}

/// Convergence at the end, when every update had time to arrive: all correct replicas are in the same state. Their
/// delivered updates are not compared. Liveness.
#[derive(Clone, Debug)]
pub struct Convergence<N, D, S> {
    last: BTreeMap<N, (D, S)>,
}

impl<N: Id, D: Debug, S: PartialEq + Debug> Judge for Convergence<N, D, S> {
    type Event = Seen<N, D, S>;
    type Node = N;

    fn observe(&mut self, Seen { replica, delivered, state }: Seen<N, D, S>) -> Ruling<N> {
        self.last.insert(replica, (delivered, state));
        Ok(())
    }

    fn finish(&mut self, obliged: &dyn Fn(&N) -> bool) -> Ruling<N> {
        let mut replicas = self.last.iter().filter(|(replica, _)| obliged(replica));
        let Some((first, (had, state))) = replicas.next() else {
            return Ok(());
        };
        let Some((other, (has, differs))) = replicas.find(|(_, (_, other))| other != state) else {
            return Ok(());
        };
        let words = format!(
            "in the end {first:?} holds {state:?} and {other:?} {differs:?}; they have applied {had:?} and {has:?}"
        );
        Err(Refusal::new("convergence", [first.clone(), other.clone()], words))
    }

    fn is_liveness(&self) -> bool {
        true
    }
}

impl<N, D, S> Default for StrongConvergence<N, D, S> {
    fn default() -> Self {
        StrongConvergence { known: BTreeMap::new() }
    }
}

impl<N, D, S> Default for Convergence<N, D, S> {
    fn default() -> Self {
        Convergence { last: BTreeMap::new() }
    }
}
