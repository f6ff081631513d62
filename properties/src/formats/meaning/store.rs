//! Key-value stores.

use serde_json::Value;

use crate::checkers::linearizability::specs::kv::{self, Answer, Request};
use crate::formats::datum::Datum;
use crate::formats::object::{Meaning, Reading, two, unknown};
use crate::formats::recorded::Call;

pub fn request<V: kv::Value>(
    call: &Call,
    reading: &Reading,
    value: impl Fn(&Value) -> Result<V, String>,
) -> Meaning<Request<Datum, V>, Answer<V>> {
    let (key, asked) = two(&call.asked, "[key, value]")?;
    let key = Datum::from(key);
    let optional = |v: &Value| if v.is_null() { Ok(None) } else { value(v).map(Some) };
    let op = match call.function.as_str() {
        "get" | "read" => Request::Get(key),
        "put" | "write" => Request::Put(key, value(asked)?),
        "append" => Request::Append(key, value(asked)?),
        "cas" => {
            let (expected, new) = two(asked, "[key, [expected, new]]")?;
            Request::Cas(key, optional(expected)?, value(new)?)
        }
        "delete" => Request::Delete(key),
        _ => return unknown(call, "get, put, append, cas, delete"),
    };
    if call.failed() {
        let saw = reading.definite() && call.function == "cas";
        return Ok(saw.then_some((op, Some(Answer::Swapped(false)))));
    }
    let Some(answered) = call.ok() else {
        return Ok(Some((op, None)));
    };
    let ret = match op {
        Request::Get(_) => {
            let (_, got) = two(answered, "[key, value]")?;
            let says = !reading.null_says_nothing() || !got.is_null();
            says.then(|| optional(got)).transpose()?.map(Answer::Value)
        }
        Request::Cas(..) => Some(Answer::Swapped(true)),
        _ => Some(Answer::Done),
    };
    Ok(Some((op, ret)))
}

pub fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_string).ok_or_else(|| format!("expected text, found {value}"))
}

/// Whether all values are texts, which need not be wrapped.
pub fn is_of_texts(calls: &[Call], init: &Value) -> bool {
    let is_text = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([_, value]) => value.is_null() || value.is_string(),
        _ => false,
    };
    let said = |call: &Call| match call.function.as_str() {
        "get" | "read" => call.ok().is_none_or(is_text),
        "delete" => true,
        _ => is_text(&call.asked),
    };
    (init.is_null() || init.is_string()) && calls.iter().all(said)
}
