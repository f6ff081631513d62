//! What the checker says.

use std::fmt;

use super::draw;

/// Whether a history is linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is, in this order: places in the history. Pending operations without effect are left out.
    Linearizable(Vec<usize>),
    /// It is not.
    Violation(Box<Counterexample>),
    /// It could not be decided within the limits.
    Unknown(Unknown),
}

impl Verdict {
    /// Whether the history was found linearizable.
    pub fn is_linearizable(&self) -> bool {
        matches!(self, Verdict::Linearizable(_))
    }

    /// Why the history is not linearizable, if it was found so.
    pub fn violation(&self) -> Option<&Counterexample> {
        match self {
            Verdict::Violation(counterexample) => Some(counterexample),
            _ => None,
        }
    }
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The search took as many steps as it may.
    #[error("undecided after {limit} steps{}", if *.forgot { ", with too little memory for what was already tried" } else { "" })]
    Steps {
        /// The limit, [`Limits::steps`](super::Limits::steps).
        limit: u64,
        /// Whether configurations had to be forgotten and may have been tried again.
        forgot: bool,
    },
}

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The operation whose response no order explains: its place in the history.
    pub culprit: usize,
    /// How many events (invocations and responses, in order of time) there are up to that response. This prefix of the
    /// history is not linearizable.
    pub events: usize,
    /// Whether every shorter prefix is known to be linearizable.
    pub minimal: bool,
    /// The part of the object, where it has parts.
    pub part: Option<String>,
    /// What cannot be, in words, where an algorithm for this kind of object found out.
    pub reason: Option<String>,
    /// How far orders of the operations get: up to the culprit's response at best. There may be more than these.
    pub furthest: Vec<Configuration>,
    /// The operations to draw: the culprit, those in the ends of the orders, and those that returned last.
    pub bars: Vec<Bar>,
    /// How many operations there are before these.
    pub left_out: usize,
    /// When the culprit returned.
    pub(super) at: u64,
}

/// An operation of the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Its place in the history.
    pub operation: usize,
    /// Whose it is.
    pub process: u64,
    /// What was asked, and what was answered if that was known by then.
    pub label: String,
    /// The place of its invocation among the events of the history.
    pub from: u32,
    /// The place of its response, if it had returned by then.
    pub to: Option<u32>,
}

impl Counterexample {
    /// The bar of an operation, if it is drawn.
    pub fn bar(&self, operation: usize) -> Option<&Bar> {
        self.bars.iter().find(|bar| bar.operation == operation)
    }
}

/// Where an order of the operations gets stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The state there, as `Debug` writes it.
    pub state: String,
    /// How many operations are in that order.
    pub length: usize,
    /// The last of them: places in the history.
    pub recent: Vec<usize>,
    /// Whether all that returned before the culprit is in that order.
    pub is_there: bool,
    /// What the culprit would return there, as `Debug` writes it, where the specification can tell.
    pub instead: Option<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&draw::text(self))
    }
}
