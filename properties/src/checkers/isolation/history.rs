//! Histories of transactions, as clients saw them.

use std::fmt::{self, Write as _};

/// A key or a value: a number or a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Compared before all texts.
    Integer(i64),
    /// Compared by its bytes.
    Text(Box<str>),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Integer(n) => n.fmt(f),
            Name::Text(text) => visible(text, f),
        }
    }
}

/// Writes a text without control characters, which could forge lines of a report: their escapes instead.
pub(crate) fn visible(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    text.chars().try_for_each(|c| if c.is_control() { write!(f, "{}", c.escape_unicode()) } else { f.write_char(c) })
}

impl From<i64> for Name {
    fn from(n: i64) -> Name {
        Name::Integer(n)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Name {
        Name::Text(text.into())
    }
}

/// The kind of objects. No value may be written twice to one key, because a read identifies its writer by the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lists, initially empty: a write appends. A read shows the order of all earlier versions (Elle, section 3).
    ListAppend,
    /// Registers, initially without a value: a write replaces. The order of versions is not observed.
    RwRegister,
}

/// The value that a read returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Unknown: the transaction's answer was lost.
    Unknown,
    /// A register without a value: its initial version.
    Nothing,
    /// The value of a register. A value without a writer is the initial version; at most one per key.
    Value(Name),
    /// A list with its elements.
    List(Vec<Name>),
}

/// An operation of a transaction ("micro-operation").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mop {
    /// Writes this value to a key, or appends it.
    Write(Name, Name),
    /// Reads a key, with this result.
    Read(Name, Seen),
}

/// The status of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Committed.
    Ok,
    /// Aborted.
    Fail,
    /// Unknown: it counts as committed if a committed transaction read one of its writes, and is left out otherwise,
    /// which never adds an anomaly.
    Info,
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The client. Its transactions are sequential, and listed in its order.
    pub process: u64,
    /// Whether it committed.
    pub status: Status,
    /// Its operations, in order.
    pub mops: Vec<Mop>,
    /// The time of its invocation, in any unit, if known.
    pub invoked: Option<u64>,
    /// The time of its return, not before `invoked`, if it returned and that is known.
    pub returned: Option<u64>,
}

/// A history of transactions on objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The kind of all its objects.
    pub kind: Kind,
    /// The transactions; those of one process in its order.
    pub transactions: Vec<Transaction>,
}

/// Why a history cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A value is written twice to one key, so that its reads are ambiguous.
    #[error(
        "T{first} and T{second} both write {value} to {key}: each value must be written once a key, for reads to tell whom they read from"
    )]
    WrittenTwice {
        /// The key that is written.
        key: Name,
        /// The value that is not unique.
        value: Name,
        /// The index of a transaction that writes it.
        first: usize,
        /// The index of another, or the same one again.
        second: usize,
    },
    /// A read of a list did not return a list, or a read of a register returned one.
    #[error("T{transaction} read from {key} what is no value of a {kind:?} history")]
    WrongKind {
        /// The index of the reader in the history.
        transaction: usize,
        /// The key that was read.
        key: Name,
        /// The kind of the history.
        kind: Kind,
    },
    /// A transaction returned before it was invoked.
    #[error("T{transaction} returned at {returned}, before it was invoked at {invoked}")]
    Backwards {
        /// Its index in the history.
        transaction: usize,
        /// The time of its invocation.
        invoked: u64,
        /// The time of its return.
        returned: u64,
    },
}
