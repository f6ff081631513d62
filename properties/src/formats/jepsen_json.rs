//! Jepsen's histories as JSON: operation maps in an array (`history.json`), or one on each line.
//!
//! ```json
//! [{"type": "invoke", "f": "txn", "value": [["w", "x", 2]], "process": 0, "index": 1},
//!  {"type": "ok", "f": "txn", "value": [["w", "x", 2]], "process": 0, "index": 2}]
//! ```
//!
//! Names of types and functions may be written with the colon of a keyword (`":ok"`). Operations of processes that are no
//! clients are left out. What values mean is as in [`super::edn`].

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::lines::{self, LineError, whole_numbers};
use super::recorded::{Contents, Event, Kind, Operations, Place, Recorded, calls};
use crate::checkers::isolation::format::Process;

/// An operation map.
#[derive(Deserialize)]
struct Map {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    f: Option<String>,
    #[serde(default)]
    value: Value,
    process: Process,
    #[serde(default)]
    index: Option<i64>,
    #[serde(default, rename = "final?")]
    is_final: bool,
}

/// Whether a JSON object is an operation map.
pub fn is_operation(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Keys {
        #[serde(rename = "type")]
        _kind: IgnoredAny,
        #[serde(rename = "process")]
        _process: IgnoredAny,
    }
    serde_json::from_str::<Keys>(text).is_ok()
}

/// The history of a file.
///
/// # Errors
/// If the text is no JSON, a value is no operation, or the operations form no history.
pub fn read(text: &str) -> Result<Recorded, LineError> {
    let maps = if text.trim_start().starts_with('[') { of_array(text)? } else { of_lines(text)? };
    let mut events = Vec::new();
    let mut last_index = None;
    for (line, text) in &maps {
        let place = Place { line: *line, event: None };
        let map: Map = lines::parse(*line, text)?;
        whole_numbers(text).map_err(|what| place.wrong(what))?;
        let Process::Client(process) = map.process else { continue };
        if let (Some(last), Some(index)) = (last_index, map.index)
            && index <= last
        {
            return Err(
                place.wrong(format_args!("the index {index} comes after {last}: the operations are out of order"))
            );
        }
        last_index = map.index.or(last_index);
        let kind = match plain(&map.kind) {
            "invoke" => Kind::Invoke,
            "ok" => Kind::Ok,
            "fail" => Kind::Fail,
            "info" => Kind::Info,
            other => return Err(place.wrong(format_args!("the type is {other:?}, and not invoke, ok, fail or info"))),
        };
        let function = match &map.f {
            Some(name) => plain(name).to_string(),
            // Elle's own histories omit the function.
            None if map.value.is_array() => "txn".into(),
            None => return Err(place.wrong("the operation has no \"f\"")),
        };
        events.push(Event { place, process, kind, function, value: map.value, is_final: map.is_final });
    }
    if maps.is_empty() {
        return Err(LineError::new(1, "there is no operation in it"));
    }
    let (calls, completions_only) = calls(events)?;
    let operations = Operations {
        model: None,
        init: None,
        failed_cas: None,
        null_read: None,
        unit: "events",
        completions_only,
        calls,
    };
    Ok(Recorded { id: None, line: 1, contents: Contents::Operations(operations), expect: None })
}

/// A name without the colon of a keyword.
fn plain(name: &str) -> &str {
    name.strip_prefix(':').unwrap_or(name)
}

fn of_lines(text: &str) -> Result<Vec<(usize, &str)>, LineError> {
    Ok((1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).collect())
}

/// The elements of an array, with the lines on which they begin.
fn of_array(text: &str) -> Result<Vec<(usize, &str)>, LineError> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
        let what = if error.is_eof() {
            "the file ends in the middle of this: was it cut off?".to_string()
        } else {
            error.to_string().replace(&format!(" at line {} column ", error.line()), " at character ")
        };
        LineError::new(error.line().max(1), what)
    })?;
    let (mut line, mut from) = (1, 0);
    let begins = elements.into_iter().map(|element| {
        // The elements are parts of the text, in order.
        let begin = element.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[from..begin].bytes().filter(|&byte| byte == b'\n').count();
        from = begin;
        (line, element.get())
    });
    Ok(begins.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVOKE: &str = r#"{"type": "invoke", "f": "write", "value": 3, "process": 0, "index": 1}"#;
    const OK: &str = r#"{"type": ":ok", "f": ":write", "value": 3, "process": 0, "index": 2}"#;
    const NEMESIS: &str = r#"{"type": "info", "f": "start", "value": null, "process": "nemesis"}"#;

    fn found(text: &str) -> Vec<(usize, String, Value, bool)> {
        let Contents::Operations(operations) = read(text).expect("a history").contents else { panic!("operations") };
        let calls = operations.calls.into_iter();
        calls.map(|call| (call.place.line, call.function, call.asked, call.ended.is_some())).collect()
    }

    #[test]
    fn an_array_and_lines_are_the_same() {
        let expected = vec![(2, "write".to_string(), Value::from(3), true)];
        assert_eq!(found(&format!("{NEMESIS}\n{INVOKE}\n\n{OK}\n")), expected);
        assert_eq!(found(&format!("[{NEMESIS},\n{INVOKE},{OK}]")), expected);
    }

    #[test]
    fn what_is_no_history_is_refused_with_the_line() {
        let cases = [
            (format!("{INVOKE}\n{}", &OK[..30]), "line 2: the line ends in the middle"),
            (format!("[{INVOKE},\n{}", &OK[..30]), "line 2: the file ends in the middle"),
            (format!("[{INVOKE},\n{OK}"), "line 2: the file ends in the middle"),
            (format!("{OK}\n{INVOKE}"), "line 2: the index 1 comes after 2"),
            (format!("{INVOKE}\n{}", OK.replace("ok", "maybe")), "line 2: the type is \"maybe\""),
            (format!("{INVOKE}\n{}", OK.replace(r#""f": ":write", "#, "")), "line 2: the operation has no \"f\""),
            (
                format!("{INVOKE}\n{}", OK.replace("\"process\": 0", "\"process\": 1.5")),
                "line 2: process: invalid type",
            ),
            (INVOKE.replace('3', "18446744073709551616"), "line 1: the number 18446744073709551616 at character"),
            (format!("[{INVOKE}, 5]"), "line 1: "),
            ("[]".into(), "line 1: there is no operation"),
        ];
        for (text, expected) in cases {
            let error = read(&text).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "expected: {expected}\n   found: {error}");
        }
    }
}
