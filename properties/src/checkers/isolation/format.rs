//! Histories as lines of JSON:
//! `{"kind": "list-append"|"rw-register", "txns": [{"p": process, "status": "ok"|"fail"|"info",
//! "mops": [["append"|"w"|"r", key, value], …], "inv": t|null, "ret": t|null}]}`; other fields are ignored.
//! In a list-append history a read of `null` is unknown; in a rw-register history it is the initial version, except in an
//! `info` transaction, whose answer was lost.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::history::{History, Kind, Mop, Name, Seen, Status, Transaction};

/// A line with its fields.
#[derive(Deserialize)]
pub(crate) struct Line {
    kind: String,
    txns: Vec<Txn>,
}

#[derive(Deserialize)]
struct Txn {
    p: Process,
    status: String,
    mops: Vec<(String, Value, Value)>,
    #[serde(default)]
    inv: Option<u64>,
    #[serde(default)]
    ret: Option<u64>,
}

/// A process: a client, by its number, or another one, by a name, such as Jepsen's nemesis, whose operations are left
/// out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    /// The number of a client.
    Client(u64),
    /// The name of another process.
    Other(String),
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Process;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number of a client, or a name such as \"nemesis\"")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Process, E> {
                Ok(Process::Client(number))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Process, E> {
                Ok(Process::Other(name.into()))
            }
        }
        from.deserialize_any(Either)
    }
}

/// Why a line cannot be read as a history.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON of this format.
    #[error("no transaction history: {0}")]
    Json(#[from] serde_json::Error),
    /// A field has none of its possible values.
    #[error("{}{what} is {found}, not {expected}", transaction.map_or(String::new(), |t| format!("T{t}: ")))]
    Word {
        /// The index of the transaction, if the field belongs to one.
        transaction: Option<usize>,
        /// The field, in words.
        what: &'static str,
        /// Its value.
        found: String,
        /// The possible values, in words.
        expected: &'static str,
    },
}

/// Reads one line.
pub fn read_line(line: &str) -> Result<History, Unreadable> {
    history(serde_json::from_str(line)?)
}

/// Converts a line to a history.
pub(crate) fn history(line: Line) -> Result<History, Unreadable> {
    let kind = match line.kind.as_str() {
        "list-append" => Kind::ListAppend,
        "rw-register" => Kind::RwRegister,
        _ => return Err(wrong("kind", &line.kind, "list-append or rw-register")),
    };
    let clients = (0..).zip(line.txns).filter_map(|(t, txn)| match txn.p {
        Process::Client(process) => Some((t, process, txn)),
        Process::Other(_) => None,
    });
    let transactions = clients.map(|(t, process, txn)| {
        transaction(kind, process, txn).map_err(|error| match error {
            Unreadable::Word { what, found, expected, .. } => {
                Unreadable::Word { transaction: Some(t), what, found, expected }
            }
            other => other,
        })
    });
    let transactions = transactions.collect::<Result<_, _>>()?;
    Ok(History { kind, transactions })
}

fn transaction(kind: Kind, process: u64, txn: Txn) -> Result<Transaction, Unreadable> {
    let status = match txn.status.as_str() {
        "ok" => Status::Ok,
        "fail" => Status::Fail,
        "info" => Status::Info,
        _ => return Err(wrong("status", &txn.status, "ok, fail or info")),
    };
    let mops = txn.mops.into_iter().map(|(f, key, value)| {
        let key = name(&key)?;
        match (f.as_str(), kind) {
            ("append", Kind::ListAppend) | ("w", Kind::RwRegister) => Ok(Mop::Write(key, name(&value)?)),
            ("r", _) => Ok(Mop::Read(key, seen(kind, status, &value)?)),
            (_, Kind::ListAppend) => Err(wrong("operation", &f, "append or r")),
            (_, Kind::RwRegister) => Err(wrong("operation", &f, "w or r")),
        }
    });
    let mops = mops.collect::<Result<_, _>>()?;
    Ok(Transaction { process, status, mops, invoked: txn.inv, returned: txn.ret })
}

fn seen(kind: Kind, status: Status, value: &Value) -> Result<Seen, Unreadable> {
    match (value, kind) {
        (Value::Null, Kind::RwRegister) if status != Status::Info => Ok(Seen::Nothing),
        (Value::Null, _) => Ok(Seen::Unknown),
        (Value::Array(items), Kind::ListAppend) => Ok(Seen::List(items.iter().map(name).collect::<Result<_, _>>()?)),
        (_, Kind::RwRegister) => Ok(Seen::Value(name(value)?)),
        (other, Kind::ListAppend) => Err(wrong("read value", &other.to_string(), "a list or null")),
    }
}

fn name(value: &Value) -> Result<Name, Unreadable> {
    match value {
        Value::Number(n) if n.is_i64() => Ok(Name::Integer(n.as_i64().expect("just asked"))),
        Value::String(text) => Ok(Name::Text(text.as_str().into())),
        other => Err(wrong("name", &other.to_string(), "an integer or a string")),
    }
}

fn wrong(what: &'static str, found: &str, expected: &'static str) -> Unreadable {
    Unreadable::Word { transaction: None, what, found: found.into(), expected }
}
