//! Queues, stacks, sets and logs.

use serde_json::Value;

use crate::checkers::linearizability::specs::{append_only_log as log, queue, set, stack};
use crate::formats::datum::Datum;
use crate::formats::object::{Meaning, unknown};
use crate::formats::recorded::Call;

pub fn of_queue(call: &Call) -> Meaning<queue::Request<Datum>, queue::Answer<Datum>> {
    use queue::{Answer, Request};
    let op = match call.function.as_str() {
        "enqueue" => Request::Enqueue((&call.asked).into()),
        "dequeue" => Request::Dequeue,
        _ => return unknown(call, "enqueue, dequeue"),
    };
    let ret = call.ok().map(|value| match op {
        Request::Enqueue(_) => Answer::Enqueued,
        Request::Dequeue => Answer::Dequeued((!value.is_null()).then(|| value.into())),
    });
    Ok((!call.failed()).then_some((op, ret)))
}

pub fn of_stack(call: &Call) -> Meaning<stack::Request<Datum>, stack::Answer<Datum>> {
    use stack::{Answer, Request};
    let op = match call.function.as_str() {
        "push" => Request::Push((&call.asked).into()),
        "pop" => Request::Pop,
        _ => return unknown(call, "push, pop"),
    };
    let ret = call.ok().map(|value| match op {
        Request::Push(_) => Answer::Pushed,
        Request::Pop => Answer::Popped((!value.is_null()).then(|| value.into())),
    });
    Ok((!call.failed()).then_some((op, ret)))
}

pub fn of_set(call: &Call) -> Meaning<set::Request<Datum>, set::Answer<Datum>> {
    use set::{Answer, Request};
    let item = || Datum::from(&call.asked);
    let op = match call.function.as_str() {
        "add" | "insert" | "broadcast" => Request::Insert(item()),
        "remove" | "delete" => Request::Remove(item()),
        "contains" => Request::Contains(item()),
        "read" => Request::Read,
        _ => return unknown(call, "add, remove, contains, read"),
    };
    let Some(value) = call.ok().filter(|_| !call.failed()) else {
        return Ok((!call.failed()).then_some((op, None)));
    };
    let ret = match (&op, value) {
        (Request::Read, Value::Null) => None,
        (Request::Read, value) => Some(Answer::Items(list(value)?.into_iter().collect())),
        // Some recorders repeat the argument in the answer.
        (Request::Insert(_) | Request::Remove(_), value) if *value == call.asked => Some(Answer::Done),
        (_, Value::Bool(said)) => Some(Answer::Said(*said)),
        (Request::Contains(_), value) => return Err(format!("expected true or false, found {value}")),
        _ => Some(Answer::Done),
    };
    Ok(Some((op, ret)))
}

pub fn of_log(call: &Call) -> Meaning<log::Request<Datum>, log::Answer<Datum>> {
    use log::{Answer, Request};
    let index = |value: &Value| {
        let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
        index.ok_or_else(|| format!("expected an index, found {value}"))
    };
    let op = match call.function.as_str() {
        "append" => Request::Append((&call.asked).into()),
        "read" if call.asked.is_null() => Request::Read(0),
        "read" => Request::Read(index(&call.asked)?),
        _ => return unknown(call, "append, read"),
    };
    let Some(value) = call.ok().filter(|_| !call.failed()) else {
        return Ok((!call.failed()).then_some((op, None)));
    };
    let ret = match (&op, value) {
        (Request::Read(_), Value::Null) => None,
        (Request::Read(_), value) => Some(Answer::Entries(list(value)?)),
        (Request::Append(_), value) => match value.as_array().map(Vec::as_slice) {
            Some([entry, at]) if *value != call.asked && *entry == call.asked => Some(Answer::At(index(at)?)),
            _ => Some(Answer::Appended),
        },
    };
    Ok(Some((op, ret)))
}

fn list(value: &Value) -> Result<Vec<Datum>, String> {
    let items = value.as_array().ok_or_else(|| format!("expected a list, found {value}"))?;
    Ok(items.iter().map(Datum::from).collect())
}
