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
    if call.function == "cas" {
        return swap(call, reading, value);
    }
    let (key, asked) = two(&call.asked, "[key, value]")?;
    let key = Datum::from(key);
    let optional = |v: &Value| if v.is_null() { Ok(None) } else { value(v).map(Some) };
    let op = match call.function.as_str() {
        "get" | "read" => Request::Get(key.clone()),
        "put" | "write" => Request::Put(key.clone(), value(asked)?),
        "append" => Request::Append(key.clone(), value(asked)?),
        "delete" => Request::Delete(key.clone()),
        _ => return unknown(call, "get, put, append, cas, delete"),
    };
    if call.failed() {
        return Ok(None);
    }
    let Some(answered) = call.ok() else {
        return Ok(Some((op, None)));
    };
    let ret = match op {
        Request::Get(_) => {
            let (of, got) = two(answered, "[key, value]")?;
            if Datum::from(of) != key {
                return Err(format!("the answer is about the key {of}, and {key} was asked"));
            }
            let says = !reading.null_says_nothing() || !got.is_null();
            says.then(|| optional(got)).transpose()?.map(Answer::Value)
        }
        _ => Some(Answer::Done),
    };
    Ok(Some((op, ret)))
}

/// A compare-and-set, of `[key, [expected, new]]` or `[key, expected, new]`.
fn swap<V: kv::Value>(
    call: &Call,
    reading: &Reading,
    value: impl Fn(&Value) -> Result<V, String>,
) -> Meaning<Request<Datum, V>, Answer<V>> {
    let expected = || format!("expected [key, [expected, new]] or [key, expected, new], found {}", call.asked);
    let (key, old, new) = match call.asked.as_array().map(Vec::as_slice) {
        Some([key, old, new]) => (key, old, new),
        Some([key, swap]) => match swap.as_array().map(Vec::as_slice) {
            Some([old, new]) => (key, old, new),
            _ => return Err(expected()),
        },
        _ => return Err(expected()),
    };
    let old = if old.is_null() { None } else { Some(value(old)?) };
    let op = Request::Cas(key.into(), old, value(new)?);
    if call.failed() {
        return Ok(reading.definite().then_some((op, Some(Answer::Swapped(false)))));
    }
    Ok(Some((op, call.ok().map(|_| Answer::Swapped(true)))))
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
