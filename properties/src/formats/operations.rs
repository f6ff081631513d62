//! Histories of operations on one object, one history a line: what `seedbed check linearizability` reads.
//!
//! ```json
//! {"id": "a", "model": "cas-register", "init": 0, "events": [[1, "invoke", "write", 3], [1, "ok", "write", 3]]}
//! ```
//!
//! An event is `[process, type, function, value]`; its type is `invoke`, `ok`, `fail` (certainly without effect) or
//! `info` (nobody knows: it may take effect at any later time, or never). A process has one operation open at a time.
//!
//! | model | functions: value of the invocation → value of the response |
//! |---|---|
//! | `register`, `cas-register` | `read`: – → v; `write`: v; `cas`: `[expected, new]` |
//! | `kv`, `kv-string-append` | `get`: `[key, –]` → `[key, v]`; `put`, `append`: `[key, v]`; `cas`: `[key, [expected, new]]`; `delete`: `[key, –]` |
//! | `counter` | `read`: – → n; `add`: n |
//! | `queue` | `enqueue`: v; `dequeue`: – → v, or null if it was empty |
//! | `stack` | `push`: v; `pop`: – → v, or null if it was empty |
//! | `mutex` | `acquire`, `release`; the process is the holder |
//!
//! Recorders disagree on two points. Where the line says `"failed_cas": "definite"`, a `cas` that failed *saw* another
//! value, and a read of null saw that nothing was there; otherwise a failed operation never happened, and a read of
//! null says nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::jsonl::{LineError, lines};
use crate::linearizability::specs::{cas_register, counter, kv, mutex, queue, stack};
use crate::linearizability::{Checker, Limits, Operation, Verdict};

/// A history as the file has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Recorded {
    /// Its name; nothing: it has none but its line.
    #[serde(default)]
    pub id: Option<String>,
    /// Which object it is of.
    pub model: String,
    /// What the object holds at first.
    #[serde(default)]
    pub init: Value,
    /// What a failed compare-and-set and a read of null mean.
    #[serde(default)]
    pub failed_cas: FailedCas,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Whether it is linearizable, where that is known.
    #[serde(default)]
    pub expect: Option<bool>,
}

/// What a failed compare-and-set means, and a read of null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedCas {
    /// It never happened; a read of null says nothing.
    #[default]
    Nothing,
    /// It saw another value than it expected; a read of null saw that nothing was there.
    Definite,
}

/// `[process, type, function, value]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Event(pub u64, pub Kind, pub String, #[serde(default)] pub Value);

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An operation begins.
    Invoke,
    /// It returned.
    Ok,
    /// It certainly had no effect.
    Fail,
    /// Nobody knows.
    Info,
}

/// A history that was read, with its line.
pub fn read(text: &str) -> impl Iterator<Item = (usize, Result<Recorded, LineError>)> {
    lines(text)
}

/// A value in a recorded history.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Datum {
    /// Nothing.
    Null,
    /// A number.
    Int(i64),
    /// Text.
    Text(Arc<str>),
    /// Anything else, as JSON.
    Json(Arc<str>),
}

impl From<&Value> for Datum {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Datum::Null,
            Value::String(text) => Datum::Text(text.as_str().into()),
            other => other.as_i64().map_or_else(|| Datum::Json(other.to_string().into()), Datum::Int),
        }
    }
}

impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Null => f.write_str("null"),
            Datum::Int(n) => n.fmt(f),
            Datum::Text(text) => text.fmt(f),
            Datum::Json(text) => f.write_str(text),
        }
    }
}

impl kv::Value for Datum {}

/// Judges a history of line `line`. The places in the verdict count the operations that were judged.
///
/// # Errors
/// The history makes no sense: an unknown model or function, a response without an invocation, an invocation by a
/// process that has one open, or a value of the wrong shape. The error names the line and the event.
pub fn check(line: usize, recorded: &Recorded, limits: Limits) -> Result<(Verdict, usize), LineError> {
    let paired = pair(line, recorded)?;
    let definite = recorded.failed_cas == FailedCas::Definite;
    match recorded.model.as_str() {
        "register" | "cas-register" => {
            let operations = convert(line, &paired, |call| on_register(call, definite))?;
            let spec = cas_register::CasRegister::new(Datum::from(&recorded.init));
            Ok((Checker::new(spec).limits(limits).check(&operations), operations.len()))
        }
        "kv-string-append" => {
            let operations = convert(line, &paired, |call| on_store(call, definite, string))?;
            let spec = match &recorded.init {
                Value::String(init) => kv::Kv::reading_absent_as(init.clone()),
                _ => kv::Kv::new(),
            };
            Ok((Checker::new(spec).limits(limits).check(&operations), operations.len()))
        }
        "kv" => {
            let operations = convert(line, &paired, |call| on_store(call, definite, |value| Ok(Datum::from(value))))?;
            let spec = match &recorded.init {
                Value::Null => kv::Kv::new(),
                init => kv::Kv::reading_absent_as(Datum::from(init)),
            };
            Ok((Checker::new(spec).limits(limits).check(&operations), operations.len()))
        }
        "counter" => {
            let operations = convert(line, &paired, on_counter)?;
            Ok((Checker::new(counter::Counter).limits(limits).check(&operations), operations.len()))
        }
        "queue" => {
            let operations = convert(line, &paired, on_queue)?;
            Ok((Checker::new(queue::Queue::new()).limits(limits).check(&operations), operations.len()))
        }
        "stack" => {
            let operations = convert(line, &paired, on_stack)?;
            Ok((Checker::new(stack::Stack::new()).limits(limits).check(&operations), operations.len()))
        }
        "mutex" => {
            let operations = convert(line, &paired, on_mutex)?;
            Ok((Checker::new(mutex::Mutex).limits(limits).check(&operations), operations.len()))
        }
        other => {
            let known = "register, cas-register, kv, kv-string-append, counter, queue, stack, mutex";
            Err(LineError { line, what: format!("unknown model {other:?}; there are {known}") })
        }
    }
}

/// An invocation with its response, if it has one.
struct Call<'a> {
    process: u64,
    function: &'a str,
    asked: &'a Value,
    invoked: usize,
    /// When, how, and with what value it ended.
    ended: Option<(usize, Kind, &'a Value)>,
}

impl Call<'_> {
    fn ok(&self) -> Option<&Value> {
        self.ended.filter(|&(_, kind, _)| kind == Kind::Ok).map(|(_, _, value)| value)
    }
    fn failed(&self) -> bool {
        self.ended.is_some_and(|(_, kind, _)| kind == Kind::Fail)
    }
}

/// Finds the response of each invocation.
fn pair(line: usize, recorded: &Recorded) -> Result<Vec<Call<'_>>, LineError> {
    let mut calls: Vec<Call<'_>> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, Event(process, kind, function, value)) in recorded.events.iter().enumerate() {
        let wrong = |what: String| Err(LineError { line, what: format!("event {}: {what}", at + 1) });
        if *kind == Kind::Invoke {
            if let Some(&other) = open.get(process) {
                let Call { function: other, invoked, .. } = &calls[other];
                let also = format!("its {other} of event {} is still open", invoked + 1);
                return wrong(format!("process {process} invokes {function}, but {also}"));
            }
            open.insert(*process, calls.len());
            calls.push(Call { process: *process, function, asked: value, invoked: at, ended: None });
            continue;
        }
        let Some(call) = open.remove(process).map(|n| &mut calls[n]) else {
            return wrong(format!("process {process} has a response to {function}, but no invocation is open"));
        };
        if call.function != function {
            let invoked = format!("it invoked {} (event {})", call.function, call.invoked + 1);
            return wrong(format!("process {process} has a response to {function}, but {invoked}"));
        }
        call.ended = Some((at, *kind, value));
    }
    Ok(calls)
}

/// What a function makes of a call: the operation and its answer; nothing: it never happened.
type Meaning<O, R> = Result<Option<(O, Option<R>)>, String>;

/// Makes operations of calls. Times are places in the list of events.
fn convert<O, R>(
    line: usize,
    calls: &[Call<'_>],
    meaning: impl Fn(&Call<'_>) -> Meaning<O, R>,
) -> Result<Vec<Operation<O, R>>, LineError> {
    let mut operations = Vec::with_capacity(calls.len());
    for call in calls {
        let meant = meaning(call);
        let meant = meant.map_err(|what| LineError { line, what: format!("event {}: {what}", call.invoked + 1) })?;
        let Some((op, ret)) = meant else { continue };
        let ended = call.ended.filter(|&(_, kind, _)| kind != Kind::Info);
        let (invoked, returned) = (call.invoked as u64, ended.map(|(at, ..)| at as u64));
        operations.push(Operation { process: call.process, op, invoked, returned, ret });
    }
    Ok(operations)
}

fn unknown<T>(call: &Call<'_>, known: &str) -> Result<T, String> {
    Err(format!("unknown function {:?}; there are {known}", call.function))
}

fn two<'v>(value: &'v Value, what: &str) -> Result<(&'v Value, &'v Value), String> {
    match value.as_array().map(Vec::as_slice) {
        Some([first, second]) => Ok((first, second)),
        _ => Err(format!("expected {what}, found {value}")),
    }
}

fn string(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_string).ok_or_else(|| format!("expected text, found {value}"))
}

fn on_register(call: &Call<'_>, definite: bool) -> Meaning<cas_register::Access<Datum>, cas_register::Answer<Datum>> {
    use cas_register::{Access, Answer};
    let op = match call.function {
        "read" => Access::Read,
        "write" => Access::Write(call.asked.into()),
        "cas" => {
            let (expected, new) = two(call.asked, "[expected, new]")?;
            Access::Cas(expected.into(), new.into())
        }
        _ => return unknown(call, "read, write, cas"),
    };
    if call.failed() {
        let saw = definite && call.function == "cas";
        return Ok(saw.then_some((op, Some(Answer::Swapped(false)))));
    }
    let ret = call.ok().and_then(|value| match op {
        Access::Read if value.is_null() && !definite => None,
        Access::Read => Some(Answer::Value(value.into())),
        Access::Write(_) => Some(Answer::Written),
        Access::Cas(..) => Some(Answer::Swapped(true)),
    });
    Ok(Some((op, ret)))
}

fn on_store<V: kv::Value>(
    call: &Call<'_>,
    definite: bool,
    value: impl Fn(&Value) -> Result<V, String>,
) -> Meaning<kv::Request<Datum, V>, kv::Answer<V>> {
    use kv::{Answer, Request};
    let (key, asked) = two(call.asked, "[key, value]")?;
    let key = Datum::from(key);
    let optional = |v: &Value| if v.is_null() { Ok(None) } else { value(v).map(Some) };
    let op = match call.function {
        "get" => Request::Get(key),
        "put" => Request::Put(key, value(asked)?),
        "append" => Request::Append(key, value(asked)?),
        "cas" => {
            let (expected, new) = two(asked, "[key, [expected, new]]")?;
            Request::Cas(key, optional(expected)?, value(new)?)
        }
        "delete" => Request::Delete(key),
        _ => return unknown(call, "get, put, append, cas, delete"),
    };
    if call.failed() {
        let saw = definite && call.function == "cas";
        return Ok(saw.then_some((op, Some(Answer::Swapped(false)))));
    }
    let Some(answered) = call.ok() else {
        return Ok(Some((op, None)));
    };
    let ret = match op {
        Request::Get(_) => {
            let (_, got) = two(answered, "[key, value]")?;
            let says = definite || !got.is_null();
            says.then(|| optional(got)).transpose()?.map(Answer::Value)
        }
        Request::Cas(..) => Some(Answer::Swapped(true)),
        _ => Some(Answer::Done),
    };
    Ok(Some((op, ret)))
}

fn on_counter(call: &Call<'_>) -> Meaning<counter::Request, counter::Answer> {
    use counter::{Answer, Request};
    let number = |value: &Value| value.as_i64().ok_or_else(|| format!("expected a whole number, found {value}"));
    let op = match call.function {
        "read" => Request::Read,
        "add" => Request::Add(number(call.asked)?),
        _ => return unknown(call, "read, add"),
    };
    let ret = match (op, call.ok()) {
        (_, None) => None,
        (Request::Read, Some(value)) if value.is_null() => None,
        (Request::Read, Some(value)) => Some(Answer::Value(number(value)?)),
        _ => Some(Answer::Added),
    };
    Ok((!call.failed()).then_some((op, ret)))
}

fn on_queue(call: &Call<'_>) -> Meaning<queue::Request<Datum>, queue::Answer<Datum>> {
    use queue::{Answer, Request};
    let op = match call.function {
        "enqueue" => Request::Enqueue(call.asked.into()),
        "dequeue" => Request::Dequeue,
        _ => return unknown(call, "enqueue, dequeue"),
    };
    let ret = call.ok().map(|value| match op {
        Request::Enqueue(_) => Answer::Enqueued,
        Request::Dequeue => Answer::Dequeued((!value.is_null()).then(|| value.into())),
    });
    Ok((!call.failed()).then_some((op, ret)))
}

fn on_stack(call: &Call<'_>) -> Meaning<stack::Request<Datum>, stack::Answer<Datum>> {
    use stack::{Answer, Request};
    let op = match call.function {
        "push" => Request::Push(call.asked.into()),
        "pop" => Request::Pop,
        _ => return unknown(call, "push, pop"),
    };
    let ret = call.ok().map(|value| match op {
        Request::Push(_) => Answer::Pushed,
        Request::Pop => Answer::Popped((!value.is_null()).then(|| value.into())),
    });
    Ok((!call.failed()).then_some((op, ret)))
}

fn on_mutex(call: &Call<'_>) -> Meaning<mutex::Request, mutex::Answer> {
    use mutex::{Answer, Request};
    let op = match call.function {
        "acquire" => Request::Acquire(call.process),
        "release" => Request::Release(call.process),
        _ => return unknown(call, "acquire, release"),
    };
    Ok((!call.failed()).then_some((op, call.ok().map(|_| Answer::Done))))
}
