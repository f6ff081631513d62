//! Histories of sessions, with the write that each read returned.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::relation::Relation;

/// An access of a session to a register. Events of a session are listed in session order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event<K, V> {
    /// The session that made it.
    pub session: u64,
    /// The read or write with its value.
    pub access: Access<K, V>,
    /// When it was invoked, in any unit; only models with real time look at this.
    pub invoked: u64,
    /// When it returned; `None` if it never did.
    pub returned: Option<u64>,
}

/// A read or a write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<K, V> {
    /// The key was set to this value.
    Write(K, V),
    /// The key held this value; `None` if it had never been written.
    Read(K, Option<V>),
}

impl<K, V> Access<K, V> {
    /// The key that is read or written.
    pub fn key(&self) -> &K {
        match self {
            Access::Write(key, _) | Access::Read(key, _) => key,
        }
    }
}

/// An anomaly of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The name of the bad pattern in the paper.
    pub pattern: &'static str,
    /// The events of the pattern, by index in the history.
    pub events: Vec<usize>,
    /// The anomaly in words.
    pub words: String,
}

/// The verdict on a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The history satisfies the model.
    Holds,
    /// The history violates the model.
    Violation(Anomaly),
    /// The verdict is not known, for this reason.
    Unknown(String),
}

impl Outcome {
    /// Whether the verdict is [`Outcome::Holds`].
    pub fn holds(&self) -> bool {
        matches!(self, Outcome::Holds)
    }
}

impl From<Result<(), Anomaly>> for Outcome {
    fn from(result: Result<(), Anomaly>) -> Self {
        result.map_or_else(Outcome::Violation, |()| Outcome::Holds)
    }
}

/// A history with the write of each read. It contains only events with an effect: reads that returned, and writes that
/// returned or were read.
pub(super) struct ReadsFrom {
    /// The indices of its events in the history.
    pub(super) events: Vec<usize>,
    pub(super) session: Vec<u64>,
    /// By event: the number of its key.
    pub(super) key: Vec<usize>,
    /// By event: a write, or a read with its write.
    pub(super) role: Vec<Role>,
}

/// An event without its value. Numbers are indices in [`ReadsFrom`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Write,
    /// A read that returned this write.
    Read(usize),
    /// A read that returned the initial value.
    ReadInitial,
}

impl ReadsFrom {
    /// Finds the write of each read. The error is the verdict, if that is known without further checks.
    pub(super) fn new<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(
        history: &[Event<K, V>],
    ) -> Result<Self, Outcome> {
        let mut read: BTreeMap<(&K, &V), ()> = BTreeMap::new();
        for event in history.iter().filter(|event| event.returned.is_some()) {
            if let Access::Read(key, Some(v)) = &event.access {
                read.insert((key, v), ());
            }
        }
        let happened = |event: &Event<K, V>| match &event.access {
            Access::Read(..) => event.returned.is_some(),
            Access::Write(key, v) => event.returned.is_some() || read.contains_key(&(key, v)),
        };
        let events: Vec<usize> = (0..history.len()).filter(|&n| happened(&history[n])).collect();
        let mut writes: BTreeMap<(&K, &V), usize> = BTreeMap::new();
        let mut keys: BTreeMap<&K, usize> = BTreeMap::new();
        for (at, &n) in events.iter().enumerate() {
            let count = keys.len();
            keys.entry(history[n].access.key()).or_insert(count);
            if let Access::Write(key, v) = &history[n].access
                && writes.insert((key, v), at).is_some()
            {
                return Err(Outcome::Unknown(format!("{v:?} was written twice to {key:?}: let writes be unique")));
            }
        }
        let mut role = Vec::with_capacity(events.len());
        for &n in &events {
            role.push(match &history[n].access {
                Access::Write(..) => Role::Write,
                Access::Read(_, None) => Role::ReadInitial,
                Access::Read(key, Some(v)) => match writes.get(&(key, v)) {
                    Some(&write) => Role::Read(write),
                    None => {
                        let words = format!("{v:?} was read from {key:?}, and nobody ever wrote it");
                        return Err(Outcome::Violation(Anomaly { pattern: "ThinAirRead", events: vec![n], words }));
                    }
                },
            });
        }
        let key = events.iter().map(|&n| keys[history[n].access.key()]).collect();
        let session = events.iter().map(|&n| history[n].session).collect();
        Ok(ReadsFrom { events, session, key, role })
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|&n| self.role[n] == Role::Write)
    }

    /// The session order, as pairs of an event and the next of its session.
    pub(super) fn steps(&self) -> Vec<(usize, usize)> {
        let mut last: BTreeMap<u64, usize> = BTreeMap::new();
        let mut steps = Vec::new();
        for (n, &session) in self.session.iter().enumerate() {
            steps.extend(last.insert(session, n).map(|before| (before, n)));
        }
        steps
    }

    /// The session order.
    pub(super) fn session_order(&self) -> Relation {
        let mut order = Relation::new(self.len());
        self.steps().into_iter().for_each(|(a, b)| order.add(a, b));
        order.close();
        order
    }

    /// The causal order: session order and reads-from, closed (Bouajjani 2017, section 2).
    pub(super) fn causal_order(&self) -> Relation {
        let mut order = Relation::new(self.len());
        self.steps().into_iter().for_each(|(a, b)| order.add(a, b));
        for (n, role) in self.role.iter().enumerate() {
            if let Role::Read(write) = role {
                order.add(*write, n);
            }
        }
        order.close();
        order
    }

    /// An anomaly of these events.
    pub(super) fn anomaly(&self, pattern: &'static str, events: &[usize], words: impl Into<String>) -> Anomaly {
        Anomaly { pattern, events: events.iter().map(|&n| self.events[n]).collect(), words: words.into() }
    }
}
