//! Counters.

use serde_json::Value;

use crate::checkers::linearizability::specs::counter::{Answer, Request};
use crate::formats::object::{Meaning, unknown};
use crate::formats::recorded::Call;

pub fn request(call: &Call) -> Meaning<Request, Answer> {
    let number = |value: &Value| value.as_i64().ok_or_else(|| format!("expected a whole number, found {value}"));
    let amount = || if call.asked.is_null() { Ok(1) } else { number(&call.asked) };
    let op = match call.function.as_str() {
        "read" => Request::Read,
        "add" => Request::Add(number(&call.asked)?),
        "increment" => Request::Add(amount()?),
        "decrement" => {
            let lessened = amount()?.checked_neg();
            Request::Add(lessened.ok_or_else(|| format!("{} is too large an amount", call.asked))?)
        }
        "add-and-get" => Request::AddAndGet(number(&call.asked)?),
        _ => return unknown(call, "read, add, increment, decrement, add-and-get"),
    };
    let ret = match (op, call.ok()) {
        (_, None) => None,
        (Request::Add(_), Some(_)) => Some(Answer::Added),
        (_, Some(value)) if value.is_null() => None,
        (_, Some(value)) => Some(Answer::Value(number(value)?)),
    };
    Ok((!call.failed()).then_some((op, ret)))
}
