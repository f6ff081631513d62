//! Last writer wins: LWW-Register, LWW-Element-Set and LWW-Map (Johnson and Thomas, RFC 677, 1975; Shapiro and others,
//! INRIA report 7506, 2011). All three are a map from keys to what was written last there, by
//! timestamps; the register has one key.
//!
//! A removal is written like everything else. Its entry is a tombstone, which may go when the removal is causally
//! stable: what comes then is later, for clocks go on from what they have seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::replication::crdt::clock::{Dot, Stamp, Timestamp};
use crate::replication::crdt::context::Context;
use crate::replication::crdt::style::{DeltaBased, Forgets, Joined, Lattice, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{EntryOp, Item, Key, RegisterOp, SetOp, Value};

/// What was written last under a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Written {
    /// When.
    pub at: Timestamp,
    /// By which update.
    pub dot: Dot,
    /// What; nothing if it was removed.
    pub item: Option<Item>,
}

/// The last writes under all keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lww(pub BTreeMap<Key, Written>);

impl Lww {
    /// The state that one write makes.
    pub fn wrote(key: Key, item: Option<Item>, stamp: &Stamp) -> Self {
        Lww(BTreeMap::from([(key, Written { at: stamp.time, dot: stamp.dot, item })]))
    }

    fn items(&self) -> impl Iterator<Item = (Key, Item)> + '_ {
        self.0.iter().filter_map(|(key, written)| Some((*key, written.item?)))
    }
}

impl Lattice for Lww {
    fn join(&mut self, other: &Self) {
        for (key, theirs) in &other.0 {
            match self.0.get(key) {
                Some(mine) if mine.at >= theirs.at => {}
                _ => _ = self.0.insert(*key, theirs.clone()),
            }
        }
    }
}

impl Forgets for Lww {
    fn forget(&mut self, stable: &Context) -> Vec<Dot> {
        let mut forgotten = Vec::new();
        self.0.retain(|_, written| {
            let goes = written.item.is_none() && stable.contains(&written.dot);
            forgotten.extend(goes.then_some(written.dot));
            !goes
        });
        forgotten
    }
}

/// Defines a type as last writer wins: what each of its updates writes, and how it is read.
macro_rules! last_writer_wins {
    ($(#[$doc:meta])* $Type:ident, $Op:ident, $writes:expr, $reads:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $Type(pub Lww);

        impl Lattice for $Type {
            fn join(&mut self, other: &Self) {
                self.0.join(&other.0);
            }
        }

        impl DeltaBased for $Type {
            type Update = $Op;

            fn delta(&self, update: &$Op, stamp: &Stamp) -> Option<Self> {
                let writes: fn(&$Op) -> (Key, Option<Item>) = $writes;
                let (key, item) = writes(update);
                Some($Type(Lww::wrote(key, item, stamp)))
            }

            fn value(&self) -> Value {
                let reads: fn(&Lww) -> Value = $reads;
                reads(&self.0)
            }

            fn weight(&self) -> Weight {
                let live = self.0.items().count();
                Weight { live, tombstones: self.0.0.len() - live, dots: self.0.0.len() }
            }
        }

        impl Forgets for $Type {
            fn forget(&mut self, stable: &Context) -> Vec<Dot> {
                self.0.forget(stable)
            }
        }

        impl DataType for $Type {
            type Update = $Op;
            type State = $Type;
            type Payload = Joined<$Type>;
        }
    };
}

last_writer_wins!(
    /// A register: the last assignment.
    LwwRegister,
    RegisterOp,
    |RegisterOp::Assign(item)| (0, Some(*item)),
    |lww| Value::Items(lww.items().map(|(_, item)| item).collect())
);
last_writer_wins!(
    /// A set: an item is in it if the last that was done with it is to add it.
    LwwSet,
    SetOp,
    |update| match update {
        SetOp::Add(item) => (*item, Some(*item)),
        SetOp::Remove(item) => (*item, None),
    },
    |lww| Value::Items(lww.items().map(|(_, item)| item).collect())
);
last_writer_wins!(
    /// A map: a register a key, which can be removed.
    LwwMap,
    EntryOp,
    |update| match update {
        EntryOp::Put(key, item) => (*key, Some(*item)),
        EntryOp::Remove(key) => (*key, None),
    },
    |lww| Value::Keyed(lww.items().map(|(key, item)| (key, BTreeSet::from([item]))).collect())
);
