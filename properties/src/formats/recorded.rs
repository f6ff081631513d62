//! Recorded histories, independent of their format.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::lines::LineError;
use super::object::Model;
use crate::checkers::isolation;

/// A recorded history.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its name; `None` if it is identified by its line only.
    pub id: Option<String>,
    /// The line at which it begins, from 1.
    pub line: usize,
    /// Its operations or transactions.
    pub contents: Contents,
    /// The known verdict, in the form of the file.
    pub expect: Option<Value>,
}

/// The contents of a history.
#[derive(Clone, Debug)]
pub enum Contents {
    /// Operations on one object.
    Operations(Operations),
    /// Transactions.
    Transactions {
        /// All on objects of one kind.
        history: isolation::History,
        /// Whether snapshot isolation includes the order of sessions ([`isolation::Options::sessions`]), if the file
        /// declares it.
        sessions: Option<bool>,
    },
}

/// Operations, and the file's declarations on how to read them.
#[derive(Clone, Debug)]
pub struct Operations {
    /// The object, if the file declares it.
    pub model: Option<Model>,
    /// The initial value, if the file declares it.
    pub init: Option<Value>,
    /// The meaning of a failed compare-and-set, if the file declares it.
    pub failed_cas: Option<FailedCas>,
    /// The meaning of a read of null, if the file declares it.
    pub null_read: Option<NullRead>,
    /// The unit of the calls' times: `ns`, or `events` if they count the events of the file.
    pub unit: &'static str,
    /// Whether only completions were recorded, so that nothing is known about when operations were invoked.
    pub completions_only: bool,
    /// The calls, in the order of invocation.
    pub calls: Vec<Call>,
}

/// The meaning of a failed compare-and-set or other attempt. Recorders differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedCas {
    /// It never happened, for an unknown reason.
    #[default]
    Nothing,
    /// It saw a value other than the expected one.
    Definite,
}

/// The meaning of a read of null. Recorders differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullRead {
    /// The value that was read is unknown.
    #[default]
    Nothing,
    /// The value was absent.
    Absent,
}

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An operation begins.
    Invoke,
    /// It returned.
    Ok,
    /// It failed, without effect.
    Fail,
    /// Its outcome is unknown.
    Info,
}

/// A position in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the line, from 1.
    pub line: usize,
    /// The number of the event, from 1, if a line has many.
    pub event: Option<usize>,
}

impl Place {
    /// An error at this position.
    pub fn wrong(self, what: impl fmt::Display) -> LineError {
        let what = match self.event {
            Some(event) => format!("event {event}: {what}"),
            None => what.to_string(),
        };
        LineError { line: self.line, what }
    }
}

/// `event 3`, or `line 3` if each event has a line.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Some(event) => write!(f, "event {event}"),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// An event in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its position in the file.
    pub place: Place,
    /// The client.
    pub process: u64,
    /// Invocation, or kind of response.
    pub kind: Kind,
    /// The name of a function of the object.
    pub function: String,
    /// The argument of an invocation, or the answer of a response.
    pub value: Value,
    /// Whether the recorder calls it one of the last, after everything was delivered.
    pub is_final: bool,
}

/// An invocation with its response, if it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The client.
    pub process: u64,
    /// The name of a function of the object.
    pub function: String,
    /// The argument.
    pub asked: Value,
    /// The time of the invocation, in [`Operations::unit`].
    pub invoked: u64,
    /// The position of the invocation in the file.
    pub place: Place,
    /// The response; `None` if there was none.
    pub ended: Option<Ended>,
    /// Whether the recorder calls it one of the last, after everything was delivered.
    pub is_final: bool,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The time of the response, in [`Operations::unit`].
    pub at: u64,
    /// The kind of response: never [`Kind::Invoke`].
    pub kind: Kind,
    /// The answer.
    pub value: Value,
    /// Its position in the file.
    pub place: Place,
}

impl Call {
    /// The answer of a call that succeeded.
    pub fn ok(&self) -> Option<&Value> {
        self.ended.as_ref().filter(|ended| ended.kind == Kind::Ok).map(|ended| &ended.value)
    }

    /// Whether it failed, without effect.
    pub fn failed(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.kind == Kind::Fail)
    }

    /// The time of its return; `None` if that is unknown.
    pub fn returned(&self) -> Option<u64> {
        self.ended.as_ref().filter(|ended| ended.kind != Kind::Info).map(|ended| ended.at)
    }
}

/// The calls of a history, and whether only completions were recorded. Completions without invocations are calls of their
/// own, one after the other: what was asked is in their value too. Otherwise see [`pair`].
///
/// # Errors
/// As of [`pair`].
pub fn calls(events: Vec<Event>) -> Result<(Vec<Call>, bool), LineError> {
    if events.is_empty() || events.iter().any(|event| event.kind == Kind::Invoke) {
        return Ok((pair(events)?, false));
    }
    Ok(((1..).zip(events).map(|(at, event)| completion(at, event)).collect(), true))
}

/// Pairs invocations with their responses. The times of the calls are positions in the list of events, from 1.
///
/// # Errors
/// If a response has no invocation or another function, or a process has two open invocations.
pub fn pair(events: Vec<Event>) -> Result<Vec<Call>, LineError> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, Event { place, process, kind, function, value, is_final }) in (1..).zip(events) {
        if kind == Kind::Invoke {
            if let Some(&other) = open.get(&process) {
                let Call { function: other, place: invoked, .. } = &calls[other];
                let also =
                    format!("its {other} of {invoked} is still open; a process has one operation open at a time");
                return Err(place.wrong(format_args!("process {process} invokes {function}, but {also}")));
            }
            open.insert(process, calls.len());
            calls.push(Call { process, function, asked: value, invoked: at, place, ended: None, is_final });
            continue;
        }
        let Some(call) = open.remove(&process).map(|n| &mut calls[n]) else {
            let missing = "no invocation is open: is an event missing, or are they out of order?";
            return Err(place.wrong(format_args!("process {process} has a response to {function}, but {missing}")));
        };
        if call.function != function {
            let invoked = format!("it invoked {} ({})", call.function, call.place);
            return Err(place.wrong(format_args!("process {process} has a response to {function}, but {invoked}")));
        }
        call.is_final |= is_final;
        call.ended = Some(Ended { at, kind, value, place });
    }
    Ok(calls)
}

fn completion(at: u64, event: Event) -> Call {
    let Event { place, process, kind, function, value, is_final } = event;
    let asked = value.clone();
    Call { process, function, asked, invoked: at, place, ended: Some(Ended { at, kind, value, place }), is_final }
}
