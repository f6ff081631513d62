//! The verdict of the checker.

use std::fmt;

use super::draw;

/// The verdict on a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Linearizable, in this order of indices in the history. Pending operations without effect are left out.
    Linearizable(Vec<usize>),
    /// Not linearizable.
    Violation(Box<Counterexample>),
    /// Undecided within the limits.
    Unknown(Unknown),
}

impl Verdict {
    /// Whether the verdict is [`Verdict::Linearizable`].
    pub fn is_linearizable(&self) -> bool {
        matches!(self, Verdict::Linearizable(_))
    }

    /// The counterexample of a violation.
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
    /// The search reached its limit of steps.
    #[error("undecided after {limit} steps{}", if *.forgot { ", with too little memory for what was already tried" } else { "" })]
    Steps {
        /// The limit, [`Limits::steps`](super::Limits::steps).
        limit: u64,
        /// Whether configurations were discarded, and may have been tried again.
        forgot: bool,
    },
    /// The search was stopped by [`Limits::stop`](super::Limits::stop).
    #[error("undecided in the time{}", if *.forgot { ", with too little memory for what was already tried" } else { "" })]
    Stopped {
        /// Whether configurations were discarded, and may have been tried again.
        forgot: bool,
    },
}

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The index of the operation whose response no order explains.
    pub culprit: usize,
    /// The number of events (invocations and responses, in order of time) up to that response. This prefix of the
    /// history is not linearizable.
    pub events: usize,
    /// Whether every shorter prefix is known to be linearizable.
    pub minimal: bool,
    /// The part of the object, if it has parts.
    pub part: Option<String>,
    /// The reason in words, if a polynomial algorithm found it.
    pub reason: Option<String>,
    /// The longest orders of the operations: up to the culprit's response at best. There may be more than these.
    pub furthest: Vec<Configuration>,
    /// The operations to draw: the culprit, the last ones of the orders, and those that returned last.
    pub bars: Vec<Bar>,
    /// The number of earlier operations that are not drawn.
    pub left_out: usize,
    /// The time of the culprit's response.
    pub(super) at: u64,
}

/// A drawn operation of the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Its index in the history.
    pub operation: usize,
    /// The process that invoked it.
    pub process: u64,
    /// The operation, and its answer if that was known by then.
    pub label: String,
    /// The position of its invocation among the events of the history.
    pub from: u32,
    /// The position of its response, if it had returned by then.
    pub to: Option<u32>,
}

impl Counterexample {
    /// The bar of an operation; `None` if it is not drawn.
    pub fn bar(&self, operation: usize) -> Option<&Bar> {
        self.bars.iter().find(|bar| bar.operation == operation)
    }
}

/// The end of an order that cannot be continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The state at its end, as `Debug` prints it.
    pub state: String,
    /// The number of operations in the order.
    pub length: usize,
    /// The last of them, by index in the history.
    pub recent: Vec<usize>,
    /// Whether the order contains all operations that returned before the culprit.
    pub is_there: bool,
    /// The answer that the culprit would have there, as `Debug` prints it, if the specification determines it.
    pub instead: Option<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&draw::text(self))
    }
}
