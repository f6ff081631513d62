//! Recorded histories as reads and writes, on which the weaker models are defined.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::datum::Datum;
use super::lines::LineError;
use super::object::{Model, Reading, two, unknown};
use super::recorded::{Call, Operations};
use crate::checkers::consistency::{Access, Event};
use crate::checkers::linearizability::Operation;
use crate::checkers::linearizability::specs::register;

/// The session of the writes that stand for initial values.
pub const NOBODY: u64 = u64::MAX;

/// Reads and writes of registers.
#[derive(Clone, Debug)]
pub struct Accesses {
    /// The accesses. A read of the initial value returns `None`.
    pub events: Vec<Event<Datum, Datum>>,
    /// The index of each among the calls; none for writes that stand for initial values.
    pub places: Vec<usize>,
    /// The initial value of all registers.
    pub initial: Datum,
    /// A key to which the initial value was also written and from which it was read, so that the write of the read is
    /// ambiguous.
    pub ambiguous: Option<Datum>,
}

/// A history of one register, and the index of each operation among the calls.
pub type OfRegister = (Vec<Operation<register::Access<Datum>, register::Answer<Datum>>>, Vec<usize>);

/// A call that is a read or a write.
enum Plain<'v> {
    Read,
    Write(&'v Value),
}

/// Reads a history of registers or of a key-value store as accesses.
///
/// # Errors
/// If the history is of another object, or has operations other than reads and writes.
pub fn accesses(operations: &Operations, reading: &Reading) -> Result<Accesses, LineError> {
    let initial = Datum::from(&reading.init);
    let (mut events, mut places) = (Vec::new(), Vec::new());
    for (n, call) in operations.calls.iter().enumerate().filter(|(_, call)| !call.failed()) {
        let (key, plain) = plain(call, reading.model).map_err(|what| call.place.wrong(what))?;
        let access = match plain {
            Plain::Write(value) => Access::Write(key, Datum::from(value)),
            Plain::Read => {
                let Some(answered) = call.ok() else { continue };
                let read = match reading.model {
                    Model::Register | Model::CasRegister => answered,
                    _ => two(answered, "[key, value]").map_err(|what| call.place.wrong(what))?.1,
                };
                if read.is_null() && reading.null_says_nothing() {
                    continue;
                }
                let read = Datum::from(read);
                Access::Read(key, (read != initial).then_some(read))
            }
        };
        events.push(Event { session: call.process, access, invoked: call.invoked, returned: call.returned() });
        places.push(n);
    }
    let ambiguous = ambiguous(&events, &initial);
    Ok(Accesses { events, places, initial, ambiguous })
}

fn plain(call: &Call, model: Model) -> Result<(Datum, Plain<'_>), String> {
    let more = || format!("a {} is more than a read or a write, and this level is defined on those", call.function);
    match (model, call.function.as_str()) {
        (Model::Register | Model::CasRegister, "read") => Ok((Datum::Text("register".into()), Plain::Read)),
        (Model::Register | Model::CasRegister, "write") => {
            Ok((Datum::Text("register".into()), Plain::Write(&call.asked)))
        }
        (Model::Kv | Model::KvStringAppend, "get" | "read") => {
            Ok((two(&call.asked, "[key, null]")?.0.into(), Plain::Read))
        }
        (Model::Kv | Model::KvStringAppend, "put" | "write") => {
            let (key, value) = two(&call.asked, "[key, value]")?;
            Ok((key.into(), Plain::Write(value)))
        }
        (Model::Register | Model::CasRegister, "cas") => Err(more()),
        (Model::Kv | Model::KvStringAppend, "cas" | "append" | "delete") => Err(more()),
        (Model::Register | Model::CasRegister, _) => unknown(call, "read, write"),
        (Model::Kv | Model::KvStringAppend, _) => unknown(call, "get, put"),
        (other, _) => Err(format!("this level is defined on registers and key-value stores, not on a {other}")),
    }
}

fn ambiguous(events: &[Event<Datum, Datum>], initial: &Datum) -> Option<Datum> {
    let written: BTreeSet<&Datum> = events
        .iter()
        .filter_map(|event| match &event.access {
            Access::Write(key, value) if value == initial => Some(key),
            _ => None,
        })
        .collect();
    events.iter().find_map(|event| match &event.access {
        Access::Read(key, None) if written.contains(key) => Some(key.clone()),
        _ => None,
    })
}

impl Accesses {
    /// The same with the initial values written by the session [`NOBODY`] before everything else, and read like all
    /// others. These writes are at the end, and have no index among the calls.
    pub fn with_initial_writes(&self) -> Accesses {
        let keys: BTreeSet<&Datum> = self.events.iter().map(|event| event.access.key()).collect();
        let known = |event: &Event<Datum, Datum>| Event {
            access: match &event.access {
                Access::Read(key, value) => {
                    Access::Read(key.clone(), Some(value.as_ref().unwrap_or(&self.initial).clone()))
                }
                write => write.clone(),
            },
            ..event.clone()
        };
        let first = keys.into_iter().map(|key| Event {
            session: NOBODY,
            access: Access::Write(key.clone(), self.initial.clone()),
            invoked: 0,
            returned: Some(0),
        });
        let events = self.events.iter().map(known).chain(first).collect();
        Accesses { events, ..self.clone() }
    }

    /// The histories of single keys.
    pub fn by_key(&self) -> BTreeMap<Datum, OfRegister> {
        let mut keys: BTreeMap<Datum, OfRegister> = BTreeMap::new();
        for (event, &place) in self.events.iter().zip(&self.places) {
            let (key, op, ret) = match &event.access {
                Access::Write(key, value) => (key, register::Access::Write(value.clone()), register::Answer::Written),
                Access::Read(key, value) => {
                    let value = value.as_ref().unwrap_or(&self.initial).clone();
                    (key, register::Access::Read, register::Answer::Value(value))
                }
            };
            let (process, invoked, returned) = (event.session, event.invoked, event.returned);
            let ret = returned.is_some().then_some(ret);
            let (operations, places) = keys.entry(key.clone()).or_default();
            operations.push(Operation { process, op, invoked, returned, ret });
            places.push(place);
        }
        keys
    }
}
