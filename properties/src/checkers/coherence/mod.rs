//! Coherence (Nagarajan, Sorin, Hill and Wood, *A Primer on Memory Consistency and Cache Coherence*, 2nd edition,
//! chapter 2): [`SingleWriter`], one writer or many readers at every instant; [`DataValue`], each access sees the last
//! write; [`ProgramOrder`], the order in which accesses to a location take effect respects the order of each core.
//! [`coherent`] judges without that order, by what cores saw.
//!
//! ```
//! use seedbed_properties::checkers::coherence::{Access, DataValue, Performed};
//! use seedbed_properties::checkers::judge::Judge;
//!
//! let by = |core, index, access| Performed { core, location: 'x', access, index };
//! let stale = [by(0u8, 0, Access::Store(7)), by(1, 0, Access::Load(0))];
//! let refusal = DataValue::starting_with(0).judge(stale).unwrap_err();
//! assert_eq!(refusal.to_string(), "data value: 1 reads 0 from 'x', where 0 had last written 7");
//! ```

mod order;

use std::collections::BTreeMap;

pub use order::coherent;

use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// The accesses that a core may perform on a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Nothing: invalid.
    None,
    /// Read: shared, forward, owned.
    Read,
    /// Read and write: exclusive, modified.
    Write,
}

/// A core's present permission; may be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permits<N, L> {
    /// The core of the cache.
    pub core: N,
    /// The block in the cache.
    pub location: L,
    /// The greatest permission that the core now has.
    pub permission: Permission,
}

/// The single-writer, multiple-reader invariant: at every instant one core may write and read a location and no other
/// may do either, or any number may read it.
#[derive(Clone, Debug)]
pub struct SingleWriter<N, L> {
    holders: BTreeMap<L, BTreeMap<N, Permission>>,
}

impl<N: Id, L: Name> Judge for SingleWriter<N, L> {
    type Event = Permits<N, L>;
    type Node = N;

    fn observe(&mut self, Permits { core, location, permission }: Permits<N, L>) -> Ruling<N> {
        if permission == Permission::None {
            if let Some(holders) = self.holders.get_mut(&location) {
                holders.remove(&core);
            }
            return Ok(());
        }
        let holders = self.holders.entry(location.clone()).or_default();
        if holders.insert(core.clone(), permission) == Some(permission) {
            return Ok(());
        }
        let clashes = |other: &Permission| permission.max(*other) == Permission::Write;
        match holders.iter().find(|(other, held)| **other != core && clashes(held)) {
            Some((other, held)) => {
                let may = |permission| if permission == Permission::Write { "write" } else { "read" };
                let (here, there) = (may(permission), may(*held));
                let words = format!("{core:?} may {here} {location:?} while {other:?} may {there} it");
                Err(Refusal::new("single writer", [other.clone(), core], words))
            }
            None => Ok(()),
        }
    }
}

impl<N, L> Default for SingleWriter<N, L> {
    fn default() -> Self {
        SingleWriter { holders: BTreeMap::new() }
    }
}

/// An access with its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<V> {
    /// It returned this value.
    Load(V),
    /// It wrote this value.
    Store(V),
    /// It read one value and wrote another, atomically.
    Swap {
        /// The value before.
        read: V,
        /// The value after.
        written: V,
    },
}

impl<V> Access<V> {
    /// The value that it read; `None` for a store.
    pub fn read(&self) -> Option<&V> {
        match self {
            Access::Load(v) | Access::Swap { read: v, .. } => Some(v),
            Access::Store(_) => None,
        }
    }

    /// The value that it wrote; `None` for a load.
    pub fn written(&self) -> Option<&V> {
        match self {
            Access::Store(v) | Access::Swap { written: v, .. } => Some(v),
            Access::Load(_) => None,
        }
    }
}

/// An access takes effect. The events of one location must be in the order in which its accesses do: the order in which
/// the protocol serialises them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Performed<N, L, V> {
    /// The core that performed it.
    pub core: N,
    /// The location that it accessed.
    pub location: L,
    /// The access with its values.
    pub access: Access<V>,
    /// Its index in the core's program.
    pub index: u64,
}

/// The data-value invariant: an access reads the last value written to the location, or its initial value.
#[derive(Clone, Debug)]
pub struct DataValue<N, L, V> {
    start: V,
    last: BTreeMap<L, (N, V)>,
}

impl<N: Id, L: Name, V: Name> DataValue<N, L, V> {
    /// A judge for locations that all hold this value at the start.
    pub fn starting_with(start: V) -> Self {
        DataValue { start, last: BTreeMap::new() }
    }
}

impl<N: Id, L: Name, V: Name> Judge for DataValue<N, L, V> {
    type Event = Performed<N, L, V>;
    type Node = N;

    fn observe(&mut self, Performed { core, location, access, .. }: Performed<N, L, V>) -> Ruling<N> {
        let last = self.last.get(&location);
        let there = last.map_or(&self.start, |(_, value)| value);
        if let Some(read) = access.read().filter(|read| *read != there) {
            let (nodes, why) = match last {
                Some((writer, _)) => {
                    (vec![writer.clone(), core.clone()], format!("where {writer:?} had last written {there:?}"))
                }
                None => (vec![core.clone()], format!("where nobody has written and {there:?} was at the start")),
            };
            return Err(Refusal::new("data value", nodes, format!("{core:?} reads {read:?} from {location:?}, {why}")));
        }
        if let Some(written) = access.written() {
            self.last.insert(location, (core, written.clone()));
        }
        Ok(())
    }
}

/// The accesses of a core to one location take effect in program order. That the order of a location is total follows
/// from the order of events.
#[derive(Clone, Debug)]
pub struct ProgramOrder<N, L, V> {
    last: BTreeMap<(N, L), (u64, Access<V>)>,
}

impl<N: Id, L: Name, V: Name> Judge for ProgramOrder<N, L, V> {
    type Event = Performed<N, L, V>;
    type Node = N;

    fn observe(&mut self, Performed { core, location, access, index }: Performed<N, L, V>) -> Ruling<N> {
        let before = self.last.insert((core.clone(), location.clone()), (index, access.clone()));
        match before {
            Some((later, other)) if later >= index => {
                let words = format!(
                    "{core:?} performs {access:?} at {location:?}, number {index} of its program, after {other:?}, number {later}"
                );
                Err(Refusal::new("program order", [core], words))
            }
            _ => Ok(()),
        }
    }
}

impl<N, L, V> Default for ProgramOrder<N, L, V> {
    fn default() -> Self {
        ProgramOrder { last: BTreeMap::new() }
    }
}
