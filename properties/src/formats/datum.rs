//! Values of recorded histories.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::checkers::isolation::visible;
use crate::checkers::linearizability::specs::kv;

/// A key or a value in a recorded history.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Datum {
    /// `null`, or nil.
    Null,
    /// An integer.
    Int(i64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Datum>),
    /// Any other value, as JSON text.
    Json(Arc<str>),
}

impl From<&Value> for Datum {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Datum::Null,
            Value::String(text) => Datum::Text(text.clone()),
            Value::Array(items) => Datum::List(items.iter().map(Datum::from).collect()),
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
            Datum::List(items) => f.debug_list().entries(items).finish(),
            Datum::Json(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Text(text) => visible(text, f),
            other => fmt::Debug::fmt(other, f),
        }
    }
}

/// Texts and lists can be appended to.
impl kv::Value for Datum {
    fn append(&mut self, tail: &Self) -> Option<usize> {
        match (self, tail) {
            (Datum::Text(text), Datum::Text(tail)) => kv::Value::append(text, tail),
            (Datum::List(items), Datum::List(tail)) => kv::Value::append(items, tail),
            _ => None,
        }
    }
    fn truncate(&mut self, length: usize) {
        match self {
            Datum::Text(text) => text.truncate(length),
            Datum::List(items) => items.truncate(length),
            other => panic!("nothing was appended to {other:?}"),
        }
    }
    fn begins_with(&self, head: &Self, tail: Option<&Self>) -> bool {
        match (self, head, tail) {
            (Datum::Text(text), Datum::Text(head), None) => text.begins_with(head, None),
            (Datum::Text(text), Datum::Text(head), Some(Datum::Text(tail))) => text.begins_with(head, Some(tail)),
            (Datum::List(items), Datum::List(head), None) => items.begins_with(head, None),
            (Datum::List(items), Datum::List(head), Some(Datum::List(tail))) => items.begins_with(head, Some(tail)),
            _ => self == head && tail.is_none(),
        }
    }
}
