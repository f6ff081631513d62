//! Recorded histories of the workloads whose promise is no model of consistency on an object: what
//! [`crate::checkers::workloads`] judges.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::datum::Datum;
use super::lines::LineError;
use super::meaning::{containers, counter};
use super::object::{Model, Reading, unknown};
use super::recorded::{Call, Operations};
use crate::checkers::consistency::Outcome;
use crate::checkers::linearizability::specs::counter::{Answer, Request};
use crate::checkers::linearizability::specs::set;
use crate::checkers::workloads::bank::{Snapshot, constant_total};
use crate::checkers::workloads::kafka::{Event, kafka};
use crate::checkers::workloads::settled::{self, Change, OfSet};
use crate::checkers::workloads::unique_ids;

/// A verdict whose anomalies name calls by index, and how many calls were judged.
pub type Judged = (Outcome, usize);

/// Whether all reads of a bank see one total: `--init`, or that of the first read.
///
/// # Errors
/// If the history is of another object, or a value has the wrong shape.
pub fn of_bank(operations: &Operations, reading: &Reading) -> Result<Judged, LineError> {
    is_of(operations, reading, Model::Bank)?;
    let total = match &reading.init {
        Value::Null => None,
        other => Some(other.as_i64().ok_or_else(|| {
            let line = operations.calls.first().map_or(1, |call| call.place.line);
            LineError { line, what: format!("the initial value of a bank is its total, not {other}") }
        })?),
    };
    let mut reads = Vec::new();
    for (event, call) in operations.calls.iter().enumerate() {
        match call.function.as_str() {
            "transfer" => {}
            "read" => {
                let Some(answer) = call.ok().filter(|answer| !answer.is_null()) else { continue };
                let balances = balances(answer).map_err(|what| call.place.wrong(what))?;
                reads.push(Snapshot { event, balances });
            }
            _ => unknown(call, "transfer, read").map_err(|what| call.place.wrong(what))?,
        }
    }
    Ok((constant_total(&reads, total.map(i128::from)), operations.calls.len()))
}

fn balances(answer: &Value) -> Result<Vec<(String, i64)>, String> {
    let expected = || format!("expected a map from accounts to balances, found {answer}");
    let accounts = answer.as_object().ok_or_else(expected)?.iter();
    let balances = accounts.map(|(account, balance)| Some((account.clone(), balance.as_i64()?)));
    balances.collect::<Option<_>>().ok_or_else(expected)
}

/// Whether all generated identifiers are unique.
///
/// # Errors
/// If the history is of another object.
pub fn of_unique_ids(operations: &Operations, reading: &Reading) -> Result<Judged, LineError> {
    is_of(operations, reading, Model::UniqueIds)?;
    let mut given = Vec::new();
    for (event, call) in operations.calls.iter().enumerate() {
        match (call.function.as_str(), call.ok()) {
            ("generate", None) => {}
            ("generate", Some(Value::Null)) => return Err(call.place.wrong("null is no identifier")),
            ("generate", Some(id)) => given.push((event, Datum::from(id))),
            _ => unknown(call, "generate").map_err(|what| call.place.wrong(what))?,
        }
    }
    Ok((unique_ids::unique_ids(given), operations.calls.len()))
}

/// Whether logs lose, repeat and reorder nothing.
///
/// # Errors
/// If the history is of another object, or a value has the wrong shape.
pub fn of_kafka(operations: &Operations, reading: &Reading) -> Result<Judged, LineError> {
    is_of(operations, reading, Model::Kafka)?;
    let mut history = Vec::new();
    let mut subscribed = BTreeSet::new();
    for (event, call) in operations.calls.iter().enumerate() {
        let mut add = |what| history.push((event, call.process, what));
        match call.function.as_str() {
            "send" | "poll" | "txn" => {
                // Where a subscription begins after others come and go is up to the system.
                if subscribed.contains(&call.process) {
                    add(Event::Assigned);
                }
                of_log(call, &mut add).map_err(|what| call.place.wrong(what))?;
            }
            "assign" | "crash" => {
                subscribed.remove(&call.process);
                add(Event::Assigned);
            }
            "subscribe" => {
                subscribed.insert(call.process);
                add(Event::Assigned);
            }
            _ => unknown(call, "send, poll, txn, assign, subscribe, crash").map_err(|what| call.place.wrong(what))?,
        }
    }
    Ok((kafka(&history), operations.calls.len()))
}

/// Adds what one call sent and polled.
fn of_log(call: &Call, add: &mut impl FnMut(Event<Datum, Datum>)) -> Result<(), String> {
    let value = call.ok().unwrap_or(&call.asked);
    let expected = || format!("expected [[\"send\", key, value] or [\"poll\", …], …], found {value}");
    for part in value.as_array().ok_or_else(expected)? {
        let part = part.as_array().map(Vec::as_slice).unwrap_or_default();
        let name = part.first().and_then(Value::as_str).map(|name| name.trim_start_matches(':'));
        match (name, part) {
            (Some("send"), [_, key, sent]) => {
                // An acknowledgement says where the message was written, before the message.
                let (offset, value) = match sent.as_array().map(Vec::as_slice) {
                    Some([offset, value]) if call.ok().is_some() => (offset.as_u64(), value),
                    _ => (None, sent),
                };
                add(Event::Sent { key: log(key), value: value.into(), offset, failed: call.failed() });
            }
            (Some("poll"), [_, polled]) if call.ok().is_some() => {
                for (key, messages) in polled.as_object().ok_or_else(expected)? {
                    let messages = messages.as_array().ok_or_else(expected)?.iter().map(|message| {
                        let [offset, value] = message.as_array()?.as_slice() else { return None };
                        Some((offset.as_u64()?, Datum::from(value)))
                    });
                    let messages = messages.collect::<Option<_>>().ok_or_else(expected)?;
                    add(Event::Polled { key: as_number(key), messages });
                }
            }
            (Some("poll"), _) if call.ok().is_none() => {}
            _ => return Err(expected()),
        }
    }
    Ok(())
}

/// The name of a log. The keys of maps are texts, so numbers written as texts are numbers.
fn log(key: &Value) -> Datum {
    key.as_str().map_or_else(|| key.into(), as_number)
}

fn as_number(text: &str) -> Datum {
    text.parse().map_or_else(|_| Datum::Text(text.into()), Datum::Int)
}

/// The last reads of a history, and from when on they count.
struct LastReads {
    calls: Vec<usize>,
}

impl LastReads {
    /// Those that the recorder calls final; or those from `quiet` on; or the last one of each process that began after
    /// all changes had ended.
    fn of(operations: &Operations, quiet: Option<u64>, is_change: impl Fn(&Call) -> bool) -> Self {
        let reads =
            || operations.calls.iter().enumerate().filter(|(_, call)| call.function == "read" && call.ok().is_some());
        let indices = |reads: Vec<(usize, &Call)>| LastReads { calls: reads.into_iter().map(|(n, _)| n).collect() };
        if let Some(quiet) = quiet {
            return indices(reads().filter(|(_, call)| call.invoked >= quiet).collect());
        }
        if reads().any(|(_, call)| call.is_final) {
            return indices(reads().filter(|(_, call)| call.is_final).collect());
        }
        let changes = operations.calls.iter().filter(|call| is_change(call));
        let end = changes.map(|call| call.ended.as_ref().map_or(call.invoked, |ended| ended.at)).max().unwrap_or(0);
        let mut last: BTreeMap<u64, (usize, &Call)> = BTreeMap::new();
        last.extend(reads().filter(|(_, call)| call.invoked > end).map(|(n, call)| (call.process, (n, call))));
        indices(last.into_values().collect())
    }
}

const NO_LAST_READ: &str = "no read was invoked after the last change, so nothing shows what it settled on; say from \
    when on reads count with --quiet T";

/// Whether a set or a counter settles on what was done to it, in the reads from `quiet` on, or in the last ones.
///
/// # Errors
/// If a value has the wrong shape.
pub fn settled(operations: &Operations, reading: &Reading, quiet: Option<u64>) -> Result<Judged, LineError> {
    let last = LastReads::of(operations, quiet, |call| call.function != "read" && call.function != "contains");
    if last.calls.is_empty() {
        return Ok((Outcome::Unknown(NO_LAST_READ.into()), operations.calls.len()));
    }
    let outcome = match reading.model {
        Model::Set => settled_set(operations, &last),
        _ => settled_counter(operations, &last),
    };
    Ok((outcome?, operations.calls.len()))
}

fn settled_set(operations: &Operations, last: &LastReads) -> Result<Outcome, LineError> {
    let (mut changes, mut reads) = (Vec::new(), Vec::new());
    for (event, call) in operations.calls.iter().enumerate() {
        let Some((op, answer)) = containers::of_set(call).map_err(|what| call.place.wrong(what))? else { continue };
        let acknowledged = call.ok().is_some();
        match (op, answer) {
            (set::Request::Insert(item), _) => changes.push(Change { event, change: OfSet::Add(item), acknowledged }),
            (set::Request::Remove(item), _) => {
                changes.push(Change { event, change: OfSet::Remove(item), acknowledged })
            }
            (set::Request::Read, Some(set::Answer::Items(items))) if last.calls.contains(&event) => {
                reads.push((event, items));
            }
            _ => {}
        }
    }
    Ok(settled::set(&changes, &reads))
}

fn settled_counter(operations: &Operations, last: &LastReads) -> Result<Outcome, LineError> {
    let (mut changes, mut reads) = (Vec::new(), Vec::new());
    for (event, call) in operations.calls.iter().enumerate() {
        let Some((op, answer)) = counter::request(call).map_err(|what| call.place.wrong(what))? else { continue };
        match (op, answer) {
            (Request::Add(change) | Request::AddAndGet(change), _) => {
                changes.push(Change { event, change, acknowledged: call.ok().is_some() });
            }
            (Request::Read, Some(Answer::Value(value))) if last.calls.contains(&event) => {
                reads.push((event, i128::from(value)));
            }
            (Request::Read, _) => {}
        }
    }
    Ok(settled::counter(&changes, &reads))
}

fn is_of(operations: &Operations, reading: &Reading, model: Model) -> Result<(), LineError> {
    if reading.model == model {
        return Ok(());
    }
    let line = operations.calls.first().map_or(1, |call| call.place.line);
    Err(LineError { line, what: format!("this level is defined on a {model}, not on a {}", reading.model) })
}
