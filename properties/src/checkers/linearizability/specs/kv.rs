//! A key-value store with put, append, compare-and-set and delete.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use crate::checkers::linearizability::gibbons_korach::{self, UniqueWrites};
use crate::checkers::linearizability::specification::{Decider, Specification, Step};

/// A value of a store. Text and lists can be appended to, numbers cannot.
pub trait Value: Clone + Debug + Ord + Hash {
    /// Appends, and returns the length before; `None` if such values cannot be appended to.
    fn append(&mut self, tail: &Self) -> Option<usize> {
        let _ = tail;
        None
    }
    /// Truncates to a length that [`append`](Self::append) returned.
    fn truncate(&mut self, length: usize) {
        let _ = length;
    }
    /// Whether this begins with the concatenation of `head` and `tail`.
    fn begins_with(&self, head: &Self, tail: Option<&Self>) -> bool {
        self == head && tail.is_none()
    }
}

macro_rules! plain { ($($type:ty)*) => { $(impl Value for $type {})* } }
plain!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize bool char);

impl Value for String {
    fn append(&mut self, tail: &Self) -> Option<usize> {
        let length = self.len();
        self.push_str(tail);
        Some(length)
    }
    fn truncate(&mut self, length: usize) {
        String::truncate(self, length);
    }
    fn begins_with(&self, head: &Self, tail: Option<&Self>) -> bool {
        let rest = self.strip_prefix(head.as_str());
        rest.is_some_and(|rest| tail.is_none_or(|tail| rest.starts_with(tail.as_str())))
    }
}

impl<T: Clone + Debug + Ord + Hash> Value for Vec<T> {
    fn append(&mut self, tail: &Self) -> Option<usize> {
        let length = self.len();
        self.extend_from_slice(tail);
        Some(length)
    }
    fn truncate(&mut self, length: usize) {
        Vec::truncate(self, length);
    }
    fn begins_with(&self, head: &Self, tail: Option<&Self>) -> bool {
        let rest = self.strip_prefix(head.as_slice());
        rest.is_some_and(|rest| tail.is_none_or(|tail| rest.starts_with(tail)))
    }
}

/// A store with keys of type `K` and values of type `V`, initially empty.
#[derive(Clone, Debug)]
pub struct Kv<K, V> {
    absent: Option<V>,
    marker: std::marker::PhantomData<fn() -> K>,
}

impl<K, V> Kv<K, V> {
    /// A store in which absent keys read as `None`.
    pub fn new() -> Self {
        Kv { absent: None, marker: std::marker::PhantomData }
    }

    /// A store in which absent keys read as `value`.
    pub fn reading_absent_as(value: V) -> Self {
        Kv { absent: Some(value), marker: std::marker::PhantomData }
    }
}

impl<K, V> Default for Kv<K, V> {
    fn default() -> Self {
        Kv::new()
    }
}

/// An operation of a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request<K, V> {
    /// Returns the value of a key.
    Get(K),
    /// Sets the value of a key.
    Put(K, V),
    /// Appends to the value of a key, or sets it if the key is absent.
    Append(K, V),
    /// Sets the value of a key to the second if it is the first; `None` expects the key to be absent.
    Cas(K, Option<V>, V),
    /// Deletes a key.
    Delete(K),
}

impl<K, V> Request<K, V> {
    /// The key of the operation.
    pub fn key(&self) -> &K {
        match self {
            Request::Get(key) | Request::Delete(key) => key,
            Request::Put(key, _) | Request::Append(key, _) | Request::Cas(key, ..) => key,
        }
    }
}

/// The answer of a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<V> {
    /// To a get: the value, or `None` if the key is absent.
    Value(Option<V>),
    /// To a put, an append or a delete.
    Done,
    /// To a compare-and-set: whether the expected value was found.
    Swapped(bool),
}

/// Undoes a change of a store.
#[derive(Debug)]
pub enum Undo<V> {
    /// Restores the value of a key.
    Restore(Option<V>),
    /// Truncates the value to this length.
    Truncate(usize),
}

impl<K: Clone + Debug + Ord + Hash, V: Value> Kv<K, V> {
    fn read<'s>(&'s self, state: &'s BTreeMap<K, V>, key: &K) -> Option<&'s V> {
        state.get(key).or(self.absent.as_ref())
    }
}

impl<K: Clone + Debug + Ord + Hash, V: Value> Specification for Kv<K, V> {
    type State = BTreeMap<K, V>;
    type Op = Request<K, V>;
    type Ret = Answer<V>;
    type Undo = Undo<V>;
    type Key = K;

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn apply(&self, state: &mut Self::State, op: &Self::Op, ret: Option<&Answer<V>>) -> Step<Undo<V>> {
        use Answer::{Done, Swapped};
        match (op, ret) {
            (Request::Get(_), None) => Step::Same,
            (Request::Get(key), Some(Answer::Value(read))) => Step::same(self.read(state, key) == read.as_ref()),
            (Request::Put(key, v), None | Some(Done)) => {
                Step::Changed(Undo::Restore(state.insert(key.clone(), v.clone())))
            }
            (Request::Append(key, tail), None | Some(Done)) => match state.get_mut(key) {
                Some(v) => v.append(tail).map_or(Step::Illegal, |length| Step::Changed(Undo::Truncate(length))),
                None => {
                    let mut v = self.absent.clone();
                    let appended = v.as_mut().is_none_or(|v| v.append(tail).is_some());
                    if !appended {
                        return Step::Illegal;
                    }
                    state.insert(key.clone(), v.unwrap_or_else(|| tail.clone()));
                    Step::Changed(Undo::Restore(None))
                }
            },
            (Request::Cas(key, expected, v), _) => {
                let found = self.read(state, key) == expected.as_ref();
                match ret {
                    None | Some(Swapped(true)) if found => {
                        Step::Changed(Undo::Restore(state.insert(key.clone(), v.clone())))
                    }
                    None | Some(Swapped(false)) => Step::same(!found),
                    _ => Step::Illegal,
                }
            }
            (Request::Delete(key), None | Some(Done)) => match state.remove(key) {
                Some(old) => Step::Changed(Undo::Restore(Some(old))),
                None => Step::Same,
            },
            _ => Step::Illegal,
        }
    }

    fn undo(&self, state: &mut Self::State, op: &Self::Op, undo: Undo<V>) {
        match undo {
            Undo::Restore(Some(v)) => {
                state.insert(op.key().clone(), v);
            }
            Undo::Restore(None) => {
                state.remove(op.key());
            }
            Undo::Truncate(length) => state.get_mut(op.key()).expect("it was appended to").truncate(length),
        }
    }

    fn answer(&self, state: &Self::State, op: &Self::Op) -> Option<Answer<V>> {
        Some(match op {
            Request::Get(key) => Answer::Value(self.read(state, key).cloned()),
            Request::Cas(key, expected, _) => Answer::Swapped(self.read(state, key) == expected.as_ref()),
            Request::Put(..) | Request::Append(..) | Request::Delete(_) => Answer::Done,
        })
    }

    fn partition(&self, op: &Self::Op) -> Option<K> {
        Some(op.key().clone())
    }

    fn read_only(&self, op: &Self::Op, ret: Option<&Answer<V>>) -> bool {
        match op {
            Request::Get(_) => true,
            Request::Cas(..) => ret == Some(&Answer::Swapped(false)),
            _ => false,
        }
    }

    fn attainable<'a>(
        &self,
        state: &Self::State,
        op: &Self::Op,
        ret: Option<&Answer<V>>,
        mut means: impl Iterator<Item = &'a Self::Op>,
    ) -> bool
    where
        Self: 'a,
    {
        let key = op.key();
        let wanted = match (op, ret) {
            (Request::Get(_), Some(Answer::Value(wanted))) => wanted.as_ref(),
            (Request::Cas(_, wanted, _), Some(Answer::Swapped(true))) => wanted.as_ref(),
            _ => return true,
        };
        let there = self.read(state, key);
        if there == wanted {
            return true;
        }
        let Some(wanted) = wanted else {
            return means.any(|op| matches!(op, Request::Delete(k) if k == key));
        };
        means.any(|op| match op {
            _ if op.key() != key => false,
            Request::Get(_) => false,
            // From the present value by appending …
            Request::Append(_, tail) => match there {
                Some(there) => wanted.begins_with(there, Some(tail)),
                None => wanted.begins_with(tail, None),
            },
            // … or from a new value.
            Request::Put(_, v) | Request::Cas(_, _, v) => wanted.begins_with(v, None),
            Request::Delete(_) => true,
        })
    }

    fn answer_matters(&self, op: &Self::Op, ret: Option<&Answer<V>>) -> bool {
        !matches!((op, ret), (Request::Get(_), _) | (_, None | Some(Answer::Done))) || matches!(op, Request::Cas(..))
    }

    /// A single key with only gets, puts and deletes is a register.
    fn decider<'a>(&'a self, operations: &[(&'a Self::Op, Option<&'a Answer<V>>)]) -> Option<Box<dyn Decider + 'a>> {
        use gibbons_korach::Access::{BlindRead, Read, Write};
        let (first, _) = operations.first()?;
        let accesses = operations.iter().map(|operation| match operation {
            (op, _) if op.key() != first.key() => None,
            (Request::Put(_, v), None | Some(Answer::Done)) => Some(Write(Some(v))),
            (Request::Delete(_), None | Some(Answer::Done)) => Some(Write(self.absent.as_ref())),
            (Request::Get(_), Some(Answer::Value(v))) => Some(Read(v.as_ref())),
            (Request::Get(_), None) => Some(BlindRead),
            _ => None,
        });
        let accesses = accesses.collect::<Option<Vec<_>>>()?;
        Some(Box::new(UniqueWrites::new(self.absent.as_ref(), accesses)?))
    }
}
