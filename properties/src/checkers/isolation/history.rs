//! What is judged: transactions as clients saw them.

use std::fmt;

/// A key or a value: a number or a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A number.
    Integer(i64),
    /// A text.
    Text(Box<str>),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Integer(n) => n.fmt(f),
            Name::Text(text) => text.fmt(f),
        }
    }
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

/// What the objects are. No value may be written twice to one key: it is how a read tells whom it read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lists, at first empty: a write appends. A read shows the order of all versions before it (Elle, section 3).
    ListAppend,
    /// Registers, at first without a value: a write replaces. The order of the versions stays unknown.
    RwRegister,
}

/// What a read returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nobody knows what: the transaction's answer was lost.
    Unknown,
    /// A register without a value: its initial version.
    Nothing,
    /// A register's value. One that nobody wrote stands for the initial version, at most one such value a key.
    Value(Name),
    /// A list.
    List(Vec<Name>),
}

/// One operation of a transaction ("micro-operation").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mop {
    /// Writes to a register, or appends to a list.
    Write(Name, Name),
    /// Reads.
    Read(Name, Seen),
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It committed.
    Ok,
    /// It did not.
    Fail,
    /// Nobody knows: it counts as committed if a committed transaction read one of its writes, else it is left out, which
    /// can only make a history better.
    Info,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The client: its transactions come one after the other, in the order of the history.
    pub process: u64,
    /// How it ended.
    pub status: Status,
    /// What it did, in its order.
    pub mops: Vec<Mop>,
    /// When it was invoked, in any unit, if known.
    pub invoked: Option<u64>,
    /// When it returned, not before `invoked`, if it did and it is known.
    pub returned: Option<u64>,
}

/// Transactions over objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The kind of the objects.
    pub kind: Kind,
    /// The transactions; those of one process in their order.
    pub transactions: Vec<Transaction>,
}

/// Why a history cannot be judged at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A value is written twice to one key.
    #[error(
        "T{first} and T{second} both write {value} to {key}: each value must be written once a key, for reads to tell whom they read from"
    )]
    WrittenTwice {
        /// The key.
        key: Name,
        /// The value.
        value: Name,
        /// A transaction that writes it.
        first: usize,
        /// Another, or the same again.
        second: usize,
    },
    /// A read of a list returned something else, or a read of a register returned a list.
    #[error("T{transaction} read from {key} what is no value of a {kind:?} history")]
    WrongKind {
        /// The transaction.
        transaction: usize,
        /// The key.
        key: Name,
        /// The kind of the history.
        kind: Kind,
    },
    /// A transaction returned before it was invoked.
    #[error("T{transaction} returned at {returned}, before it was invoked at {invoked}")]
    Backwards {
        /// The transaction.
        transaction: usize,
        /// Its invocation.
        invoked: u64,
        /// Its return.
        returned: u64,
    },
}
