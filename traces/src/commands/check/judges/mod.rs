//! The judges, which call the checkers of `seedbed-properties`; one per file.

mod chain;
mod isolation;
mod linearizability;
mod sequential;
mod staleness;
mod weak;
mod workloads;

use seedbed_properties::formats::transactional::{in_order, is_transactional, transactions};
use seedbed_properties::formats::{Call, Contents, LineError, Operations, Reading, Recorded};
use serde_json::{Value, json};

use crate::commands::check::judged::{Judged, Result, statistics};
use crate::commands::check::level::{Level, OfOperations};
use crate::commands::check::{How, Said};
use isolation::Asked;

/// Judges a history, and notes what is known before a long search begins.
///
/// # Errors
/// If the history is invalid, or the level does not apply to it. The error names the line.
pub fn judge(recorded: &Recorded, level: &Level, how: &How, note: &dyn Fn(&str)) -> Result<Said> {
    let line = recorded.line;
    match &recorded.contents {
        Contents::Transactions { history, sessions } => {
            let isolation = level.of_transactions.ok_or_else(|| of_transactions(line, level))?;
            in_order(history).map_err(|what| LineError { line, what })?;
            let sessions = how.sessions.or(*sessions).unwrap_or(false);
            let timed = true;
            let judged = isolation::judge(&Asked { line, history, level: isolation, sessions, timed }, how, note)?;
            Ok(Said { judged, model: None, sessions: Some(sessions) })
        }
        Contents::Operations(operations) => match level.of_transactions {
            Some(isolation) if is_transactional(&operations.calls) => {
                let history = transactions(operations)?;
                let sessions = how.sessions.unwrap_or(false);
                let timed = !operations.completions_only;
                let judged =
                    isolation::judge(&Asked { line, history: &history, level: isolation, sessions, timed }, how, note)?;
                Ok(Said { judged, model: None, sessions: Some(sessions) })
            }
            _ => {
                let of_operations = level.of_operations.ok_or_else(|| of_operations(line, level))?;
                are_operations(operations, level, how)?;
                let reading = reading(operations, how)?;
                let mut judged = operations_keep(operations, &reading, level.name, of_operations, how)?;
                judged.statistics.extend(statistics(operations));
                Ok(Said { judged, model: Some(reading.model), sessions: None })
            }
        },
    }
}

/// Refuses transactions that are taken for operations only because of the names of their functions. Where an object is
/// declared, or all functions are `txn`, that is meant: several registers, read and written together.
fn are_operations(operations: &Operations, level: &Level, how: &How) -> std::result::Result<(), LineError> {
    let is_declared = how.model.or(operations.model).is_some();
    let is_other = |call: &&Call| call.function != "txn";
    match operations.calls.iter().find(is_other) {
        Some(call) if !is_declared && is_transactional(&operations.calls) && !keeps_transactions(operations) => {
            let what = format!(
                "these are transactions, lists of reads and writes, whatever their functions are called, and {} is for \
                 operations on one object; ask for an isolation level, such as strict-serializable",
                level.name
            );
            Err(call.place.wrong(what))
        }
        _ => Ok(()),
    }
}

/// Whether these are the sends and polls of logs, which are lists too.
fn keeps_transactions(operations: &Operations) -> bool {
    operations.calls.iter().any(|call| matches!(call.function.as_str(), "send" | "poll"))
}

fn operations_keep(
    operations: &Operations,
    reading: &Reading,
    name: &'static str,
    level: OfOperations,
    how: &How,
) -> Result {
    if operations.completions_only && level.needs_real_time() {
        let why = "only completions were recorded, so it is not known which operations were concurrent, and this level \
                   asks that; ask for sequential, causal, …";
        return Ok(Judged::unknown(name, operations.calls.len(), why));
    }
    match level {
        OfOperations::Linearizability => linearizability::judge(operations, reading, name, how),
        OfOperations::Sequential => sequential::judge(operations, reading, name, how),
        OfOperations::Weak(weak) => weak::judge(operations, reading, name, weak, how),
        OfOperations::Sessions => weak::sessions(operations, reading, name, how),
        OfOperations::Staleness => staleness::judge(operations, reading, name, how),
        OfOperations::Eventual => match workloads::settled(operations, reading, name, how)? {
            Some(judged) => Ok(judged),
            None => weak::eventual(operations, reading, name, how),
        },
        OfOperations::Promise(promise) => workloads::judge(operations, reading, name, promise),
    }
}

/// The declarations of the file, overridden by the command line.
fn reading(operations: &Operations, how: &How) -> Result<Reading> {
    let said = match how.model {
        Some(model) => Reading::as_model(operations, model),
        None => Reading::of(operations)?,
    };
    Ok(Reading {
        init: how.init.clone().unwrap_or(said.init),
        failed_cas: how.failed_cas.unwrap_or(said.failed_cas),
        null_read: how.null_read.unwrap_or(said.null_read),
        model: said.model,
    })
}

fn of_transactions(line: usize, level: &Level) -> LineError {
    let what = format!(
        "this is a history of transactions, and {} is for operations on one object; ask for an isolation level, such as \
         serializable",
        level.name
    );
    LineError { line, what }
}

fn of_operations(line: usize, level: &Level) -> LineError {
    let what = format!(
        "this is a history of operations on one object, and {} is for transactions; ask for linearizability, sequential, \
         causal, …",
        level.name
    );
    LineError { line, what }
}

/// A call as JSON.
fn call_json(call: &Call) -> Value {
    json!({
        "process": call.process,
        "function": call.function,
        "asked": call.asked,
        "answered": call.ok(),
        "line": call.place.line,
        "event": call.place.event,
        "invoked": call.invoked,
        "returned": call.returned(),
    })
}
