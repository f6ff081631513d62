//! A shard's rows in Percolator's three columns (section 2.2, figure 5), as a pure fold of its log.
//!
//! - *data*: by start timestamp, what a transaction wrote;
//! - *lock*: by start timestamp, the locks of transactions that are not settled here, each with its primary;
//! - *write*: by commit timestamp, which data is seen from there on; and by start timestamp, that a transaction was
//!   rolled back here, so that a prewrite that comes late is not taken for a new one.
//!
//! Two things are not in the paper. A lock may be a *read* lock, of a row that was only read, in the serializable mode;
//! many transactions can have one on the same row. And rollbacks are remembered for good, where real systems collect
//! them some time.

use std::collections::BTreeMap;

use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::store::{Cell, Key};

/// What a lock is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// To write: nobody else may lock the row, and whose snapshot is later waits.
    Write,
    /// To keep what was read as it is: nobody else may write the row.
    Read,
}

/// A lock on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    /// What it is for.
    pub purpose: Purpose,
    /// The row at which the transaction is committed or rolled back.
    pub primary: Key,
}

/// What the write column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// From here on the data of this start timestamp is seen.
    Put(Ts),
    /// The transaction that began here will never write this row.
    Rollback,
}

/// What became of a transaction, as its primary has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Nothing yet.
    Alive,
    /// Committed, at this timestamp.
    Committed(Ts),
    /// Rolled back.
    RolledBack,
}

/// One change of a row: what the log holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A lock, and data unless it is a read lock.
    Prewrite {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
        /// The lock.
        lock: Lock,
        /// The data.
        cell: Option<Cell>,
    },
    /// The lock becomes a write.
    Commit {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
        /// From where on it is seen.
        commit: Ts,
    },
    /// The lock is gone, and its data.
    Rollback {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
    },
}

/// A lock of another transaction is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InTheWay {
    /// Whose.
    pub holder: Ts,
    /// The lock.
    pub lock: Lock,
}

/// Why a row was not locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// By this lock.
    Locked(InTheWay),
    /// By a version that the snapshot does not have.
    Conflict(Ts),
    /// The transaction was rolled back here before.
    RolledBack,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// What was there at the beginning.
    pub initial: Cell,
    /// The data column.
    pub data: BTreeMap<Ts, Cell>,
    /// The lock column.
    pub locks: BTreeMap<Ts, Lock>,
    /// The write column.
    pub writes: BTreeMap<Ts, Write>,
}

impl Row {
    /// The last version that a snapshot has.
    pub fn version(&self, snapshot: Ts) -> Cell {
        let mut back = self.writes.range(..=snapshot).rev();
        let put = back.find_map(|(_, write)| match write {
            Write::Put(start) => Some(self.data[start]),
            Write::Rollback => None,
        });
        put.unwrap_or(self.initial)
    }

    /// What stands in the row of a transaction.
    pub fn fate(&self, start: Ts) -> Option<Fate> {
        if self.locks.contains_key(&start) {
            return Some(Fate::Alive);
        }
        if self.writes.get(&start) == Some(&Write::Rollback) {
            return Some(Fate::RolledBack);
        }
        let put = self.writes.iter().find(|(_, write)| **write == Write::Put(start));
        put.map(|(commit, _)| Fate::Committed(*commit))
    }
}

/// The rows of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Columns {
    rows: BTreeMap<Key, Row>,
}

impl Columns {
    /// Rows with these keys, each with this value.
    pub fn new(keys: impl IntoIterator<Item = Key>, value: i64) -> Self {
        let initial = Cell { value, writer: None };
        let row = Row { initial, data: BTreeMap::new(), locks: BTreeMap::new(), writes: BTreeMap::new() };
        Columns { rows: keys.into_iter().map(|key| (key, row.clone())).collect() }
    }

    /// The row of a key.
    ///
    /// # Panics
    /// If the shard does not hold it.
    pub fn row(&self, key: Key) -> &Row {
        self.rows.get(&key).unwrap_or_else(|| panic!("a shard is asked for its own rows: {key}"))
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = (Key, &Row)> {
        self.rows.iter().map(|(key, row)| (*key, row))
    }

    /// All locks: the row, whose, and the lock.
    pub fn locks(&self) -> impl Iterator<Item = (Key, Ts, Lock)> {
        self.rows().flat_map(|(key, row)| row.locks.iter().map(move |(start, lock)| (key, *start, *lock)))
    }

    /// The lock that a read must wait for: one to write, of a transaction that began before the snapshot, for it may
    /// commit before the snapshot as well (section 2.2, figure 6, `Get`).
    pub fn hides(&self, key: Key, snapshot: Ts) -> Option<InTheWay> {
        let mut older = self.row(key).locks.range(..=snapshot);
        let found = older.find(|(_, lock)| lock.purpose == Purpose::Write);
        found.map(|(holder, lock)| InTheWay { holder: *holder, lock: *lock })
    }

    /// Whether a transaction may lock a row (section 2.2, figure 6, `Prewrite`): not if another has written it after
    /// the snapshot, nor if a lock is on it, whatever its timestamp. `Ok(false)`: it has done so before.
    ///
    /// # Errors
    /// Why it may not.
    pub fn may_lock(&self, key: Key, start: Ts, purpose: Purpose) -> Result<bool, Refused> {
        let row = self.row(key);
        match row.fate(start) {
            Some(Fate::Alive | Fate::Committed(_)) => return Ok(false),
            Some(Fate::RolledBack) => return Err(Refused::RolledBack),
            None => {}
        }
        let excludes = |lock: &Lock| purpose == Purpose::Write || lock.purpose == Purpose::Write;
        if let Some((holder, lock)) = row.locks.iter().find(|(_, lock)| excludes(lock)) {
            return Err(Refused::Locked(InTheWay { holder: *holder, lock: *lock }));
        }
        let mut later = row.writes.range(start..).rev();
        match later.find(|(_, write)| matches!(write, Write::Put(_))) {
            Some((commit, _)) => Err(Refused::Conflict(*commit)),
            None => Ok(true),
        }
    }

    /// Makes a change that the log has.
    ///
    /// # Panics
    /// If it makes no sense after those before it.
    pub fn apply(&mut self, change: &Change) {
        let (Change::Prewrite { key, .. } | Change::Commit { key, .. } | Change::Rollback { key, .. }) = change;
        let row = self.rows.get_mut(key).unwrap_or_else(|| panic!("a shard changes its own rows: {key}"));
        match *change {
            Change::Prewrite { start, lock, cell, .. } => {
                assert!(
                    cell.is_some() == (lock.purpose == Purpose::Write),
                    "who locks to write has something to write: {start} on {key}"
                );
                row.data.extend(cell.map(|cell| (start, cell)));
                row.locks.insert(start, lock);
            }
            Change::Commit { start, commit, .. } => {
                let lock = row.locks.remove(&start);
                let lock = lock.unwrap_or_else(|| panic!("only what is locked is committed: {start} on {key}"));
                if lock.purpose == Purpose::Write {
                    row.writes.insert(commit, Write::Put(start));
                }
            }
            Change::Rollback { start, .. } => {
                row.locks.remove(&start);
                row.data.remove(&start);
                row.writes.insert(start, Write::Rollback);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transactions::TxId;

    const K: Key = Key(0);
    const WRITE: Lock = Lock { purpose: Purpose::Write, primary: K };
    const READ: Lock = Lock { purpose: Purpose::Read, primary: Key(1) };

    fn cell(value: i64) -> Cell {
        Cell { value, writer: Some(TxId(value as u64)) }
    }

    fn prewrite(start: u64, lock: Lock) -> Change {
        let cell = (lock.purpose == Purpose::Write).then(|| cell(start as i64));
        Change::Prewrite { start: Ts(start), key: K, lock, cell }
    }

    fn commit(start: u64, commit: u64) -> Change {
        Change::Commit { start: Ts(start), key: K, commit: Ts(commit) }
    }

    fn after(changes: &[Change]) -> Columns {
        let mut columns = Columns::new([K], 7);
        changes.iter().for_each(|change| columns.apply(change));
        columns
    }

    #[test]
    fn a_snapshot_has_what_was_committed_before_it() {
        let columns = after(&[prewrite(3, WRITE), commit(3, 5), prewrite(8, WRITE), commit(8, 9)]);
        let seen: Vec<i64> = [4, 5, 8, 9].map(|ts| columns.row(K).version(Ts(ts)).value).to_vec();
        assert_eq!(seen, [7, 3, 3, 8]);
    }

    #[test]
    fn a_lock_hides_a_row_from_later_snapshots_only() {
        let columns = after(&[prewrite(3, WRITE)]);
        assert_eq!(columns.hides(K, Ts(2)), None);
        assert_eq!(columns.hides(K, Ts(4)), Some(InTheWay { holder: Ts(3), lock: WRITE }));
        assert_eq!(after(&[prewrite(3, READ)]).hides(K, Ts(4)), None);
    }

    #[test]
    fn the_first_committer_wins() {
        let columns = after(&[prewrite(3, WRITE), commit(3, 5)]);
        assert_eq!(columns.may_lock(K, Ts(4), Purpose::Write), Err(Refused::Conflict(Ts(5))));
        assert_eq!(columns.may_lock(K, Ts(4), Purpose::Read), Err(Refused::Conflict(Ts(5))));
        assert_eq!(columns.may_lock(K, Ts(6), Purpose::Write), Ok(true));
    }

    #[test]
    fn readers_exclude_writers_and_not_each_other() {
        let columns = after(&[prewrite(3, READ)]);
        assert_eq!(columns.may_lock(K, Ts(4), Purpose::Read), Ok(true));
        let locked = Refused::Locked(InTheWay { holder: Ts(3), lock: READ });
        assert_eq!(columns.may_lock(K, Ts(4), Purpose::Write), Err(locked));
    }

    #[test]
    fn what_was_rolled_back_is_not_locked_again() {
        let columns = after(&[prewrite(3, WRITE), Change::Rollback { start: Ts(3), key: K }]);
        assert_eq!(columns.may_lock(K, Ts(3), Purpose::Write), Err(Refused::RolledBack));
        assert_eq!(columns.row(K).version(Ts(9)).value, 7);
        assert_eq!(columns.row(K).fate(Ts(3)), Some(Fate::RolledBack));
    }

    #[test]
    fn a_prewrite_that_comes_twice_is_one() {
        let columns = after(&[prewrite(3, WRITE), commit(3, 5)]);
        assert_eq!(columns.may_lock(K, Ts(3), Purpose::Write), Ok(false));
        assert_eq!(columns.row(K).fate(Ts(3)), Some(Fate::Committed(Ts(5))));
    }

    proptest! {
        /// Whatever transactions do with a row, each in its order: what a snapshot reads is what had been committed up to
        /// it, whenever it is read; of two that overlap at most one writes; and a row read back from its log is the same.
        #[test]
        fn a_row_is_what_was_committed(acts in prop::collection::vec((0usize..4, 0u8..4), 0..60)) {
            let (mut clock, mut columns, mut log) = (0, Columns::new([K], 7), Vec::new());
            let mut open: [Option<(u64, bool)>; 4] = [None; 4];
            // By commit timestamp: what was committed, and since when it was under way.
            let mut committed: Vec<(u64, u64, i64)> = Vec::new();
            for (who, act) in acts {
                clock += 1;
                let mut change = |columns: &mut Columns, change: Change| {
                    columns.apply(&change);
                    log.push(change);
                };
                match (open[who], act) {
                    (None, _) => open[who] = Some((clock, false)),
                    (Some((start, false)), 0..3) => match columns.may_lock(K, Ts(start), Purpose::Write) {
                        Ok(fresh) => {
                            prop_assert!(fresh);
                            change(&mut columns, prewrite(start, WRITE));
                            open[who] = Some((start, true));
                        }
                        Err(_) => open[who] = None,
                    },
                    (Some((start, true)), 0..3) => {
                        change(&mut columns, commit(start, clock));
                        committed.push((clock, start, start as i64));
                        open[who] = None;
                    }
                    (Some((start, _)), _) => {
                        change(&mut columns, Change::Rollback { start: Ts(start), key: K });
                        open[who] = None;
                    }
                }
                for snapshot in 0..=clock {
                    let last = committed.iter().rfind(|(at, ..)| *at <= snapshot);
                    let expected = last.map_or(7, |(.., value)| *value);
                    prop_assert_eq!(columns.row(K).version(Ts(snapshot)).value, expected);
                }
            }
            for pair in committed.windows(2) {
                prop_assert!(pair[0].0 < pair[1].1, "both wrote: {:?}", pair);
            }
            prop_assert_eq!(after(&log), columns);
        }
    }
}
