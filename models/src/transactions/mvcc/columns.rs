//! A shard's rows in Percolator's three columns (section 2.2, figure 5), as a pure fold of its log.
//!
//! - *data*: by start timestamp, what a transaction wrote;
//! - *lock*: by start timestamp, the locks of transactions that are neither committed nor rolled back here, each with its
//!   primary;
//! - *write*: by commit timestamp, which data is seen from there on; and by start timestamp, that a transaction was
//!   rolled back here, so that a prewrite that comes late is not taken for a new one.
//!
//! Three things are not in the paper. A lock may be a *read* lock, of a row that was only read, in write-snapshot isolation;
//! many transactions can have one on the same row. In serializable snapshot isolation a row has *marks* of its readers, and a
//! primary what is known of the [antidependencies](super::antidependency) of its transaction. And rollbacks are remembered for good, where real systems collect
//! them some time.

use std::collections::BTreeMap;

use crate::transactions::mvcc::antidependency::{Reader, Writer};
use crate::transactions::mvcc::messages::{Change, Lock, LockKind, Status};
use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::store::{Cell, Key};

/// A cell of the write column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// Snapshots from this timestamp on see the data of this start timestamp.
    Put(Ts),
    /// The transaction with this start timestamp will never write this row.
    Rollback,
}

/// The lock of another transaction that a read or a prewrite has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockingLock {
    /// The start timestamp of the transaction that holds it.
    pub holder: Ts,
    /// The lock itself.
    pub lock: Lock,
}

/// Why a row cannot be prewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// Another transaction has locked it.
    Locked(BlockingLock),
    /// Another transaction has committed a version at this timestamp, which the snapshot does not have.
    Conflict(Ts),
    /// The transaction itself was rolled back here before.
    RolledBack,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The version that was there at the beginning.
    pub initial: Cell,
    /// The data column.
    pub data: BTreeMap<Ts, Cell>,
    /// The lock column.
    pub locks: BTreeMap<Ts, Lock>,
    /// The write column.
    pub writes: BTreeMap<Ts, Write>,
    /// What serializable snapshot isolation keeps of it.
    pub conflicts: Conflicts,
}

/// What serializable snapshot isolation keeps of a row. It is kept for good, where real systems drop what no transaction that
/// is under way is concurrent with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conflicts {
    /// The marks of readers, by their start timestamps.
    pub marks: BTreeMap<Ts, Reader>,
    /// By start timestamp: the primaries of those that have written the row.
    pub primaries: BTreeMap<Ts, Key>,
    /// By the start timestamp of a transaction whose primary this is: those that have an antidependency to it.
    pub readers: BTreeMap<Ts, BTreeMap<Ts, Reader>>,
    /// By the start timestamp of a transaction whose primary this is: the first to commit of those to which it has an
    /// antidependency, if that was before its own commit.
    pub outs: BTreeMap<Ts, Ts>,
}

impl Row {
    /// The latest version in a snapshot.
    pub fn version(&self, snapshot: Ts) -> Cell {
        let mut back = self.writes.range(..=snapshot).rev();
        let put = back.find_map(|(_, write)| match write {
            Write::Put(start) => Some(self.data[start]),
            Write::Rollback => None,
        });
        put.unwrap_or(self.initial)
    }

    /// The marks of readers that may have an antidependency to a transaction that writes the row now: those that have not
    /// committed before it began.
    pub fn readers_before(&self, writer: Ts) -> Vec<Reader> {
        let concurrent =
            |reader: &&Reader| reader.start != writer && reader.commit.is_none_or(|commit| commit > writer);
        self.conflicts.marks.values().filter(concurrent).copied().collect()
    }

    /// Those that have written what a reader has not seen, or are about to. A lock that the reader has not met when it read was
    /// made after that, so that its holder commits after the snapshot.
    pub fn writers_after(&self, reader: Ts) -> Vec<Writer> {
        let later = self.writes.range(reader..).filter_map(|(_, write)| match write {
            Write::Put(start) => Some(Writer { start: *start, primary: self.conflicts.primaries[start] }),
            Write::Rollback => None,
        });
        let locked = self.locks.iter().filter(|(_, lock)| lock.kind == LockKind::Write);
        let locked = locked.map(|(start, lock)| Writer { start: *start, primary: lock.primary });
        later.chain(locked).filter(|writer| writer.start != reader).collect()
    }

    /// Those that have an antidependency to a transaction whose primary this is, as far as it was noted here.
    pub fn noted_readers(&self, writer: Ts) -> impl Iterator<Item = Reader> {
        self.conflicts.readers.get(&writer).into_iter().flat_map(|readers| readers.values().copied())
    }

    /// The status of a transaction in this row; `None` if the row has nothing of it.
    pub fn status(&self, start: Ts) -> Option<Status> {
        if self.locks.contains_key(&start) {
            return Some(Status::Alive);
        }
        if self.writes.get(&start) == Some(&Write::Rollback) {
            return Some(Status::RolledBack);
        }
        let put = self.writes.iter().find(|(_, write)| **write == Write::Put(start));
        put.map(|(commit, _)| Status::Committed(*commit))
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
        let (data, locks, writes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let row = Row { initial, data, locks, writes, conflicts: Conflicts::default() };
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

    /// All locks: the row, the start timestamp of the holder, and the lock.
    pub fn locks(&self) -> impl Iterator<Item = (Key, Ts, Lock)> {
        self.rows().flat_map(|(key, row)| row.locks.iter().map(move |(start, lock)| (key, *start, *lock)))
    }

    /// The lock that a read must wait for: a write lock of a transaction that began before the snapshot, for it may
    /// commit before the snapshot as well (section 2.2, figure 6, `Get`).
    pub fn blocks_read(&self, key: Key, snapshot: Ts) -> Option<BlockingLock> {
        let mut older = self.row(key).locks.range(..=snapshot);
        let found = older.find(|(_, lock)| lock.kind == LockKind::Write);
        found.map(|(holder, lock)| BlockingLock { holder: *holder, lock: *lock })
    }

    /// Whether a transaction may prewrite a row (section 2.2, figure 6, `Prewrite`): not if another has written it after
    /// the snapshot, nor if a lock is on it, whatever its timestamp. `Ok(false)`: it has done so before.
    ///
    /// # Errors
    /// Why it may not.
    pub fn may_prewrite(&self, key: Key, start: Ts, kind: LockKind) -> Result<bool, Refused> {
        let row = self.row(key);
        match row.status(start) {
            Some(Status::Alive | Status::Committed(_)) => return Ok(false),
            Some(Status::RolledBack) => return Err(Refused::RolledBack),
            None => {}
        }
        let excludes = |lock: &Lock| kind == LockKind::Write || lock.kind == LockKind::Write;
        if let Some((holder, lock)) = row.locks.iter().find(|(_, lock)| excludes(lock)) {
            return Err(Refused::Locked(BlockingLock { holder: *holder, lock: *lock }));
        }
        let mut later = row.writes.range(start..).rev();
        match later.find(|(_, write)| matches!(write, Write::Put(_))) {
            Some((commit, _)) => Err(Refused::Conflict(*commit)),
            None => Ok(true),
        }
    }

    /// Applies a record of the log.
    ///
    /// # Panics
    /// If it does not fit those before it: what is committed must be locked, and only write locks have data.
    pub fn apply(&mut self, change: &Change) {
        let (Change::Prewrite(_, key, ..)
        | Change::Commit(_, key, _)
        | Change::Rollback(_, key)
        | Change::Mark(_, key)
        | Change::Antidependency(_, key, _)
        | Change::Certify(_, key, ..)) = change;
        let row = self.rows.get_mut(key).unwrap_or_else(|| panic!("a shard changes its own rows: {key}"));
        match *change {
            Change::Prewrite(start, _, lock, cell) => {
                assert!(
                    cell.is_some() == (lock.kind == LockKind::Write),
                    "a write lock comes with data, a read lock without: {start} on {key}"
                );
                row.data.extend(cell.map(|cell| (start, cell)));
                row.locks.insert(start, lock);
            }
            Change::Commit(start, _, commit) | Change::Certify(start, _, commit, _) => {
                let lock = row.locks.remove(&start);
                let lock = lock.unwrap_or_else(|| panic!("only what is locked is committed: {start} on {key}"));
                if lock.kind == LockKind::Write {
                    row.writes.insert(commit, Write::Put(start));
                    row.conflicts.primaries.insert(start, lock.primary);
                }
                if let Change::Certify(.., Some(out)) = *change {
                    row.conflicts.outs.insert(start, out);
                }
            }
            Change::Mark(reader, _) => drop(row.conflicts.marks.insert(reader.start, reader)),
            Change::Antidependency(writer, _, reader) => {
                row.conflicts.readers.entry(writer).or_default().insert(reader.start, reader);
            }
            Change::Rollback(start, _) => {
                row.locks.remove(&start);
                row.data.remove(&start);
                row.conflicts.marks.remove(&start);
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
    const WRITE: Lock = Lock { kind: LockKind::Write, primary: K };
    const READ: Lock = Lock { kind: LockKind::Read, primary: Key(1) };

    fn cell(value: i64) -> Cell {
        Cell { value, writer: Some(TxId(value as u64)) }
    }

    fn prewrite(start: u64, lock: Lock) -> Change {
        let cell = (lock.kind == LockKind::Write).then(|| cell(start as i64));
        Change::Prewrite(Ts(start), K, lock, cell)
    }

    fn commit(start: u64, commit: u64) -> Change {
        Change::Commit(Ts(start), K, Ts(commit))
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
        assert_eq!(columns.blocks_read(K, Ts(2)), None);
        assert_eq!(columns.blocks_read(K, Ts(4)), Some(BlockingLock { holder: Ts(3), lock: WRITE }));
        assert_eq!(after(&[prewrite(3, READ)]).blocks_read(K, Ts(4)), None);
    }

    #[test]
    fn the_first_committer_wins() {
        let columns = after(&[prewrite(3, WRITE), commit(3, 5)]);
        assert_eq!(columns.may_prewrite(K, Ts(4), LockKind::Write), Err(Refused::Conflict(Ts(5))));
        assert_eq!(columns.may_prewrite(K, Ts(4), LockKind::Read), Err(Refused::Conflict(Ts(5))));
        assert_eq!(columns.may_prewrite(K, Ts(6), LockKind::Write), Ok(true));
    }

    #[test]
    fn readers_exclude_writers_and_not_each_other() {
        let columns = after(&[prewrite(3, READ)]);
        assert_eq!(columns.may_prewrite(K, Ts(4), LockKind::Read), Ok(true));
        let locked = Refused::Locked(BlockingLock { holder: Ts(3), lock: READ });
        assert_eq!(columns.may_prewrite(K, Ts(4), LockKind::Write), Err(locked));
    }

    #[test]
    fn what_was_rolled_back_is_not_locked_again() {
        let columns = after(&[prewrite(3, WRITE), Change::Rollback(Ts(3), K)]);
        assert_eq!(columns.may_prewrite(K, Ts(3), LockKind::Write), Err(Refused::RolledBack));
        assert_eq!(columns.row(K).version(Ts(9)).value, 7);
        assert_eq!(columns.row(K).status(Ts(3)), Some(Status::RolledBack));
    }

    #[test]
    fn a_prewrite_that_comes_twice_is_one() {
        let columns = after(&[prewrite(3, WRITE), commit(3, 5)]);
        assert_eq!(columns.may_prewrite(K, Ts(3), LockKind::Write), Ok(false));
        assert_eq!(columns.row(K).status(Ts(3)), Some(Status::Committed(Ts(5))));
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
                    (Some((start, false)), 0..3) => match columns.may_prewrite(K, Ts(start), LockKind::Write) {
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
                        change(&mut columns, Change::Rollback(Ts(start), K));
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
