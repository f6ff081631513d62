//! The judges, which call the checkers of `seedbed-properties`; one per file.

mod chain;
mod isolation;
mod linearizability;
mod sequential;
mod staleness;
mod weak;

use seedbed_properties::formats::transactional::{in_order, is_transactional, transactions};
use seedbed_properties::formats::{Call, Contents, LineError, Operations, Reading, Recorded};
use serde_json::{Value, json};

use crate::commands::check::judged::{Result, statistics};
use crate::commands::check::level::{Level, OfOperations};
use crate::commands::check::{How, Said};

/// Judges a history.
///
/// # Errors
/// If the history is invalid, or the level does not apply to it. The error names the line.
pub fn judge(recorded: &Recorded, level: &Level, how: &How) -> Result<Said> {
    let line = recorded.line;
    match &recorded.contents {
        Contents::Transactions { history, sessions } => {
            let isolation = level.of_transactions.ok_or_else(|| of_transactions(line, level))?;
            in_order(history).map_err(|what| LineError { line, what })?;
            let sessions = how.sessions.or(*sessions).unwrap_or(false);
            let judged = isolation::judge(line, history, isolation, sessions, how)?;
            Ok(Said { judged, model: None, sessions: Some(sessions) })
        }
        Contents::Operations(operations) => match level.of_transactions {
            Some(isolation) if is_transactional(&operations.calls) => {
                let history = transactions(&operations.calls)?;
                let sessions = how.sessions.unwrap_or(false);
                let judged = isolation::judge(line, &history, isolation, sessions, how)?;
                Ok(Said { judged, model: None, sessions: Some(sessions) })
            }
            _ => {
                let of_operations = level.of_operations.ok_or_else(|| of_operations(line, level))?;
                let reading = reading(operations, how)?;
                let mut judged = operations_keep(operations, &reading, level.name, of_operations, how)?;
                judged.statistics.extend(statistics(operations));
                Ok(Said { judged, model: Some(reading.model), sessions: None })
            }
        },
    }
}

fn operations_keep(
    operations: &Operations,
    reading: &Reading,
    name: &'static str,
    level: OfOperations,
    how: &How,
) -> Result {
    match level {
        OfOperations::Linearizability => linearizability::judge(operations, reading, name, how),
        OfOperations::Sequential => sequential::judge(operations, reading, name, how),
        OfOperations::Weak(weak) => weak::judge(operations, reading, name, weak, how),
        OfOperations::Sessions => weak::sessions(operations, reading, name, how),
        OfOperations::Staleness => staleness::judge(operations, reading, name, how),
        OfOperations::Eventual => weak::eventual(operations, reading, name, how),
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
