//! Histories of sessions, and who read from whom.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::relation::Relation;

/// One access of a session to a register. The events of a session are in session order where they stand in a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event<K, V> {
    /// Whose it is.
    pub session: u64,
    /// What it is.
    pub access: Access<K, V>,
    /// When it was invoked, in any unit; only models with real time look at this.
    pub invoked: u64,
    /// When it returned; nothing: it never did.
    pub returned: Option<u64>,
}

/// A read or a write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<K, V> {
    /// This key was set to this value.
    Write(K, V),
    /// This key held this value; nothing: it had never been written.
    Read(K, Option<V>),
}

impl<K, V> Access<K, V> {
    /// The key.
    pub fn key(&self) -> &K {
        match self {
            Access::Write(key, _) | Access::Read(key, _) => key,
        }
    }
}

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The name of the bad pattern, as the paper has it.
    pub pattern: &'static str,
    /// The events of the pattern: places in the history.
    pub events: Vec<usize>,
    /// What happened, in words.
    pub words: String,
}

/// Whether a history obeys a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It does.
    Holds,
    /// It does not.
    Violation(Anomaly),
    /// It cannot be told, for this reason.
    Unknown(String),
}

impl Outcome {
    /// Whether the history was found to obey the model.
    pub fn holds(&self) -> bool {
        matches!(self, Outcome::Holds)
    }
}

impl From<Result<(), Anomaly>> for Outcome {
    fn from(result: Result<(), Anomaly>) -> Self {
        result.map_or_else(Outcome::Violation, |()| Outcome::Holds)
    }
}

/// A history with the write of each read. Only events that had an effect: reads that returned, and writes that returned
/// or were read.
pub(super) struct ReadsFrom {
    /// Places in the history.
    pub(super) events: Vec<usize>,
    pub(super) session: Vec<u64>,
    /// Keys, numbered.
    pub(super) key: Vec<usize>,
    /// What each event is.
    pub(super) role: Vec<Role>,
}

/// An event without its value. Numbers are places in [`ReadsFrom`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Write,
    /// A read of this write.
    Read(usize),
    /// A read of what was there before all writes.
    ReadInitial,
}

impl ReadsFrom {
    /// Finds the writes; the error is the outcome that is then known.
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

    /// The session order, as its steps from each event to the next of its session.
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

    /// An anomaly among these events.
    pub(super) fn anomaly(&self, pattern: &'static str, events: &[usize], words: impl Into<String>) -> Anomaly {
        Anomaly { pattern, events: events.iter().map(|&n| self.events[n]).collect(), words: words.into() }
    }
}
