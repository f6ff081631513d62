//! Sequential consistency.

use std::fmt::Write as _;

use seedbed_properties::checkers::consistency::sequential::{Sequential, sequential};
use seedbed_properties::checkers::linearizability::{Limits, Operation, Specification};
use seedbed_properties::formats::{self, Judge, Operations, Reading};
use serde_json::json;

use super::call_json;
use crate::commands::check::How;
use crate::commands::check::judged::{Drawing, Judged, Result, Verdict};
use crate::commands::progress::Stopwatch;

/// The limit of steps without a limit of time.
const STEPS: u64 = 5_000_000;
/// The share of the memory that configurations take.
const SHARE: u64 = 2;
/// The number of last operations of the longest order that are shown.
const SHOWN: usize = 6;

/// The result of the search, independent of the types of operations.
struct Found {
    outcome: Sequential,
    places: Vec<usize>,
    /// The state after the longest order.
    state: String,
    /// The next operations, none of which is possible, and the answer that each would have, if it is determined.
    stuck: Vec<(String, Option<String>)>,
    /// The last operations of the longest order.
    last: Vec<String>,
}

struct Search {
    limits: Limits,
}

impl Judge for Search {
    type Said = Found;

    fn judge<S: Specification + Clone>(
        self,
        spec: S,
        operations: Vec<Operation<S::Op, S::Ret>>,
        places: Vec<usize>,
    ) -> Found {
        let outcome = sequential(&spec, &operations, self.limits);
        let mut state = spec.initial();
        let (mut stuck, mut last) = (Vec::new(), Vec::new());
        if let Sequential::Violation { furthest, stuck: heads } = &outcome {
            for &n in furthest {
                let Operation { op, ret, returned, .. } = &operations[n];
                spec.apply(&mut state, op, ret.as_ref().filter(|_| returned.is_some()));
            }
            last = furthest[furthest.len().saturating_sub(SHOWN)..].iter().map(|&n| label(&operations[n])).collect();
            stuck = heads
                .iter()
                .map(|&n| {
                    let Operation { op, ret, .. } = &operations[n];
                    let would = spec.answer(&state, op).filter(|answer| Some(answer) != ret.as_ref());
                    (label(&operations[n]), would.map(|answer| format!("{answer:?}")))
                })
                .collect();
        }
        Found { outcome, places, state: format!("{state:?}"), stuck, last }
    }
}

fn label<O: std::fmt::Debug, R: std::fmt::Debug>(operation: &Operation<O, R>) -> String {
    match &operation.ret {
        Some(ret) => format!("p{} {:?} → {ret:?}", operation.process, operation.op),
        None => format!("p{} {:?}", operation.process, operation.op),
    }
}

pub fn judge(operations: &Operations, reading: &Reading, level: &'static str, how: &How) -> Result {
    let (steps, bytes, stop) = (how.spend.steps(STEPS), how.spend.bytes() / SHARE, how.spend.stop());
    let limits = Limits { steps, bytes, stop, ..Limits::default() };
    let watch = Stopwatch::start();
    let found = formats::judge(operations, reading, Search { limits })?;
    let count = found.places.len();
    Ok(match &found.outcome {
        Sequential::Consistent(_) => Judged::new(level, Verdict::Ok, count),
        Sequential::Unknown(steps) => {
            let hint = how.spend.more_time(watch.seconds());
            let memory = 4 * how.spend.memory;
            let words = format!("undecided after {steps} steps: {hint}, or more with --memory {memory}");
            Judged::unknown(level, count, words)
        }
        Sequential::Violation { furthest, stuck } => {
            let text = text(&found, furthest.len());
            let call = |&n: &usize| call_json(&operations.calls[found.places[n]]);
            let counterexample = json!({
                "longest": furthest.len(),
                "last": furthest.iter().rev().take(SHOWN).rev().map(call).collect::<Vec<_>>(),
                "state": found.state,
                "stuck": stuck.iter().map(call).collect::<Vec<_>>(),
            });
            Judged {
                anomalies: vec!["not-sequential".into()],
                drawings: vec![Drawing { text: text.clone(), mermaid: mermaid(&found), dot: dot(&found) }],
                explanation: text,
                counterexample,
                ..Judged::new(level, Verdict::Violation, count)
            }
        }
    })
}

fn text(found: &Found, longest: usize) -> String {
    let mut out =
        String::from("No one order of all operations keeps the order of each process and explains all answers.");
    if found.last.is_empty() {
        out.push_str("\n  Not even one operation can come first:");
    } else {
        let dots = if longest > found.last.len() { "… " } else { "" };
        let _ = write!(out, "\n  The longest that was found is: {dots}{}", found.last.join(", "));
        let _ = write!(
            out,
            ".\n  The state is then {}, and none of the operations that are next in their processes can come:",
            found.state
        );
    }
    for (label, would) in &found.stuck {
        let _ = write!(out, "\n    {label}");
        if let Some(would) = would {
            let _ = write!(out, ", which would have to return {would}");
        }
    }
    out
}

fn mermaid(found: &Found) -> String {
    let escape = |text: &str| text.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    let mut out = String::from("flowchart LR\n");
    for (n, label) in found.last.iter().enumerate() {
        let _ = writeln!(out, "    o{n}[\"{}\"]", escape(label));
    }
    let _ = writeln!(out, "    state([\"{}\"])", escape(&found.state));
    for n in 1..found.last.len() {
        let _ = writeln!(out, "    o{} --> o{n}", n - 1);
    }
    if let Some(last) = found.last.len().checked_sub(1) {
        let _ = writeln!(out, "    o{last} --> state");
    }
    for (n, (label, would)) in found.stuck.iter().enumerate() {
        let _ = writeln!(out, "    h{n}[\"{}\"]", escape(label));
        let would = would.as_ref().map_or("✗".into(), |would| format!("✗ would be {}", escape(would)));
        let _ = writeln!(out, "    state -.->|\"{would}\"| h{n}");
    }
    out
}

fn dot(found: &Found) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = String::from("digraph \"not sequentially consistent\" {\n    rankdir=LR;\n    node [shape=box];\n");
    for (n, label) in found.last.iter().enumerate() {
        let _ = writeln!(out, "    o{n} [label=\"{}\"];", escape(label));
    }
    let _ = writeln!(out, "    state [shape=note, label=\"{}\"];", escape(&found.state));
    for n in 1..found.last.len() {
        let _ = writeln!(out, "    o{} -> o{n};", n - 1);
    }
    if let Some(last) = found.last.len().checked_sub(1) {
        let _ = writeln!(out, "    o{last} -> state;");
    }
    for (n, (label, would)) in found.stuck.iter().enumerate() {
        let _ = writeln!(out, "    h{n} [label=\"{}\", color=red];", escape(label));
        let would = would.as_ref().map_or(String::new(), |would| format!(" would be {}", escape(would)));
        let _ = writeln!(out, "    state -> h{n} [style=dashed, color=red, label=\"✗{would}\"];");
    }
    out.push_str("}\n");
    out
}
