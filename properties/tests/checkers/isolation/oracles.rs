//! The transaction checker against histories whose anomalies others have named.

use std::fs;

use crate::oracles::oracle;
use seedbed_properties::checkers::isolation::{Level, Options, Report, check, format};
use serde_json::Value;

#[test]
fn histories_with_known_answers() {
    let Some(path) = oracle("transactions/histories.jsonl") else { return };
    let lines = fs::read_to_string(path).expect("the oracles are there");
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let oracle: Value = serde_json::from_str(line).expect("a line is JSON");
        let id = oracle["id"].as_str().expect("a line has an id");
        // PolySI's snapshot isolation has the axiom SESSION (Huang et al. 2023, section 2), plain snapshot isolation has not.
        let options = Options { sessions: id.starts_with("polysi/"), ..Options::default() };
        let history = format::read_line(line).expect("a line is a history");
        let report = check(&history, &options).expect("a history can be judged");
        wrong.extend(
            disagreements(&report, &oracle["expect"]).into_iter().map(|what| format!("{id}: {what}\n{report}")),
        );
    }
    assert!(lines.lines().count() > 30, "the oracles are nearly empty");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn disagreements(report: &Report, expect: &Value) -> Vec<String> {
    let names = |field: &str| -> Vec<String> {
        expect[field].as_array().map_or(Vec::new(), |names| names.iter().map(|n| n.as_str().unwrap().into()).collect())
    };
    let level = |name: &String| Level::named(name).unwrap_or_else(|| panic!("no level {name}"));
    let mut wrong = Vec::new();
    wrong.extend(
        names("violates").iter().filter(|n| report.keeps(level(n)) != Some(false)).map(|n| format!("must violate {n}")),
    );
    wrong.extend(
        names("holds").iter().filter(|n| report.keeps(level(n)) != Some(true)).map(|n| format!("must keep {n}")),
    );
    wrong.extend(names("anomalies").iter().filter(|n| !report.has(n)).map(|n| format!("must have {n}")));
    wrong
}
