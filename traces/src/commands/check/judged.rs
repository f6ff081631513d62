//! The judgement on a history.

use seedbed_properties::formats::{LineError, Operations};
use serde_json::{Map, Value, json};

/// The verdict on a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The history satisfies it.
    Ok,
    /// The history violates it.
    Violation,
    /// Undecided.
    Unknown,
}

impl Verdict {
    /// The verdict in the JSON line.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Violation => "violation",
            Verdict::Unknown => "unknown",
        }
    }
}

/// A judgement with its explanation.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The verdict on the requested level.
    pub verdict: Verdict,
    /// The violated levels.
    pub violates: Vec<&'static str>,
    /// The satisfied levels.
    pub holds: Vec<&'static str>,
    /// The undecided levels.
    pub unknown: Vec<&'static str>,
    /// The names of the anomalies.
    pub anomalies: Vec<String>,
    /// The number of judged operations or transactions.
    pub operations: usize,
    /// The explanation of a violation, in words and plain drawings; empty otherwise.
    pub explanation: String,
    /// The counterexample as JSON; null if there is none.
    pub counterexample: Value,
    /// Statistics of the history, for the JSON line.
    pub statistics: Map<String, Value>,
    /// Drawings of the counterexample.
    pub drawings: Vec<Drawing>,
}

/// A drawing in all its forms.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// As plain text.
    pub text: String,
    /// As a Mermaid diagram.
    pub mermaid: String,
    /// As a Graphviz DOT graph.
    pub dot: String,
}

/// A judgement, or the error of the history.
pub type Result<T = Judged> = std::result::Result<T, LineError>;

impl Judged {
    /// A judgement on one level, without an explanation.
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

    /// An undecided judgement, for this reason.
    pub fn unknown(level: &'static str, operations: usize, why: impl Into<String>) -> Self {
        Judged { explanation: why.into(), ..Judged::new(level, Verdict::Unknown, operations) }
    }
}

/// The statistics of a history of operations.
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
