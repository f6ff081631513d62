//! Jepsen's `history.txt`: an operation a line, its fields divided by tabs.
//!
//! ```text
//! 0    :invoke    :write    3
//! 0    :ok    :write    3
//! ```
//!
//! A fifth field is an error. Operations of processes that are no clients (`:nemesis`) are left out. What values mean is as
//! in [`super::edn`].

use super::edn;
use super::lines::LineError;
use super::recorded::{Contents, Event, Kind, Operations, Place, Recorded, calls};

/// Whether a line is an operation, as far as its first fields tell.
pub fn is_operation(line: &str) -> bool {
    let mut fields = line.split('\t').map(str::trim);
    let process = fields.next().is_some_and(|field| {
        field.starts_with(':') || (!field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit()))
    });
    process && fields.next().is_some_and(|kind| matches!(kind, ":invoke" | ":ok" | ":fail" | ":info"))
}

/// The history of a file.
///
/// # Errors
/// If a line is no operation, or the operations form no history.
pub fn read(text: &str) -> Result<Recorded, LineError> {
    let mut events = Vec::new();
    for (line, words) in (1..).zip(text.lines()).filter(|(_, words)| !words.trim().is_empty()) {
        events.extend(event(Place { line, event: None }, words)?);
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

fn event(place: Place, words: &str) -> Result<Option<Event>, LineError> {
    let fields: Vec<&str> = words.split('\t').map(str::trim).collect();
    let [process, kind, function, value, ..] = fields[..] else {
        let what = format!("expected a process, its :type, its :f and a value, divided by tabs, found {words:?}");
        return Err(place.wrong(format_args!("{what}: was it cut off?")));
    };
    if process.starts_with(':') {
        return Ok(None);
    }
    let process = process.parse().map_err(|_| place.wrong(format_args!("{process:?} is no number of a process")))?;
    let kind = match kind {
        ":invoke" => Kind::Invoke,
        ":ok" => Kind::Ok,
        ":fail" => Kind::Fail,
        ":info" => Kind::Info,
        other => return Err(place.wrong(format_args!("{other:?} is not :invoke, :ok, :fail or :info"))),
    };
    let function = match function.strip_prefix(':') {
        Some(name) if !name.is_empty() => name.to_string(),
        _ => return Err(place.wrong(format_args!("{function:?} is no :f"))),
    };
    let value = edn::value(value).map_err(|what| place.wrong(format_args!("{value:?}: {what}")))?;
    Ok(Some(Event { place, process, kind, function, value, is_final: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_and_those_of_the_nemesis_left_out() {
        let text = ":nemesis\t:info\t:start\tnil\n0\t:invoke\t:cas\t[1 2]\n\n0\t:info\t:cas\t[1 2]\t:timeout\n";
        let Contents::Operations(operations) = read(text).expect("a history").contents else { panic!("operations") };
        let [call] = operations.calls.as_slice() else { panic!("one operation: {operations:?}") };
        assert_eq!((call.place.line, &call.asked, call.returned()), (2, &serde_json::json!([1, 2]), None));
        assert!(is_operation("0\t:invoke\t:cas\t[1 2]") && is_operation(":nemesis\t:info\t:start\tnil"));
        assert!(!is_operation("0 :invoke :cas") && !is_operation("hello\t:ok"));
    }

    #[test]
    fn damaged_lines_are_refused() {
        let good = "0\t:invoke\t:read\tnil\n";
        let cases = [
            ("0\t:ok\t:read", "line 2: expected a process"),
            ("0\t:o\t:read\t3", "line 2: \":o\" is not"),
            ("x\t:ok\t:read\t3", "line 2: \"x\" is no number"),
            ("0\t:ok\tread\t3", "line 2: \"read\" is no :f"),
            ("0\t:ok\t:read\t[3", "line 2: \"[3\": the file ends"),
            ("0\t:ok\t:read\t3 4", "line 2: \"3 4\": there is something after"),
            ("0\t:ok\t:write\t3", "line 2: process 0 has a response to write, but it invoked read"),
            ("1\t:ok\t:read\t3", "line 2: process 1 has a response to read, but no invocation"),
        ];
        for (bad, expected) in cases {
            let error = read(&format!("{good}{bad}")).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "expected: {expected}\n   found: {error}");
        }
    }
}
