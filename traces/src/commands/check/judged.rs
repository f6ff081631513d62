//! What is said of a history.

use seedbed_properties::formats::{LineError, Operations};
use serde_json::{Map, Value, json};

/// Whether it keeps the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Ok,
    /// It does not.
    Violation,
    /// Nobody knows.
    Unknown,
}

impl Verdict {
    /// The word of the JSON line.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Violation => "violation",
            Verdict::Unknown => "unknown",
        }
    }
}

/// A judgement.
#[derive(Clone, Debug)]
pub struct Judged {
    /// On the level that was asked for.
    pub verdict: Verdict,
    /// The levels that the history violates.
    pub violates: Vec<&'static str>,
    /// The levels that it keeps.
    pub holds: Vec<&'static str>,
    /// The levels that could not be decided.
    pub unknown: Vec<&'static str>,
    /// What is wrong, by name.
    pub anomalies: Vec<String>,
    /// How many operations, or transactions, were judged.
    pub operations: usize,
    /// Why, in words and plain drawings; empty if all is well.
    pub explanation: String,
    /// Why, for programs; null if all is well.
    pub counterexample: Value,
    /// What was counted and measured.
    pub statistics: Map<String, Value>,
    /// The pictures.
    pub drawings: Vec<Drawing>,
}

/// One picture in the forms that are more than text.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// In plain text.
    pub text: String,
    /// In Mermaid.
    pub mermaid: String,
    /// In Graphviz DOT.
    pub dot: String,
}

/// A judgement, or what is wrong with the history.
pub type Result<T = Judged> = std::result::Result<T, LineError>;

impl Judged {
    /// A judgement on one level, with nothing told yet.
    pub fn new(level: &'static str, verdict: Verdict, operations: usize) -> Self {
        let only = |wanted: Verdict| if verdict == wanted { vec![level] } else { Vec::new() };
        Judged {
            verdict,
            violates: only(Verdict::Violation),
            holds: only(Verdict::Ok),
            unknown: only(Verdict::Unknown),
            anomalies: Vec::new(),
            operations,
            explanation: String::new(),
            counterexample: Value::Null,
            statistics: Map::new(),
            drawings: Vec::new(),
        }
    }

    /// An honest shrug, for this reason.
    pub fn unknown(level: &'static str, operations: usize, why: impl Into<String>) -> Self {
        Judged { explanation: why.into(), ..Judged::new(level, Verdict::Unknown, operations) }
    }
}

/// Counts of a history of operations.
pub fn statistics(operations: &Operations) -> Map<String, Value> {
    let calls = &operations.calls;
    let mut processes: Vec<u64> = calls.iter().map(|call| call.process).collect();
    processes.sort_unstable();
    processes.dedup();
    let failed = calls.iter().filter(|call| call.failed()).count();
    let open = calls.iter().filter(|call| call.returned().is_none()).count();
    let mut events: Vec<(u64, bool)> = calls.iter().map(|call| (call.invoked, false)).collect();
    events.extend(calls.iter().filter_map(|call| call.returned()).map(|at| (at, true)));
    events.sort_unstable();
    let (mut now, mut most) = (0usize, 0);
    for (_, returned) in events {
        if returned {
            now -= 1
        } else {
            now += 1
        }
        most = most.max(now);
    }
    let fields = [
        ("processes", processes.len()),
        ("invoked", calls.len()),
        ("returned", calls.len() - failed - open),
        ("failed", failed),
        ("never_returned", open),
        ("open_at_once", most),
    ];
    fields.map(|(name, count)| (name.to_string(), json!(count))).into_iter().collect()
}
