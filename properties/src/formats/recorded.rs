//! A history as somebody recorded it, whatever the file looked like.

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
    /// Its name; nothing: it has none but its line.
    pub id: Option<String>,
    /// The line on which it begins.
    pub line: usize,
    /// What happened.
    pub contents: Contents,
    /// What is known of it, as the file has it.
    pub expect: Option<Value>,
}

/// What a history is of.
#[derive(Clone, Debug)]
pub enum Contents {
    /// Operations on one object.
    Operations(Operations),
    /// Transactions.
    Transactions {
        /// The transactions.
        history: isolation::History,
        /// Whether snapshot isolation is meant with the order of sessions ([`isolation::Options::sessions`]), where
        /// the file tells.
        sessions: Option<bool>,
    },
}

/// Operations, and what the file says about how to read them.
#[derive(Clone, Debug)]
pub struct Operations {
    /// Which object they are on, where the file tells.
    pub model: Option<Model>,
    /// What it holds at first, where the file tells.
    pub init: Option<Value>,
    /// What a failed compare-and-set means, where the file tells.
    pub failed_cas: Option<FailedCas>,
    /// What a read of null means, where the file tells.
    pub null_read: Option<NullRead>,
    /// The unit of the times of the calls: `ns`, or `events` where they count the events of the file.
    pub unit: &'static str,
    /// The calls, in the order of invocation.
    pub calls: Vec<Call>,
}

/// What a failed compare-and-set means, or whatever else was only tried: recorders disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedCas {
    /// It never happened, for whatever reason.
    #[default]
    Nothing,
    /// It saw another value than it expected.
    Definite,
}

/// What a read of null means: recorders disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullRead {
    /// Nothing: what was read is not known.
    #[default]
    Nothing,
    /// Nothing was there.
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
    /// It certainly had no effect.
    Fail,
    /// Nobody knows.
    Info,
}

/// Where something stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line; the first is 1.
    pub line: usize,
    /// The event, where many stand on one line; the first is 1.
    pub event: Option<usize>,
}

impl Place {
    /// The error that something is wrong here.
    pub fn wrong(self, what: impl fmt::Display) -> LineError {
        let what = match self.event {
            Some(event) => format!("event {event}: {what}"),
            None => what.to_string(),
        };
        LineError { line: self.line, what }
    }
}

/// `event 3`, or `line 3` where each event has its line.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Some(event) => write!(f, "event {event}"),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// An event as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where it stands.
    pub place: Place,
    /// Whose it is.
    pub process: u64,
    /// What it is.
    pub kind: Kind,
    /// Which function of the object.
    pub function: String,
    /// The argument, or the answer.
    pub value: Value,
}

/// An invocation with its response, if it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Who asked.
    pub process: u64,
    /// Which function.
    pub function: String,
    /// The argument.
    pub asked: Value,
    /// When, in the unit of the history.
    pub invoked: u64,
    /// Where the invocation stands.
    pub place: Place,
    /// How it ended; nothing: it never did.
    pub ended: Option<Ended>,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// When.
    pub at: u64,
    /// How: never [`Kind::Invoke`].
    pub kind: Kind,
    /// With what answer.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

impl Call {
    /// The answer, if it returned well.
    pub fn ok(&self) -> Option<&Value> {
        self.ended.as_ref().filter(|ended| ended.kind == Kind::Ok).map(|ended| &ended.value)
    }

    /// Whether it certainly had no effect.
    pub fn failed(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.kind == Kind::Fail)
    }

    /// When it returned; nothing if nobody knows.
    pub fn returned(&self) -> Option<u64> {
        self.ended.as_ref().filter(|ended| ended.kind != Kind::Info).map(|ended| ended.at)
    }
}

/// Finds the response of each invocation. The times of the calls are places in the list of events, from 1.
///
/// # Errors
/// A response without an invocation, or to another function; two open invocations of one process.
pub fn pair(events: Vec<Event>) -> Result<Vec<Call>, LineError> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, Event { place, process, kind, function, value }) in (1..).zip(events) {
        if kind == Kind::Invoke {
            if let Some(&other) = open.get(&process) {
                let Call { function: other, place: invoked, .. } = &calls[other];
                let also =
                    format!("its {other} of {invoked} is still open; a process has one operation open at a time");
                return Err(place.wrong(format_args!("process {process} invokes {function}, but {also}")));
            }
            open.insert(process, calls.len());
            calls.push(Call { process, function, asked: value, invoked: at, place, ended: None });
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
        call.ended = Some(Ended { at, kind, value, place });
    }
    Ok(calls)
}
