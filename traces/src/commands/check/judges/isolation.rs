//! Isolation levels of transactions.

use std::fmt::Write as _;

use seedbed_properties::checkers::isolation::{
    Anomaly, History, Level, Levels, Options, Refusal, Report, Status, check_and_tell, draw,
};
use seedbed_properties::formats::LineError;
use serde_json::{Map, Value, json};

use crate::commands::check::How;
use crate::commands::check::judged::{Drawing, Judged, Result, Verdict};
use crate::commands::progress::Stopwatch;

/// A history and the level that it is asked for.
pub struct Asked<'a> {
    /// The line of the history.
    pub line: usize,
    pub history: &'a History,
    pub level: Level,
    /// Whether causal and all levels above include the order of sessions.
    pub sessions: bool,
    /// Whether the recorder knew when transactions were invoked and returned.
    pub timed: bool,
}

/// The levels that agree with real time.
const OF_REAL_TIME: [Level; 2] = [Level::StrongSnapshotIsolation, Level::StrictSerializable];

pub fn judge(asked: &Asked<'_>, how: &How, note: &dyn Fn(&str)) -> Result {
    let &Asked { line, history, level, sessions, timed } = asked;
    let levels = if how.all_levels { Levels::All } else { Levels::Asked(level) };
    let usual = Options::default();
    let (limit, bytes, stop) = (how.spend.steps(usual.limit), how.spend.bytes() / 2, how.spend.stop());
    let options = Options { sessions, levels, limit, bytes, stop, ..usual };
    let mut is_noted = false;
    let mut tell = |report: &Report| {
        if !std::mem::replace(&mut is_noted, true) && !report.holds.is_empty() {
            let holds: Vec<&str> = report.holds.iter().map(|level| level.name()).collect();
            note(&format!("it keeps {}; searching an order of versions for {level}", holds.join(" ")));
        }
    };
    let watch = Stopwatch::start();
    let report = check_and_tell(history, &options, &mut tell);
    let mut report = report.map_err(|malformed| LineError { line, what: malformed.to_string() })?;
    let hint = how.spend.more_time(watch.seconds());
    let asked = level;
    let is_unknown = |level: &Level| !timed && OF_REAL_TIME.contains(level);
    if report.holds.iter().any(is_unknown) {
        // Without times their condition is empty, which says nothing about the real one.
        report.unknown.extend(report.holds.iter().copied().filter(is_unknown));
        report.holds.retain(|level| !is_unknown(level));
        report.unknown.sort_unstable();
    }
    let names = |levels: &[Level]| levels.iter().map(|level| level.name()).collect::<Vec<_>>();
    let verdict = match report.keeps(asked) {
        Some(true) => Verdict::Ok,
        Some(false) => Verdict::Violation,
        None => Verdict::Unknown,
    };
    let drawing = |anomaly: &Anomaly| Drawing {
        text: draw::text(history, anomaly),
        mermaid: draw::mermaid(history, anomaly),
        dot: draw::dot(history, anomaly),
    };
    let refused = refusals(&report, asked).flat_map(|refusal| &refusal.cycles);
    let drawings: Vec<Drawing> =
        report.anomalies.iter().filter(|anomaly| !anomaly.assumed()).chain(refused).map(drawing).collect();
    Ok(Judged {
        verdict,
        violates: names(&report.violates),
        holds: names(&report.holds),
        unknown: names(&report.unknown),
        anomalies: report.anomalies.iter().map(|anomaly| anomaly.name.clone()).collect(),
        operations: history.transactions.len(),
        explanation: explanation(history, &report, asked, timed, &hint),
        counterexample: counterexample(&report),
        statistics: statistics(history),
        drawings,
    })
}

fn explanation(history: &History, report: &Report, asked: Level, timed: bool, hint: &str) -> String {
    let mut out = String::new();
    for anomaly in report.anomalies.iter().filter(|anomaly| !anomaly.assumed()) {
        out.push_str(&draw::text(history, anomaly));
    }
    for Refusal { level, cycles } in refusals(report, asked) {
        let _ = writeln!(out, "The order of the versions is unknown, but no order satisfies {level}: each has one of:");
        for cycle in cycles {
            out.push_str(&draw::text(history, cycle));
        }
    }
    if report.unknown.contains(&asked) {
        let _ = if !timed && OF_REAL_TIME.contains(&asked) {
            writeln!(out, "only completions were recorded, so nothing is known about real time")
        } else {
            writeln!(out, "undecided within the limit: {hint}")
        };
    }
    out.trim_end().to_string()
}

/// The refusals that are shown: not those of stronger levels than the requested one, and not those of levels that a
/// certain anomaly refuses.
fn refusals(report: &Report, asked: Level) -> impl Iterator<Item = &Refusal> {
    let certain = |level: Level| {
        let mut anomalies = report.anomalies.iter().filter(|anomaly| !anomaly.assumed());
        anomalies.any(|anomaly| weakest(&anomaly.name).is_some_and(|weakest| level.implies(weakest)))
    };
    report.refusals.iter().filter(move |refusal| asked.implies(refusal.level) && !certain(refusal.level))
}

/// The weakest level that forbids an anomaly.
fn weakest(name: &str) -> Option<Level> {
    match name {
        "G0" | "duplicate-elements" | "garbage-read" => Some(Level::ReadUncommitted),
        "G1a" | "G1b" | "G1c" | "dirty-update" | "incompatible-order" | "future-read" => Some(Level::ReadCommitted),
        "lost-update" => Some(Level::CursorStability),
        "internal" => Some(Level::ReadAtomic),
        "G-single" | "G-single-item" => Some(Level::ConsistentView),
        "G-nonadjacent" | "G-nonadjacent-item" => Some(Level::SnapshotIsolation),
        "G2" | "G2-item" => Some(Level::RepeatableRead),
        _ => None,
    }
}

fn counterexample(report: &Report) -> Value {
    if report.anomalies.is_empty() && report.refusals.is_empty() {
        return Value::Null;
    }
    let anomaly = |anomaly: &Anomaly| {
        let cycle = anomaly.cycle.iter().map(|edge| {
            json!({
                "from": edge.from,
                "to": edge.to,
                "why": format!("{:?}", edge.why).to_lowercase(),
                "key": edge.key.as_ref().map(ToString::to_string),
                "assumed": edge.assumed,
                "words": edge.words,
            })
        });
        json!({
            "name": anomaly.name,
            "transactions": anomaly.transactions,
            "words": anomaly.words,
            "cycle": cycle.collect::<Vec<_>>(),
        })
    };
    let refusals = report.refusals.iter().map(|refusal| {
        json!({
            "level": refusal.level.name(),
            "each_order_has_one_of": refusal.cycles.iter().map(anomaly).collect::<Vec<_>>(),
        })
    });
    json!({
        "anomalies": report.anomalies.iter().map(anomaly).collect::<Vec<_>>(),
        "refusals": refusals.collect::<Vec<_>>(),
    })
}

fn statistics(history: &History) -> Map<String, Value> {
    let of = |status: Status| history.transactions.iter().filter(|t| t.status == status).count();
    let mut processes: Vec<u64> = history.transactions.iter().map(|t| t.process).collect();
    processes.sort_unstable();
    processes.dedup();
    let mops: usize = history.transactions.iter().map(|t| t.mops.len()).sum();
    let fields = [
        ("processes", processes.len()),
        ("committed", of(Status::Ok)),
        ("aborted", of(Status::Fail)),
        ("unknown", of(Status::Info)),
        ("reads_and_writes", mops),
    ];
    fields.map(|(name, count)| (name.to_string(), json!(count))).into_iter().collect()
}
