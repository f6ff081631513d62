//! Mutexes, semaphores, and locks with fencing tokens.

use serde_json::Value;

use crate::checkers::linearizability::specs::{fenced_lock, mutex, semaphore};
use crate::formats::object::{Meaning, Reading, unknown};
use crate::formats::recorded::Call;

pub fn of_mutex(call: &Call, reading: &Reading) -> Meaning<mutex::Request, mutex::Answer> {
    use mutex::{Answer, Request};
    let op = match call.function.as_str() {
        "acquire" => Request::Acquire(call.process),
        "try-acquire" => Request::TryAcquire(call.process),
        "release" => Request::Release(call.process),
        _ => return unknown(call, "acquire, try-acquire, release"),
    };
    let tries = matches!(op, Request::TryAcquire(_));
    if call.failed() {
        return Ok((tries && reading.definite()).then_some((op, Some(Answer::Took(false)))));
    }
    Ok(Some((op, call.ok().map(|_| if tries { Answer::Took(true) } else { Answer::Done }))))
}

pub fn of_semaphore(call: &Call, reading: &Reading) -> Meaning<semaphore::Request, semaphore::Answer> {
    use semaphore::{Answer, Request};
    let permits = || if call.asked.is_null() { Ok(1) } else { number(&call.asked) };
    let op = match call.function.as_str() {
        "acquire" => Request::Acquire(permits()?),
        "try-acquire" => Request::TryAcquire(permits()?),
        "release" => Request::Release(permits()?),
        _ => return unknown(call, "acquire, try-acquire, release"),
    };
    let tries = matches!(op, Request::TryAcquire(_));
    if call.failed() {
        return Ok((tries && reading.definite()).then_some((op, Some(Answer::Took(false)))));
    }
    Ok(Some((op, call.ok().map(|_| if tries { Answer::Took(true) } else { Answer::Done }))))
}

pub fn of_fenced_lock(call: &Call, reading: &Reading) -> Meaning<fenced_lock::Request, fenced_lock::Answer> {
    use fenced_lock::{Answer, Request};
    let op = match call.function.as_str() {
        "acquire" => Request::Acquire(call.process),
        "release" => Request::Release(call.process),
        "use" => Request::Use(number(&call.asked)?),
        _ => return unknown(call, "acquire, release, use"),
    };
    if call.failed() {
        let refused = match op {
            Request::Acquire(_) => Answer::Refused,
            Request::Release(_) => Answer::Released(false),
            Request::Use(_) => Answer::Used(false),
        };
        return Ok(reading.definite().then_some((op, Some(refused))));
    }
    let ret = match (op, call.ok()) {
        (_, None) => None,
        (Request::Acquire(_), Some(token)) => Some(Answer::Granted(number(token)?)),
        (Request::Release(_), Some(_)) => Some(Answer::Released(true)),
        (Request::Use(_), Some(_)) => Some(Answer::Used(true)),
    };
    Ok(Some((op, ret)))
}

fn number(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| format!("expected a number, found {value}"))
}
