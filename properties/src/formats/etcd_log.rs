//! The log that Jepsen wrote when it tested etcd, as porcupine keeps it:
//!
//! ```text
//! INFO  jepsen.util - 0    :invoke    :write    3
//! INFO  jepsen.util - 0    :ok    :write    3
//! ```
//!
//! There may be a date before `INFO`. Lines of other loggers are left out. The object is a register with
//! compare-and-set, initially absent; a failed `cas` saw another value, and any other failed operation never happened.

use serde_json::Value;

use super::lines::LineError;
use super::object::Model;
use super::recorded::{Contents, Event, FailedCas, Kind, NullRead, Operations, Place, Recorded, pair};

/// The logger that wrote the operations.
pub const LOGGER: &str = "jepsen.util - ";

/// The history of a file.
///
/// # Errors
/// If a line is no operation, or the operations form no history.
pub fn read(text: &str) -> Result<Recorded, LineError> {
    let mut events = Vec::new();
    for (line, words) in (1..).zip(text.lines()) {
        let place = Place { line, event: None };
        match words.split_once(LOGGER) {
            Some((_, words)) => events.push(event(place, words)?),
            None if words.trim().is_empty() || is_of_another_logger(words) => {}
            None => return Err(place.wrong("this is no line of a log: was it cut off?")),
        }
    }
    if events.is_empty() {
        return Err(LineError::new(1, format!("there is no line of '{}' in it", LOGGER.trim_end_matches(" - "))));
    }
    let operations = Operations {
        model: Some(Model::CasRegister),
        init: None,
        failed_cas: Some(FailedCas::Definite),
        null_read: Some(NullRead::Absent),
        unit: "events",
        completions_only: false,
        calls: pair(events)?,
    };
    Ok(Recorded { id: None, line: 1, contents: Contents::Operations(operations), expect: None })
}

/// `INFO  jepsen.core - Run complete`.
fn is_of_another_logger(words: &str) -> bool {
    const LEVELS: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
    words.split_once(" - ").is_some_and(|(head, _)| head.split_whitespace().any(|word| LEVELS.contains(&word)))
}

/// `0  :invoke  :cas  [1 2]`.
fn event(place: Place, words: &str) -> Result<Event, LineError> {
    let expected = "expected a process, its :type, its :f and a value";
    let mut rest = words;
    let mut word = || {
        let trimmed = rest.trim_start();
        let (word, after) = trimmed.split_at(trimmed.find(char::is_whitespace).unwrap_or(trimmed.len()));
        rest = after;
        (!word.is_empty()).then_some(word)
    };
    let (Some(process), Some(kind), Some(function)) = (word(), word(), word()) else {
        return Err(place.wrong(format_args!("{expected}, found {words:?}: was it cut off?")));
    };
    let process =
        process.parse().map_err(|_| place.wrong(format_args!("{expected}; {process:?} is no number of a process")))?;
    let kind = match kind {
        ":invoke" => Kind::Invoke,
        ":ok" => Kind::Ok,
        ":fail" => Kind::Fail,
        ":info" => Kind::Info,
        other => return Err(place.wrong(format_args!("{other:?} is not :invoke, :ok, :fail or :info"))),
    };
    let function = match function {
        ":read" | ":write" | ":cas" => &function[1..],
        other => return Err(place.wrong(format_args!("unknown function {other:?}; there are :read, :write, :cas"))),
    };
    let value = value(rest.trim()).ok_or_else(|| {
        place.wrong(format_args!("{:?} is no value: nil, a number, [expected new] or a keyword", rest.trim()))
    })?;
    let is_pair = value.as_array().is_some();
    let (asks, answers) = (kind == Kind::Invoke, kind == Kind::Ok);
    let fits = match function {
        "write" => !(asks || answers) || value.is_i64(),
        "cas" => !(asks || answers) || is_pair,
        _ => !answers || value.is_i64() || value.is_null(),
    };
    if fits {
        Ok(Event { place, process, kind, function: function.into(), value, is_final: false })
    } else {
        Err(place.wrong(format_args!("{value} is no value of a {function}")))
    }
}

fn value(text: &str) -> Option<Value> {
    if let Some(pair) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let (expected, new) = pair.trim().split_once(char::is_whitespace)?;
        return Some(Value::Array(vec![number(expected)?, number(new.trim())?]));
    }
    match text.strip_prefix(':') {
        Some(word) => (!word.is_empty()).then(|| Value::String(word.into())),
        None => number(text),
    }
}

fn number(text: &str) -> Option<Value> {
    if text == "nil" {
        return Some(Value::Null);
    }
    text.parse::<i64>().ok().map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_and_other_lines_left_out() {
        let text = "2015-05-21 21:25:20,000 INFO  jepsen.util - 0\t:invoke\t:cas\t[4 2]\n\
            INFO  jepsen.core - Worker 0 starting\n\n\
            INFO  jepsen.util - 1\t:invoke\t:read\tnil\n\
            INFO  jepsen.util - 0\t:info\t:cas\t:timed-out\n";
        let Contents::Operations(operations) = read(text).expect("a history").contents else { panic!("operations") };
        let [cas, read] = operations.calls.as_slice() else { panic!("two operations: {operations:?}") };
        assert_eq!((cas.process, &cas.asked), (0, &serde_json::json!([4, 2])));
        assert_eq!(cas.returned(), None);
        assert_eq!((read.process, read.place.line), (1, 4));
    }

    #[test]
    fn damaged_lines_are_refused() {
        let cases = [
            ("INFO  jepsen.util - 0\t:invo", "line 1: expected a process"),
            ("INFO  jepsen.util - 0\t:invo\t:read\tnil", "line 1: \":invo\" is not"),
            ("INFO  jepsen.util - x\t:invoke\t:read\tnil", "line 1: expected a process"),
            ("INFO  jepsen.util - 0\t:invoke\t:frob\tnil", "line 1: unknown function \":frob\""),
            ("INFO  jepsen.util - 0\t:invoke\t:write\t[4", "line 1: \"[4\" is no value"),
            ("INFO  jepsen.util - 0\t:invoke\t:write\tnil", "line 1: null is no value of a write"),
            ("\nINFO  jep", "line 2: this is no line of a log"),
            ("\n\nINFO  jepsen.util - 0\t:ok\t:read\tnil", "line 3: process 0 has a response"),
            ("", "line 1: there is no line"),
        ];
        for (text, expected) in cases {
            let error = read(text).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "expected: {expected}\n   found: {error}");
        }
    }
}
