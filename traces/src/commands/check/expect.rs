//! Compares the known verdict on a history, from its file, with the one that was found.

use serde_json::Value;

use super::judged::{Judged, Verdict};

/// The differences from the known verdict; empty if there are none. A history of operations that is expected to be good
/// is expected to be linearizable, so weaker levels must hold too.
pub fn differences(expect: &Value, judged: &Judged, level: &str) -> Vec<String> {
    match expect {
        Value::Bool(good) => of_operations(*good, judged, level).into_iter().collect(),
        Value::Object(_) => of_transactions(expect, judged),
        _ => Vec::new(),
    }
}

fn of_operations(good: bool, judged: &Judged, level: &str) -> Option<String> {
    let verdict = judged.verdict;
    // Known is whether it is linearizable. A linearizable history satisfies the weaker levels, another one may.
    let differs = match (good, verdict) {
        (_, Verdict::Unknown) | (true, Verdict::Ok) | (false, Verdict::Violation) => false,
        (true, Verdict::Violation) => true,
        (false, Verdict::Ok) => level == "linearizability",
    };
    let expected = if good { "a linearizable history" } else { "a violation" };
    differs.then(|| format!("expected {expected}, and found {}", verdict.word()))
}

fn of_transactions(expect: &Value, judged: &Judged) -> Vec<String> {
    let names = |field: &str| -> Vec<&str> {
        expect[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let mut differences = Vec::new();
    let missing = |wanted: &[&str], found: &[&'static str]| -> Vec<String> {
        wanted.iter().filter(|name| !found.contains(name)).map(|name| name.to_string()).collect()
    };
    for level in missing(&names("violates"), &judged.violates) {
        differences.push(format!("expected it to violate {level}"));
    }
    for level in missing(&names("holds"), &judged.holds) {
        differences.push(format!("expected it to keep {level}"));
    }
    for anomaly in names("anomalies").iter().filter(|name| judged.anomalies.iter().all(|found| found != *name)) {
        differences.push(format!("expected the anomaly {anomaly}"));
    }
    differences
}
