//! The output of commands: tables and reports as text, and JSON lines.

use std::collections::BTreeMap;

use crate::say;
use hdrhistogram::Histogram;
use seedbed_sim::fault::FaultClass;
use seedbed_sim::shrink::RETOLD;
use seedbed_sim::{Fingerprint, Replayed, SeedResult, Sizes, Undecided, Violation};
use serde_json::{Value, json};

use crate::component::{Replay, Run, Shrunk};

/// The verdict in one word.
pub fn verdict(violation: Option<&Violation>, undecided: Option<&Undecided>) -> &'static str {
    match violation {
        None if undecided.is_some() => "unknown",
        None => "held",
        Some(violation) if violation.liveness => "stuck",
        Some(_) => "violated",
    }
}

/// Prints one JSON line to standard output.
pub fn print_json(value: &Value) {
    say!("{value}");
}

/// Marks for reports: those of a table's entries (`TABLE: STATE × EVENT`) are replaced by their number.
pub fn folded<'a>(marks: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<(String, String)> {
    let mut tables: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut lines = Vec::new();
    for (name, count) in marks {
        match name.split_once(": ").filter(|(_, entry)| entry.contains(" × ")) {
            Some((table, _)) => {
                let (reached, all) = tables.entry(table).or_default();
                (*reached, *all) = (*reached + u64::from(count > 0), *all + 1);
            }
            None => lines.push((name.to_string(), count.to_string())),
        }
    }
    let tables = tables.into_iter().map(|(table, (reached, all))| {
        let count = if reached == all { all.to_string() } else { format!("{reached} of {all}") };
        (format!("entries of {table}"), count)
    });
    lines.extend(tables);
    lines
}

/// The JSON line of a seed in a sweep.
pub fn seed_json(model: &str, result: &SeedResult, trace: Option<&str>) -> Value {
    let (violation, undecided) = (result.violation.as_ref(), result.undecided.as_ref());
    json!({
        "model": model,
        "seed": result.seed,
        "verdict": verdict(violation, undecided),
        "property": violation.map(|violation| &violation.property),
        "at_ns": violation.map(|violation| violation.at.0),
        "trace": trace,
        "fingerprint": Fingerprint(result.fingerprint),
        "events": result.events,
        "message": message(violation, undecided),
    })
}

/// What was wrong, or why nothing is known.
fn message(violation: Option<&Violation>, undecided: Option<&Undecided>) -> Option<String> {
    violation.map(|violation| violation.message.clone()).or(undecided.map(Undecided::to_string))
}

/// The JSON line of a run.
pub fn run_json(model: &str, seed: u64, run: &Run, trace: Option<&str>) -> Value {
    let (violation, undecided) = (run.violation.as_ref(), run.undecided.as_ref());
    let latency = latencies(&run.operations.latencies);
    json!({
        "model": model,
        "seed": seed,
        "verdict": verdict(violation, undecided),
        "property": violation.map(|violation| &violation.property),
        "at_ns": violation.map_or(run.ended_at.0, |violation| violation.at.0),
        "trace": trace,
        "fingerprint": Fingerprint(run.fingerprint),
        "events": run.stats.events,
        "message": message(violation, undecided),
        "messages": {
            "sent": run.stats.sent,
            "delivered": run.stats.delivered,
            "lost": run.stats.lost,
            "doubled": run.stats.doubled,
            "cut": run.stats.cut,
            "to_down": run.stats.to_down,
        },
        "writes": {"forced": run.stats.forced, "lazy": run.stats.lazy},
        "operations": {
            "returned": run.operations.returned,
            "failed": run.operations.failed,
            "unknown": run.operations.unknown,
            "skipped": run.stats.skipped,
        },
        "latency_ns": {
            "p50": latency.value_at_quantile(0.5),
            "p90": latency.value_at_quantile(0.9),
            "p99": latency.value_at_quantile(0.99),
            "max": latency.max(),
        },
        "faults": fault_counts(&run.stats.faults),
        "marks": run.marks.iter().map(|(name, count)| (name.to_string(), json!(count))).collect::<serde_json::Map<_, _>>(),
    })
}

fn fault_counts(counts: &[u64; FaultClass::ALL.len()]) -> Value {
    let counts = FaultClass::ALL.into_iter().zip(counts);
    counts.map(|(class, count)| (class.name().to_string(), json!(count))).collect::<serde_json::Map<_, _>>().into()
}

/// A histogram of virtual latencies in nanoseconds, with three significant digits.
pub fn latencies(nanos: &[u64]) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three significant digits are allowed");
    for nanos in nanos {
        histogram.record(*nanos).expect("a histogram that resizes takes any value");
    }
    histogram
}

/// The JSON line of a replay.
pub fn replay_json(replay: &Replay) -> Value {
    let (violation, undecided) = (replay.run.violation.as_ref(), replay.run.undecided.as_ref());
    let (replayed, tries) = how(replay);
    json!({
        "verdict": verdict(violation, undecided),
        "property": violation.map(|violation| &violation.property),
        "at_ns": violation.map_or(replay.run.ended_at.0, |violation| violation.at.0),
        "event": violation.map(|violation| violation.event),
        "fingerprint": Fingerprint(replay.run.fingerprint),
        "recorded_fingerprint": Fingerprint(replay.recorded_fingerprint),
        "choices": replay.choices,
        "unused": replay.unused,
        "replayed": replayed,
        "nudges": tries,
        "same": same(replay),
        "message": message(violation, undecided),
    })
}

/// The result of a replay in one word, and the number of nudges.
pub fn how(replay: &Replay) -> (&'static str, usize) {
    match replay.replayed {
        Replayed::Exact => ("exact", 0),
        Replayed::Same => ("same", 0),
        Replayed::Nudged { tries } => ("nudged", tries),
        Replayed::Lost => ("lost", 0),
        Replayed::Unknown => ("unknown", 0),
    }
}

/// What of a replay is as it was recorded.
pub fn same(replay: &Replay) -> Vec<&'static str> {
    let mut same = Vec::new();
    match (&replay.recorded, &replay.run.violation) {
        (None, None) if replay.run.undecided.is_none() => same.push("verdict"),
        (Some(recorded), Some(now)) => {
            let parts = [
                ("property", recorded.property == now.property),
                ("instant", recorded.at == now.at),
                ("event", recorded.event == now.event),
                ("nodes", recorded.nodes == now.nodes),
                ("message", recorded.message == now.message),
            ];
            same.extend(parts.into_iter().filter_map(|(name, equal)| equal.then_some(name)));
        }
        _ => {}
    }
    if replay.run.fingerprint == replay.recorded_fingerprint {
        same.push("fingerprint");
    }
    same
}

fn sizes_json(sizes: Sizes) -> Value {
    json!({
        "operations": sizes.operations,
        "faults": sizes.faults,
        "deviations": sizes.deviations,
        "nodes": sizes.nodes,
    })
}

/// The JSON line of a shrink.
pub fn shrink_json(shrunk: &Shrunk, seconds: f64, trace: Option<&str>) -> Value {
    json!({
        "before": sizes_json(shrunk.before),
        "after": sizes_json(shrunk.after),
        "runs": shrunk.runs,
        "retold": shrunk.retold,
        "seconds": seconds,
        "trace": trace,
        "property": shrunk.violation.property,
    })
}

/// The report of a shrink: the reduction, and whether the story is of another world.
pub fn shrink_lines(shrunk: &Shrunk, seconds: f64) -> String {
    let saved = shrunk.before.shrunk_to(shrunk.after);
    let retold = if shrunk.retold { format!("\n  {RETOLD}") } else { String::new() };
    format!("  shrunk: {saved}, in {seconds:.1} s and {} runs{retold}", shrunk.runs)
}
