//! A participant's data: cells under strict two-phase locking, with changes that are prepared first and installed or
//! dropped later (Bernstein, Hadzilacos & Goodman, *Concurrency Control and Recovery in Database Systems*, 1987, ch. 3
//! and 6).
//!
//! The store is volatile and pure. A protocol writes what [`Store::prepare`] returns into its log before it votes, and
//! after a crash rebuilds the store from there with [`Store::hold`], [`Store::commit`] and [`Store::abort`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::transactions::TxId;

/// The key of a cell: an account, a product.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub u16);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("k{}", self.0))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value with its writer: reads that tell the writer are all that a checker of histories needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The value: a balance, a stock.
    pub value: i64,
    /// The transaction that wrote it; `None` for the initial value.
    pub writer: Option<TxId>,
}

/// One operation of a transaction on a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Reads a cell.
    Read {
        /// The cell.
        key: Key,
    },
    /// Sets a cell without reading it.
    Put {
        /// The cell.
        key: Key,
        /// Its new value.
        value: i64,
    },
    /// Reads a cell and adds to it; refused if it would be below zero.
    Add {
        /// The cell.
        key: Key,
        /// The amount to add; may be negative.
        amount: i64,
    },
}

impl Step {
    /// The cell that it reads or writes.
    pub fn key(self) -> Key {
        let (Step::Read { key } | Step::Put { key, .. } | Step::Add { key, .. }) = self;
        key
    }

    /// Whether it changes the cell.
    pub fn writes(self) -> bool {
        !matches!(self, Step::Read { .. })
    }
}

/// The reads and writes of a transaction that is prepared: the writes take effect when it commits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prepared {
    /// The transaction.
    pub tx: TxId,
    /// The cells that it read, as they were before its own writes.
    pub reads: BTreeMap<Key, Cell>,
    /// The cells that it writes, with what they will hold.
    pub writes: BTreeMap<Key, Cell>,
}

impl Prepared {
    /// Whether it writes nothing.
    pub fn read_only(&self) -> bool {
        self.writes.is_empty()
    }
}

/// Why a transaction cannot be prepared. Nothing of it is left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// Another transaction has locked a cell that it needs. Nobody waits for a lock, so there are no deadlocks.
    Locked {
        /// The cell.
        key: Key,
        /// The transaction that holds the lock.
        by: TxId,
    },
    /// A cell would be below zero.
    Overdrawn {
        /// The cell.
        key: Key,
    },
    /// The cell is not kept here.
    NotHere {
        /// The cell.
        key: Key,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Locked { key, by } => write!(f, "{key} is locked by {by}"),
            Refused::Overdrawn { key } => write!(f, "{key} would be below zero"),
            Refused::NotHere { key } => write!(f, "{key} is not kept here"),
        }
    }
}

/// A lock on a cell, with its holders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Lock {
    Shared(BTreeSet<TxId>),
    Exclusive(TxId),
}

/// The cells of one participant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    cells: BTreeMap<Key, Cell>,
    locks: BTreeMap<Key, Lock>,
    prepared: BTreeMap<TxId, Prepared>,
    committed: BTreeSet<TxId>,
}

impl Store {
    /// A store with these keys, each with this value.
    pub fn new(keys: impl IntoIterator<Item = Key>, value: i64) -> Self {
        Store::holding(keys.into_iter().map(|key| (key, value)))
    }

    /// A store with these keys and values.
    pub fn holding(cells: impl IntoIterator<Item = (Key, i64)>) -> Self {
        let cells = cells.into_iter().map(|(key, value)| (key, Cell { value, writer: None }));
        Store { cells: cells.collect(), ..Store::default() }
    }

    /// The committed value of a cell; `None` if the cell is not kept here.
    pub fn get(&self, key: Key) -> Option<Cell> {
        self.cells.get(&key).copied()
    }

    /// All cells with their committed values.
    pub fn cells(&self) -> impl Iterator<Item = (Key, Cell)> {
        self.cells.iter().map(|(key, cell)| (*key, *cell))
    }

    /// All cells as a reader finds them: without a value where a writer has the lock.
    pub fn readable(&self) -> impl Iterator<Item = (Key, Option<i64>)> {
        let locked = |key: &Key| matches!(self.locks.get(key), Some(Lock::Exclusive(_)));
        self.cells.iter().map(move |(key, cell)| (*key, (!locked(key)).then_some(cell.value)))
    }

    /// The sum of all cells.
    pub fn total(&self) -> i64 {
        self.cells.values().map(|cell| cell.value).sum()
    }

    /// The transactions that are prepared here and not decided.
    pub fn prepared(&self) -> impl Iterator<Item = &Prepared> {
        self.prepared.values()
    }

    /// Whether a transaction is prepared here and not decided.
    pub fn is_prepared(&self, tx: TxId) -> bool {
        self.prepared.contains_key(&tx)
    }

    /// Whether the effects of a transaction are in the cells, or were.
    pub fn is_committed(&self, tx: TxId) -> bool {
        self.committed.contains(&tx)
    }

    /// The transactions whose effects are in the cells, or were.
    pub fn committed(&self) -> impl Iterator<Item = TxId> {
        self.committed.iter().copied()
    }

    /// The cells that a transaction has locked.
    pub fn locked_by(&self, tx: TxId) -> impl Iterator<Item = Key> {
        self.locks.iter().filter_map(move |(key, lock)| match lock {
            Lock::Exclusive(holder) => (*holder == tx).then_some(*key),
            Lock::Shared(holders) => holders.contains(&tx).then_some(*key),
        })
    }

    /// Locks the cells of the steps and computes the writes. The cells stay as they are until [`Store::commit`].
    ///
    /// # Errors
    /// Why it is refused: then nothing is locked.
    ///
    /// # Panics
    /// If the transaction is prepared or committed here already.
    pub fn prepare(&mut self, tx: TxId, steps: &[Step]) -> Result<Prepared, Refused> {
        assert!(!self.is_prepared(tx) && !self.is_committed(tx), "a transaction is prepared once: {tx}");
        let mut prepared = Prepared { tx, reads: BTreeMap::new(), writes: BTreeMap::new() };
        for step in steps {
            let key = step.key();
            let committed = self.get(key).ok_or(Refused::NotHere { key })?;
            if let Some(by) = self.conflicting_holder(tx, key, step.writes()) {
                return Err(Refused::Locked { key, by });
            }
            let now = prepared.writes.get(&key).copied().unwrap_or(committed);
            if !matches!(step, Step::Put { .. }) && !prepared.writes.contains_key(&key) {
                prepared.reads.insert(key, committed);
            }
            let value = match step {
                Step::Read { .. } => continue,
                Step::Put { value, .. } => *value,
                Step::Add { amount, .. } => now.value + amount,
            };
            if matches!(step, Step::Add { .. }) && value < 0 {
                return Err(Refused::Overdrawn { key });
            }
            prepared.writes.insert(key, Cell { value, writer: Some(tx) });
        }
        self.hold(prepared.clone());
        Ok(prepared)
    }

    /// The holder of a conflicting lock, if there is one.
    fn conflicting_holder(&self, tx: TxId, key: Key, write: bool) -> Option<TxId> {
        match self.locks.get(&key)? {
            Lock::Exclusive(by) => (*by != tx).then_some(*by),
            Lock::Shared(by) => by.iter().find(|by| write && **by != tx).copied(),
        }
    }

    /// Takes the locks of a prepared transaction, also after a crash.
    ///
    /// # Panics
    /// If another transaction holds a conflicting lock.
    pub fn hold(&mut self, prepared: Prepared) {
        let tx = prepared.tx;
        for key in prepared.reads.keys().chain(prepared.writes.keys()) {
            let write = prepared.writes.contains_key(key);
            let other = self.conflicting_holder(tx, *key, write);
            assert!(other.is_none(), "two prepared transactions exclude each other: {tx} and {other:?} on {key}");
            let lock = self.locks.entry(*key).or_insert_with(|| Lock::Shared(BTreeSet::new()));
            match lock {
                _ if write => *lock = Lock::Exclusive(tx),
                Lock::Shared(holders) => drop(holders.insert(tx)),
                Lock::Exclusive(_) => {}
            }
        }
        self.prepared.insert(tx, prepared);
    }

    /// Installs the writes of a prepared transaction, and releases its locks. Does nothing if it is committed already.
    ///
    /// # Panics
    /// If it is neither prepared nor committed.
    pub fn commit(&mut self, tx: TxId) {
        if self.is_committed(tx) {
            return;
        }
        let prepared = self.prepared.remove(&tx);
        let prepared = prepared.unwrap_or_else(|| panic!("only what is prepared can be committed: {tx}"));
        self.cells.extend(prepared.writes);
        self.committed.insert(tx);
        self.unlock(tx);
    }

    /// Drops the writes of a transaction, if it is prepared, and releases its locks.
    ///
    /// # Panics
    /// If it is committed.
    pub fn abort(&mut self, tx: TxId) {
        assert!(!self.is_committed(tx), "what is committed is not aborted: {tx}");
        self.prepared.remove(&tx);
        self.unlock(tx);
    }

    fn unlock(&mut self, tx: TxId) {
        self.locks.retain(|_, lock| match lock {
            Lock::Exclusive(holder) => *holder != tx,
            Lock::Shared(holders) => {
                holders.remove(&tx);
                !holders.is_empty()
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Key = Key(0);
    const B: Key = Key(1);

    fn store() -> Store {
        Store::new([A, B], 10)
    }

    #[test]
    fn what_is_prepared_is_installed_by_commit_and_by_nothing_else() {
        let mut store = store();
        let prepared = store.prepare(TxId(1), &[Step::Add { key: A, amount: -4 }, Step::Read { key: B }]).unwrap();
        assert_eq!(prepared.reads.keys().copied().collect::<Vec<_>>(), [A, B]);
        assert_eq!(store.get(A), Some(Cell { value: 10, writer: None }));
        store.commit(TxId(1));
        assert_eq!(store.get(A), Some(Cell { value: 6, writer: Some(TxId(1)) }));
        assert_eq!(store.locked_by(TxId(1)).count(), 0);
    }

    #[test]
    fn writers_exclude_everyone_and_readers_only_writers() {
        let mut store = store();
        store.prepare(TxId(1), &[Step::Read { key: A }]).unwrap();
        store.prepare(TxId(2), &[Step::Read { key: A }]).unwrap();
        let refused = store.prepare(TxId(3), &[Step::Put { key: A, value: 1 }]);
        assert_eq!(refused, Err(Refused::Locked { key: A, by: TxId(1) }));
        store.prepare(TxId(4), &[Step::Put { key: B, value: 1 }]).unwrap();
        let refused = store.prepare(TxId(5), &[Step::Read { key: B }]);
        assert_eq!(refused, Err(Refused::Locked { key: B, by: TxId(4) }));
    }

    #[test]
    fn what_is_refused_leaves_nothing_locked() {
        let mut store = store();
        let steps = [Step::Add { key: B, amount: 1 }, Step::Add { key: A, amount: -11 }];
        assert_eq!(store.prepare(TxId(1), &steps), Err(Refused::Overdrawn { key: A }));
        assert_eq!(store.prepare(TxId(1), &[Step::Read { key: Key(9) }]), Err(Refused::NotHere { key: Key(9) }));
        assert_eq!(store, super::tests::store());
    }

    proptest! {
        /// Whatever is prepared and however it ends: what is committed is the committed transactions in their order,
        /// and a store rebuilt from the log is the same store.
        #[test]
        fn a_store_is_what_its_log_says(ends in prop::collection::vec((0u16..4, -5i64..5, 0u8..3), 0..40)) {
            let keys: Vec<Key> = (0..4).map(Key).collect();
            let (mut live, mut model) = (Store::new(keys.clone(), 10), vec![10i64; 4]);
            let mut rebuilt = live.clone();
            for (n, (key, amount, end)) in ends.into_iter().enumerate() {
                let tx = TxId(n as u64);
                let Ok(prepared) = live.prepare(tx, &[Step::Add { key: Key(key), amount }]) else { continue };
                rebuilt.hold(prepared);
                match end {
                    0 => { live.commit(tx); rebuilt.commit(tx); model[usize::from(key)] += amount; }
                    1 => { live.abort(tx); rebuilt.abort(tx); }
                    _ => {}
                }
                prop_assert_eq!(&live, &rebuilt);
            }
            let values: Vec<i64> = live.cells().map(|(_, cell)| cell.value).collect();
            prop_assert_eq!(values, model);
        }
    }
}
