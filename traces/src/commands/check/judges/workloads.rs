//! What the workloads of Jepsen and Maelstrom promise that is no model of consistency on an object.

use std::fmt::Write as _;

use seedbed_properties::checkers::consistency::{Anomaly, Outcome};
use seedbed_properties::formats::workloads::{self, Judged as Found};
use seedbed_properties::formats::{LineError, Model, Operations, Reading};
use serde_json::json;

use super::call_json;
use crate::commands::check::How;
use crate::commands::check::judged::{Drawing, Judged, Result, Verdict};
use crate::commands::check::level::Promise;

pub fn judge(operations: &Operations, reading: &Reading, level: &'static str, promise: Promise) -> Result {
    let found = match promise {
        Promise::ConstantTotal => workloads::of_bank(operations, reading),
        Promise::UniqueIds => workloads::of_unique_ids(operations, reading),
        Promise::Kafka => workloads::of_kafka(operations, reading),
    };
    Ok(judged(operations, level, found?))
}

/// Whether a set or a counter settles on what was done to it; `None` for other objects.
pub fn settled(
    operations: &Operations,
    reading: &Reading,
    level: &'static str,
    how: &How,
) -> std::result::Result<Option<Judged>, LineError> {
    if !matches!(reading.model, Model::Set | Model::Counter) {
        return Ok(None);
    }
    let found = workloads::settled(operations, reading, how.quiet)?;
    Ok(Some(judged(operations, level, found)))
}

fn judged(operations: &Operations, level: &'static str, (outcome, count): Found) -> Judged {
    match outcome {
        Outcome::Holds => Judged::new(level, Verdict::Ok, count),
        Outcome::Unknown(why) => Judged::unknown(level, count, why),
        Outcome::Violation(anomaly) => violation(operations, level, count, &anomaly),
    }
}

fn violation(operations: &Operations, level: &'static str, count: usize, anomaly: &Anomaly) -> Judged {
    let calls: Vec<_> = anomaly.events.iter().map(|&n| &operations.calls[n]).collect();
    let mut text = format!("{}: {}", anomaly.pattern, anomaly.words);
    for call in &calls {
        let answer = call.ok().map_or_else(|| "?".to_string(), ToString::to_string);
        let _ = write!(text, "\n  {}: p{} {} {} → {answer}", call.place, call.process, call.function, call.asked);
    }
    let labels: Vec<String> = calls
        .iter()
        .map(|call| {
            let answer = call.ok().map_or_else(|| "?".to_string(), ToString::to_string);
            format!("p{} {} {} → {answer}", call.process, call.function, call.asked)
        })
        .collect();
    Judged {
        anomalies: vec![anomaly.pattern.into()],
        counterexample: json!({
            "pattern": anomaly.pattern,
            "words": anomaly.words,
            "events": calls.iter().map(|call| call_json(call)).collect::<Vec<_>>(),
        }),
        drawings: vec![Drawing { text: text.clone(), mermaid: mermaid(anomaly, &labels), dot: dot(anomaly, &labels) }],
        explanation: text,
        ..Judged::new(level, Verdict::Violation, count)
    }
}

fn mermaid(anomaly: &Anomaly, labels: &[String]) -> String {
    let escape = |text: &str| text.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    let mut out = String::from("flowchart TD\n");
    for (n, label) in labels.iter().enumerate() {
        let _ = writeln!(out, "    e{n}[\"{}\"]", escape(label));
    }
    for n in 0..labels.len() {
        let _ = writeln!(out, "    e{n} --- why");
    }
    let _ = writeln!(out, "    why([\"{}\"])", escape(&anomaly.words));
    out
}

fn dot(anomaly: &Anomaly, labels: &[String]) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = format!("graph \"{}\" {{\n    node [shape=box];\n", anomaly.pattern);
    for (n, label) in labels.iter().enumerate() {
        let _ = writeln!(out, "    e{n} [label=\"{}\"];", escape(label));
        let _ = writeln!(out, "    e{n} -- why;");
    }
    let _ = writeln!(out, "    why [shape=note, label=\"{}\"];\n}}", escape(&anomaly.words));
    out
}
