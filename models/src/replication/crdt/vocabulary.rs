//! What clients ask of replicated data and what they read: the abstract data types, of which each data type here is an
//! implementation with its own answer to concurrency.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proptest::prelude::*;
use seedbed_sim::{NodeId, Time};
use serde::{Deserialize, Serialize};

use crate::replication::crdt::clock::Dot;

/// Something in a set or a register.
pub type Item = u8;
/// What an item of a map or a tree is filed under.
pub type Key = u8;
/// Where something stands in a tree: the keys from the root. Never empty.
pub type Path = Vec<Key>;

/// Of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CounterOp {
    /// Counts up.
    Increment(u8),
    /// Counts down. Refused by a counter that only grows, and where a bounded one has too few rights.
    Decrement(u8),
    /// Hands rights to count down to another replica. Only for a bounded counter.
    Grant {
        /// To whom.
        to: NodeId,
        /// How many.
        rights: u8,
    },
}

/// Of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetOp {
    /// Puts an item in.
    Add(Item),
    /// Takes it out.
    Remove(Item),
}

/// Of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterOp {
    /// Writes.
    Assign(Item),
}

/// Of a flag, which is down at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagOp {
    /// Puts it up.
    Enable,
    /// Puts it down.
    Disable,
}

/// Of a map whose values are single items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryOp {
    /// Files an item under a key, instead of what is there.
    Put(Key, Item),
    /// Removes a key and what is filed under it.
    Remove(Key),
}

/// Of a map whose values are sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapOp {
    /// Adds an item to the set under a key.
    Add(Key, Item),
    /// Takes an item out of the set under a key.
    Drop(Key, Item),
    /// Removes a key with its set.
    Remove(Key),
}

/// Of a tree of nested maps with registers, as a JSON document is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TreeOp {
    /// Writes an item at a path, instead of what is there and below.
    Assign(Path, Item),
    /// Removes what is at a path and below.
    Delete(Path),
}

/// Of a sequence. A place beyond the end means the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOp {
    /// Puts an element at this place, before what is there.
    Insert(u16, char),
    /// Removes the element at this place. Refused if there is none at all.
    Delete(u16),
}

/// Of a text. A place beyond the end means the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextOp {
    /// Puts characters at this place, before what is there.
    Insert(u16, String),
    /// Removes this many characters from this place on, or as many as there are. Refused if there are none.
    Delete(u16, u16),
}

/// What a client asks of a replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Of a counter.
    Counter(CounterOp),
    /// Of a set.
    Set(SetOp),
    /// Of a register.
    Register(RegisterOp),
    /// Of a flag.
    Flag(FlagOp),
    /// Of a map of single items.
    Entry(EntryOp),
    /// Of a map of sets.
    Map(MapOp),
    /// Of a tree.
    Tree(TreeOp),
    /// Of a sequence.
    List(ListOp),
    /// Of a text.
    Text(TextOp),
}

impl Op {
    /// The node that an operation speaks of.
    pub fn addressee(&self) -> Option<NodeId> {
        match self {
            Op::Counter(CounterOp::Grant { to, .. }) => Some(*to),
            _ => None,
        }
    }
}

/// The vocabulary of an abstract data type: a part of [`Op`].
pub trait Vocabulary: Sized + Clone + fmt::Debug + 'static {
    /// The operation as one of this vocabulary, if it is one.
    fn of(op: &Op) -> Option<&Self>;
    /// The same as an operation.
    fn op(self) -> Op;
    /// Any of them, for so many replicas; often about the same things, so that they meet.
    fn any(replicas: u16) -> BoxedStrategy<Self>;
}

/// Binds the vocabularies to the variants of [`Op`].
macro_rules! vocabularies {
    ($($Op:ident in $Variant:ident: $any:expr),+ $(,)?) => {$(
        impl Vocabulary for $Op {
            fn of(op: &Op) -> Option<&Self> {
                match op {
                    Op::$Variant(op) => Some(op),
                    _ => None,
                }
            }
            fn op(self) -> Op {
                Op::$Variant(self)
            }
            fn any(replicas: u16) -> BoxedStrategy<Self> {
                let any: fn(u16) -> BoxedStrategy<Self> = $any;
                any(replicas)
            }
        }
    )+};
}
vocabularies! {
    CounterOp in Counter: |_| prop_oneof![
        3 => (1u8..10).prop_map(CounterOp::Increment),
        2 => (1u8..10).prop_map(CounterOp::Decrement),
    ].boxed(),
    SetOp in Set: |_| prop_oneof![
        3 => (0u8..4).prop_map(SetOp::Add),
        2 => (0u8..4).prop_map(SetOp::Remove),
    ].boxed(),
    RegisterOp in Register: |_| (0u8..100).prop_map(RegisterOp::Assign).boxed(),
    FlagOp in Flag: |_| prop_oneof![Just(FlagOp::Enable), Just(FlagOp::Disable)].boxed(),
    EntryOp in Entry: |_| prop_oneof![
        3 => (0u8..3, 0u8..100).prop_map(|(key, item)| EntryOp::Put(key, item)),
        2 => (0u8..3).prop_map(EntryOp::Remove),
    ].boxed(),
    MapOp in Map: |_| prop_oneof![
        4 => (0u8..3, 0u8..3).prop_map(|(key, item)| MapOp::Add(key, item)),
        2 => (0u8..3, 0u8..3).prop_map(|(key, item)| MapOp::Drop(key, item)),
        1 => (0u8..3).prop_map(MapOp::Remove),
    ].boxed(),
    TreeOp in Tree: |_| {
        let path = || prop::collection::vec(0u8..2, 1..4);
        prop_oneof![
            3 => (path(), 0u8..100).prop_map(|(path, item)| TreeOp::Assign(path, item)),
            1 => path().prop_map(TreeOp::Delete),
        ].boxed()
    },
    ListOp in List: |_| prop_oneof![
        3 => (0u16..12, letter()).prop_map(|(at, what)| ListOp::Insert(at, what)),
        2 => (0u16..12).prop_map(ListOp::Delete),
    ].boxed(),
    TextOp in Text: |_| prop_oneof![
        3 => (0u16..12, prop::collection::vec(letter(), 1..4))
            .prop_map(|(at, letters)| TextOp::Insert(at, letters.into_iter().collect())),
        2 => (0u16..12, 1u16..4).prop_map(|(at, count)| TextOp::Delete(at, count)),
    ].boxed(),
}

fn letter() -> impl Strategy<Value = char> {
    prop::char::range('a', 'z')
}

/// What a client is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// The update is made and durable here.
    Made,
    /// The type does not allow it now: no rights, nothing to remove. No update was made.
    Refused,
}

/// The name of an element of a sequence. Ordered by time, then replica; the characters of one insertion in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId {
    /// When it was inserted, by the hybrid clock: later than all that its replica knew.
    pub time: Time,
    /// The update that inserted it.
    pub dot: Dot,
    /// Which element of that update.
    pub index: u16,
}

impl fmt::Debug for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}[{}]", self.dot, self.index)
    }
}

/// What a client reads of a data type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A counter.
    Number(i64),
    /// A flag.
    Flag(bool),
    /// A set; of a register, what was assigned last, several where that was concurrent.
    Items(BTreeSet<Item>),
    /// A map. No key is without items.
    Keyed(BTreeMap<Key, BTreeSet<Item>>),
    /// A tree: its leaves. No path is without items.
    Tree(BTreeMap<Path, BTreeSet<Item>>),
    /// A sequence, in order.
    Sequence(Vec<(ElementId, char)>),
}

impl Value {
    /// What a sequence reads as; nothing if it is none.
    pub fn text(&self) -> String {
        match self {
            Value::Sequence(elements) => elements.iter().map(|(_, what)| what).collect(),
            _ => String::new(),
        }
    }
}
