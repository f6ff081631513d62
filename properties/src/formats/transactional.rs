//! Recorded histories as transactions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::lines::LineError;
use super::recorded::{Call, Kind, Operations};
use crate::checkers::isolation::{self, History, Mop, Name, Seen, Status, Transaction};

/// Whether the calls are transactions: they say so, or their values are lists of micro-operations, whatever the name of
/// their function. Elle's workloads of registers name it `read` or `write`.
pub fn is_transactional(calls: &[Call]) -> bool {
    calls.iter().any(|call| call.function == "txn" || are_mops(&call.asked) || call.ok().is_some_and(are_mops))
}

/// Whether a value is a list of micro-operations, `[[:r key value] …]`.
fn are_mops(value: &Value) -> bool {
    mops(value).is_ok_and(|mops| !mops.is_empty())
}

/// The transactions of calls, as Jepsen's Elle reads them: an answered read of nil saw the initial version, also of a
/// list. Transactions have the indices of their calls.
///
/// Of completions only, nothing is known about real time, so their transactions have no times.
///
/// # Errors
/// If a call is no transaction, or its answer belongs to another one.
pub fn transactions(operations: &Operations) -> Result<History, LineError> {
    let calls = &operations.calls;
    let lists = calls.iter().flat_map(|call| call.asked.as_array()).flatten().any(is_append);
    let kind = if lists { isolation::Kind::ListAppend } else { isolation::Kind::RwRegister };
    let timed = |transaction: Transaction| {
        if operations.completions_only {
            Transaction { invoked: None, returned: None, ..transaction }
        } else {
            transaction
        }
    };
    let transactions = calls.iter().map(|call| transaction(kind, call).map(timed)).collect::<Result<_, _>>()?;
    Ok(History { kind, transactions })
}

fn is_append(mop: &Value) -> bool {
    mop[0].as_str().is_some_and(|name| name.trim_start_matches(':') == "append")
}

fn transaction(kind: isolation::Kind, call: &Call) -> Result<Transaction, LineError> {
    let ended = call.ended.as_ref().filter(|ended| ended.kind != Kind::Info);
    let status = match ended.map(|ended| ended.kind) {
        Some(Kind::Ok) => Status::Ok,
        Some(_) => Status::Fail,
        None => Status::Info,
    };
    let asked = mops(&call.asked).map_err(|what| call.place.wrong(what))?;
    let mut answered = None;
    if let Some(ended) = ended.filter(|ended| ended.kind == Kind::Ok) {
        let mops = mops(&ended.value).map_err(|what| ended.place.wrong(what))?;
        let alike = |(a, b): (&Part<'_>, &Part<'_>)| (a.0, a.1) == (b.0, b.1) && (a.0 == 'r' || a.2 == b.2);
        if mops.len() != asked.len() || !mops.iter().zip(&asked).all(alike) {
            let what = format!("{} is the answer to another transaction than {}", ended.value, call.asked);
            return Err(ended.place.wrong(what));
        }
        answered = Some(mops);
    }
    let mops = answered.as_ref().unwrap_or(&asked).iter().map(|&(f, key, value)| {
        let key = name(key)?;
        match (f, kind) {
            ('a', isolation::Kind::ListAppend) | ('w', isolation::Kind::RwRegister) => {
                Ok(Mop::Write(key, name(value)?))
            }
            ('r', _) if answered.is_none() => Ok(Mop::Read(key, Seen::Unknown)),
            ('r', kind) => Ok(Mop::Read(key, seen(kind, value)?)),
            _ => Err("a history has appends to lists or writes to registers, not both".to_string()),
        }
    });
    let mops = mops.collect::<Result<_, _>>().map_err(|what| call.place.wrong(what))?;
    let returned = ended.map(|ended| ended.at);
    Ok(Transaction { process: call.process, status, mops, invoked: Some(call.invoked), returned })
}

/// `'r'`, `'w'` or `'a'`, the key, the value.
type Part<'v> = (char, &'v Value, &'v Value);

fn mops(value: &Value) -> Result<Vec<Part<'_>>, String> {
    let expected = |found: &Value| {
        format!("expected a transaction, [[:r key value] or [:w key value] or [:append key value] …], found {found}")
    };
    let mops = value.as_array().ok_or_else(|| expected(value))?.iter().map(|mop| {
        let [f, key, value] = mop.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(expected(mop));
        };
        // Some recorders write keywords as texts with their colon.
        match f.as_str().map(|name| name.trim_start_matches(':')) {
            Some("r" | "read") => Ok(('r', key, value)),
            Some("w" | "write") => Ok(('w', key, value)),
            Some("append") => Ok(('a', key, value)),
            _ => Err(expected(mop)),
        }
    });
    mops.collect()
}

fn seen(kind: isolation::Kind, value: &Value) -> Result<Seen, String> {
    match (value, kind) {
        (Value::Null, isolation::Kind::RwRegister) => Ok(Seen::Nothing),
        (Value::Null, isolation::Kind::ListAppend) => Ok(Seen::List(Vec::new())),
        (Value::Array(items), isolation::Kind::ListAppend) => {
            Ok(Seen::List(items.iter().map(name).collect::<Result<_, _>>()?))
        }
        (value, isolation::Kind::RwRegister) => Ok(Seen::Value(name(value)?)),
        (other, isolation::Kind::ListAppend) => Err(format!("a read of a list returned {other}")),
    }
}

fn name(value: &Value) -> Result<Name, String> {
    match value {
        Value::String(text) => Ok(Name::Text(text.as_str().into())),
        other => {
            let number = other.as_i64().map(Name::Integer);
            number.ok_or_else(|| format!("keys and values are numbers or texts, not {other}"))
        }
    }
}

/// Checks that the transactions of each process are sequential, as far as times are known: a shuffled history has other
/// sessions than were recorded.
///
/// # Errors
/// The transactions that are not, in words.
pub fn in_order(history: &History) -> Result<(), String> {
    let mut last: BTreeMap<u64, (usize, u64)> = BTreeMap::new();
    for (t, transaction) in history.transactions.iter().enumerate() {
        let Some(invoked) = transaction.invoked else { continue };
        let process = transaction.process;
        if let Some(&(other, at)) = last.get(&process)
            && invoked < at
        {
            let words =
                format!("T{t} of process {process} was invoked at {invoked}, but T{other}, which stands before it");
            return Err(format!("{words}, lasted until {at}: are they out of order?"));
        }
        last.insert(process, (t, transaction.returned.unwrap_or(invoked)));
    }
    Ok(())
}
