//! Histories as lines of JSON, one history a line.
//!
//! Operations on one object:
//!
//! ```json
//! {"id": "a", "model": "cas-register", "init": 0, "events": [[1, "invoke", "write", 3], [1, "ok", "write", 3]]}
//! ```
//!
//! An event is `[process, type, function, value]`; its type is `invoke`, `ok`, `fail` (without effect) or `info`
//! (unknown: it may take effect at any later time, or never). A process has one open operation at a time. Operations of
//! processes that are no clients (`["nemesis", "info", "start", null]`, with a name in place of a number) are left out.
//! The functions are those of the model ([`super::object`]).
//!
//! Recorders differ in two points. With `"failed_cas": "definite"`, a failed `cas` *saw* another value, and a read of
//! null saw that the value was absent; otherwise a failed operation never happened, and the value of a read of null is
//! unknown. (`"null_read": "absent"` or `"nothing"` sets the second alone.)
//!
//! Transactions: see [`isolation::format`].

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::lines::{self, LineError};
use super::object::Model;
use super::recorded::{Contents, Event, FailedCas, Kind, NullRead, Operations, Place, Recorded, pair};
use crate::checkers::isolation;
use crate::checkers::isolation::format::Process;

/// The fields that determine the kind of a history.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    events: Option<IgnoredAny>,
    #[serde(default)]
    txns: Option<IgnoredAny>,
    #[serde(default)]
    expect: Option<Value>,
    #[serde(default)]
    source: Option<Value>,
    #[serde(default)]
    sessions: Option<bool>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    init: Option<Value>,
    #[serde(default)]
    failed_cas: Option<FailedCas>,
    #[serde(default)]
    null_read: Option<NullRead>,
    events: Vec<Raw>,
}

/// `[process, type, function, value]`; only clients have to say a function.
#[derive(Deserialize)]
struct Raw(Process, Kind, Option<String>, #[serde(default)] Value);

/// The histories of a file. Empty lines are skipped. After an error the following lines can still be read.
pub fn read(text: &str) -> impl Iterator<Item = Result<Recorded, LineError>> {
    let numbered = (1..).zip(text.lines());
    numbered.filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| history(number, line))
}

fn history(line: usize, text: &str) -> Result<Recorded, LineError> {
    let head: Head = lines::parse(line, text)?;
    lines::whole_numbers(text).map_err(|what| LineError { line, what })?;
    let contents = match (&head.events, &head.txns) {
        (Some(_), None) => operations(line, text)?,
        (None, Some(_)) => {
            let history = isolation::format::history(lines::parse(line, text)?);
            let history = history.map_err(|error| LineError { line, what: error.to_string() })?;
            Contents::Transactions { history, sessions: head.sessions.or_else(|| dialect(&head)) }
        }
        _ => {
            let what = "no history: it has neither \"events\" (operations) nor \"txns\" (transactions)";
            return Err(LineError { line, what: what.into() });
        }
    };
    Ok(Recorded { id: head.id, line, contents, expect: head.expect })
}

/// Whether snapshot isolation includes the axiom SESSION: in PolySI it does (Huang and others, "Efficient black-box
/// checking of snapshot isolation in databases", VLDB 2023, section 2), in Elle and Adya it does not, so the recorder
/// decides.
fn dialect(head: &Head) -> Option<bool> {
    let source = head.source.as_ref().and_then(Value::as_str).into_iter().chain(head.id.as_deref());
    source.filter(|name| name.to_ascii_lowercase().starts_with("polysi/")).map(|_| true).next()
}

fn operations(line: usize, text: &str) -> Result<Contents, LineError> {
    let Line { model, init, failed_cas, null_read, events } = lines::parse(line, text)?;
    let model = model.map(|name| name.parse::<Model>()).transpose();
    let model = model.map_err(|error| LineError { line, what: error.to_string() })?;
    let events = (1..).zip(events).filter_map(|(n, Raw(process, kind, function, value))| {
        let Process::Client(process) = process else { return None };
        let place = Place { line, event: Some(n) };
        let missing = || LineError { line, what: format!("event {n} has no function") };
        let event = |function| Event { place, process, kind, function, value, is_final: false };
        Some(function.ok_or_else(missing).map(event))
    });
    let also = failed_cas.map(|failed_cas| match failed_cas {
        FailedCas::Nothing => NullRead::Nothing,
        FailedCas::Definite => NullRead::Absent,
    });
    let calls = pair(events.collect::<Result<_, _>>()?)?;
    let null_read = null_read.or(also);
    Ok(Contents::Operations(Operations {
        model,
        init,
        failed_cas,
        null_read,
        unit: "events",
        completions_only: false,
        calls,
    }))
}
