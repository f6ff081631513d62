//! Linearizability.

use seedbed_properties::checkers::linearizability::{Counterexample, Limits, Verdict as Found, draw};
use seedbed_properties::formats::{self, Operations, Reading};
use serde_json::{Value, json};

use super::call_json;
use crate::commands::check::How;
use crate::commands::check::judged::{Drawing, Judged, Result, Verdict};
use crate::commands::progress::Stopwatch;

/// The share of the memory that states take; the rest is the file and tables that grow by doubling.
const SHARE: u64 = 2;

pub fn judge(operations: &Operations, reading: &Reading, level: &'static str, how: &How) -> Result {
    let usual = Limits::default();
    let configurations = if how.spend.seconds.is_some() { usize::MAX } else { usual.configurations };
    let (steps, bytes, stop) = (how.spend.steps(usual.steps), how.spend.bytes() / SHARE, how.spend.stop());
    let watch = Stopwatch::start();
    let limits = Limits { steps, configurations, bytes, stop };
    let (found, places) = formats::linearizable(operations, reading, limits)?;
    Ok(match found {
        Found::Linearizable(_) => Judged::new(level, Verdict::Ok, places.len()),
        Found::Unknown(why) => {
            let hint = how.spend.more_time(watch.seconds());
            let memory = 4 * how.spend.memory;
            let words =
                format!("{why}: neither an order nor a violation was found; {hint}, or more with --memory {memory}");
            Judged::unknown(level, places.len(), words)
        }
        Found::Violation(counterexample) => {
            let text = text(operations, &places, &counterexample);
            let drawing = Drawing {
                text: text.clone(),
                mermaid: draw::mermaid(&counterexample),
                dot: draw::dot(&counterexample),
            };
            Judged {
                anomalies: vec!["not-linearizable".into()],
                explanation: text,
                counterexample: json(operations, &places, &counterexample),
                drawings: vec![drawing],
                ..Judged::new(level, Verdict::Violation, places.len())
            }
        }
    })
}

/// The counterexample, and the position of its end in the file.
fn text(operations: &Operations, places: &[usize], counterexample: &Counterexample) -> String {
    let call = &operations.calls[places[counterexample.culprit]];
    let ended = call.ended.as_ref().expect("a culprit returned");
    let mut text = counterexample.to_string();
    let there = match operations.unit {
        "events" => format!("p{}'s {} is {} to {} of the file", call.process, call.function, call.place, ended.place),
        unit => format!("times are in {unit}"),
    };
    text.push_str(&format!("\n  ({there}.)"));
    text
}

fn json(operations: &Operations, places: &[usize], counterexample: &Counterexample) -> Value {
    let call = |n: usize| call_json(&operations.calls[places[n]]);
    let furthest = counterexample.furthest.iter().map(|end| {
        json!({
            "state": end.state,
            "length": end.length,
            "reaches_the_culprit": end.is_there,
            "last": end.recent.iter().map(|&n| call(n)).collect::<Vec<_>>(),
            "would_return": end.instead,
        })
    });
    json!({
        "culprit": call(counterexample.culprit),
        "events": counterexample.events,
        "minimal": counterexample.minimal,
        "part": counterexample.part,
        "reason": counterexample.reason,
        "furthest": furthest.collect::<Vec<_>>(),
        "drawn": counterexample.bars.iter().map(|bar| call(bar.operation)).collect::<Vec<_>>(),
    })
}
