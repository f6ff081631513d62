//! Several registers with atomic operations on any number of them.

use serde_json::Value;

use crate::checkers::linearizability::specs::register::{Access, Answer};
use crate::formats::datum::Datum;
use crate::formats::object::{Meaning, Reading, unknown};
use crate::formats::recorded::Call;

/// The initial value of all registers; `None` if they differ.
pub fn initial(init: &Value) -> Option<&Value> {
    let Value::Object(registers) = init else { return Some(init) };
    let first = registers.values().next().unwrap_or(&Value::Null);
    registers.values().all(|value| value == first).then_some(first)
}

/// Reads and writes, each with its key.
type Accesses = Vec<(Datum, Access<Datum>)>;

pub fn transaction(call: &Call, reading: &Reading) -> Meaning<Accesses, Vec<Answer<Datum>>> {
    if call.function != "txn" {
        return unknown(call, "txn");
    }
    if call.failed() {
        return Ok(None);
    }
    let asked = parts(&call.asked)?;
    let answered = call.ok().map(parts).transpose()?;
    if let Some(answered) = &answered
        && (answered.len() != asked.len() || answered.iter().zip(&asked).any(|(a, b)| (a.0, a.1) != (b.0, b.1)))
    {
        return Err(format!("the response {} is to other reads and writes", call.ok().unwrap_or(&Value::Null)));
    }
    let (mut op, mut ret) = (Vec::new(), Vec::new());
    for (n, (write, key, value)) in asked.into_iter().enumerate() {
        let read = answered.as_ref().map(|answered| answered[n].2);
        match (write, read) {
            (true, _) => {
                op.push((key.into(), Access::Write(value.into())));
                ret.push(Answer::Written);
            }
            // A read whose value is unknown is left out.
            (false, Some(Value::Null)) if reading.null_says_nothing() => {}
            (false, read) => {
                op.push((key.into(), Access::Read));
                ret.push(Answer::Value(read.unwrap_or(&Value::Null).into()));
            }
        }
    }
    Ok(Some((op, answered.is_some().then_some(ret))))
}

/// Whether it writes, the key, the value.
type Part<'v> = (bool, &'v Value, &'v Value);

fn parts(value: &Value) -> Result<Vec<Part<'_>>, String> {
    let expected = || format!("expected [[\"r\", key, value] or [\"w\", key, value], …], found {value}");
    let parts = value.as_array().ok_or_else(expected)?.iter().map(|part| {
        let [f, key, value] = part.as_array()?.as_slice() else { return None };
        match f.as_str()? {
            "r" | "read" => Some((false, key, value)),
            "w" | "write" => Some((true, key, value)),
            _ => None,
        }
    });
    parts.collect::<Option<_>>().ok_or_else(expected)
}
