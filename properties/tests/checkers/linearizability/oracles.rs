//! Histories that others recorded and judged. Skipped where `SEEDBED_ORACLES` is unset.

use super::judged;
use crate::oracles::oracle;
use seedbed_properties::formats::json::read;

#[test]
fn verdicts_are_as_expected() {
    let Some(path) = oracle("linearizability/histories.jsonl") else { return };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut good, mut bad) = (0, 0);
    for recorded in read(&text) {
        let recorded = recorded.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let expected = recorded.expect.as_ref().and_then(serde_json::Value::as_bool);
        let line = recorded.line;
        let expected = expected.unwrap_or_else(|| panic!("line {line} does not say what to expect"));
        let (verdict, _) = judged(&recorded).unwrap();
        assert_eq!(verdict.is_linearizable(), expected, "line {line}, {:?}: {verdict:?}", recorded.id);
        assert_eq!(verdict.violation().is_some(), !expected, "line {line}, {:?}: {verdict:?}", recorded.id);
        if let Some(why) = verdict.violation() {
            println!("line {line}: {why}");
        }
        if expected { good += 1 } else { bad += 1 }
    }
    assert!(good >= 40 && bad >= 2, "the file has both kinds: {good} good, {bad} bad");
}
