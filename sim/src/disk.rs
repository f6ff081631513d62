//! A node's disk: files of typed records, buffered writes, and what a crash leaves of them.
//!
//! There are two ways to write, the two that crash-safe programs use: append a record to a file (a write-ahead log),
//! and replace a whole file atomically (write a new one, sync, rename). A sync makes durable what was written before
//! it began; one is under way at a time, so writes that come meanwhile share the next (group commit).
//!
//! An append can be *lazy* (databases say "not forced"): no output waits for it and no sync begins for it. It becomes
//! durable with the next forced write, and a crash before that may lose it.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// A file of a node's disk, by a number that the process chooses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct File(pub u16);

/// A record as it is read back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stored<R> {
    /// As it was written.
    Good(R),
    /// The write was cut off by a crash, as its checksum shows. Nothing durable follows it.
    Torn,
    /// It was durable and is damaged, as its checksum shows.
    Corrupt,
}

impl<R> Stored<R> {
    /// The record, if it is good.
    pub fn good(self) -> Option<R> {
        match self {
            Stored::Good(record) => Some(record),
            Stored::Torn | Stored::Corrupt => None,
        }
    }

    pub(crate) fn filter_map<S>(self, f: impl FnOnce(R) -> Option<S>) -> Option<Stored<S>> {
        match self {
            Stored::Good(record) => f(record).map(Stored::Good),
            Stored::Torn => Some(Stored::Torn),
            Stored::Corrupt => Some(Stored::Corrupt),
        }
    }
}

/// How disks behave in a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskConfig {
    /// The least duration of a sync. Zero, the default, makes writes durable at once.
    pub sync: Span,
    /// The greatest extra duration, by the choice `(sync, node, n)`, whose default is zero.
    pub sync_jitter: Span,
    /// How many unsynced writes in a million a crash loses, by the choice `(crash, node, n, write)`.
    pub lost_ppm: u32,
    /// How many unsynced writes in a million a crash tears.
    pub torn_ppm: u32,
}

/// What a crash makes of one unsynced write: the choice `(crash, node, n, write)`. The default is that it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteFate {
    /// It reached the disk, although no sync had covered it.
    Kept,
    /// It never reached the disk.
    Lost,
    /// A part of it reached the disk. A torn replacement leaves the old file: the rename never happened.
    Torn,
}

/// The number of a write among all writes of its node.
type Seq = u64;

/// The number of a write that did not take place, because the disk was full: it never becomes durable.
pub(crate) const NEVER_WRITTEN: Seq = Seq::MAX;

#[derive(Clone, Debug, Hash)]
struct Pending<R> {
    seq: Seq,
    file: File,
    /// The file before a replacement; `None` for an append.
    replaced: Option<Vec<Stored<R>>>,
}

#[derive(Clone, Debug, Hash)]
pub(crate) struct Disk<R> {
    /// The files as the running process reads them.
    files: Vec<Vec<Stored<R>>>,
    /// What is not durable yet, oldest first.
    pending: Vec<Pending<R>>,
    written: Seq,
    /// The last write that outputs wait for: lazy ones do not count.
    forced: Seq,
    durable: Seq,
    /// The last write that the running sync covers.
    syncing: Option<Seq>,
}

impl<R: Clone> Disk<R> {
    pub(crate) fn new() -> Self {
        Disk { files: Vec::new(), pending: Vec::new(), written: 0, forced: 0, durable: 0, syncing: None }
    }

    fn file_mut(&mut self, file: File) -> &mut Vec<Stored<R>> {
        let index = file.0 as usize;
        if self.files.len() <= index {
            self.files.resize_with(index + 1, Vec::new);
        }
        &mut self.files[index]
    }

    pub(crate) fn append(&mut self, file: File, record: R) -> Seq {
        self.forced = self.append_lazily(file, record);
        self.forced
    }

    pub(crate) fn append_lazily(&mut self, file: File, record: R) -> Seq {
        self.file_mut(file).push(Stored::Good(record));
        self.written += 1;
        self.pending.push(Pending { seq: self.written, file, replaced: None });
        self.written
    }

    pub(crate) fn replace(&mut self, file: File, records: Vec<R>) -> Seq {
        let new = records.into_iter().map(Stored::Good).collect();
        let old = std::mem::replace(self.file_mut(file), new);
        self.written += 1;
        self.forced = self.written;
        self.pending.push(Pending { seq: self.written, file, replaced: Some(old) });
        self.written
    }

    pub(crate) fn read(&self, file: File) -> Vec<Stored<R>> {
        self.files.get(file.0 as usize).cloned().unwrap_or_default()
    }

    /// The records of a file without copying them.
    pub(crate) fn records(&self, file: File) -> &[Stored<R>] {
        self.files.get(file.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The last forced write: outputs wait until it is durable.
    pub(crate) fn forced(&self) -> Seq {
        self.forced
    }

    /// The last write, forced or lazy.
    pub(crate) fn written(&self) -> Seq {
        self.written
    }

    pub(crate) fn durable(&self) -> Seq {
        self.durable
    }

    /// Whether every forced write is durable.
    pub(crate) fn settled(&self) -> bool {
        self.durable >= self.forced
    }

    pub(crate) fn syncing(&self) -> bool {
        self.syncing.is_some()
    }

    pub(crate) fn begin_sync(&mut self) {
        assert!(self.syncing.is_none(), "one sync at a time");
        self.syncing = Some(self.written);
    }

    pub(crate) fn end_sync(&mut self) {
        let upto = self.syncing.take().expect("a sync that ends has begun");
        self.durable = upto;
        match self.pending.last() {
            Some(last) if last.seq <= upto => self.pending.clear(),
            _ => self.pending.retain(|write| write.seq > upto),
        }
    }

    /// A power failure: `fate` is asked for each unsynced write, in the order of the writes.
    pub(crate) fn crash(&mut self, mut fate: impl FnMut(u32) -> WriteFate) {
        enum Redo<R> {
            Append(Stored<R>),
            Replace(Vec<Stored<R>>),
        }
        // Undo to what was durable, last write first …
        let pending = std::mem::take(&mut self.pending);
        let mut redo = Vec::with_capacity(pending.len());
        for write in pending.into_iter().rev() {
            let now = self.file_mut(write.file);
            redo.push(match write.replaced {
                None => (write.file, Redo::Append(now.pop().expect("an unsynced append is at the end of its file"))),
                Some(old) => (write.file, Redo::Replace(std::mem::replace(now, old))),
            });
        }
        // … then redo what the crash kept. A lost append leaves a hole: one with a record behind it reads as torn, and
        // holes at the end are no records.
        let mut holes: Vec<(File, usize)> = Vec::new();
        let mut orphaned: Vec<File> = Vec::new();
        for (k, (file, write)) in redo.into_iter().rev().enumerate() {
            let fate = fate(k as u32);
            match write {
                Redo::Replace(new) if fate == WriteFate::Kept => {
                    holes.retain(|(of, _)| *of != file);
                    orphaned.retain(|of| *of != file);
                    *self.file_mut(file) = new;
                }
                Redo::Replace(_) => orphaned.push(file),
                Redo::Append(_) if orphaned.contains(&file) => {}
                Redo::Append(record) => {
                    let records = self.file_mut(file);
                    match fate {
                        WriteFate::Kept => records.push(record),
                        WriteFate::Torn => records.push(Stored::Torn),
                        WriteFate::Lost => {
                            holes.push((file, records.len()));
                            records.push(Stored::Torn);
                        }
                    }
                }
            }
        }
        for (file, at) in holes.into_iter().rev() {
            let records = self.file_mut(file);
            if records.len() == at + 1 {
                records.pop();
            }
        }
        self.durable = self.written;
        self.syncing = None;
    }

    /// Damages the record `back` places from the end of `file`. `false` if there is none.
    pub(crate) fn corrupt(&mut self, file: File, back: u32) -> bool {
        let records = self.file_mut(file);
        let Some(at) = records.len().checked_sub(1 + back as usize) else {
            return false;
        };
        records[at] = Stored::Corrupt;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOG: File = File(0);

    fn good(disk: &Disk<u32>) -> Vec<Stored<u32>> {
        disk.read(LOG)
    }

    fn sync(disk: &mut Disk<u32>) {
        disk.begin_sync();
        disk.end_sync();
    }

    #[test]
    fn a_crash_keeps_what_was_synced() {
        let mut disk = Disk::new();
        disk.append(LOG, 1);
        sync(&mut disk);
        disk.append(LOG, 2);
        disk.crash(|_| WriteFate::Lost);
        assert_eq!(good(&disk), [Stored::Good(1)]);
    }

    #[test]
    fn a_lost_write_before_a_kept_one_reads_as_torn() {
        let mut disk = Disk::new();
        disk.append(LOG, 1);
        disk.append(LOG, 2);
        disk.crash(|k| if k == 0 { WriteFate::Lost } else { WriteFate::Kept });
        assert_eq!(good(&disk), [Stored::Torn, Stored::Good(2)]);
    }

    #[test]
    fn a_lazy_write_waits_for_nobody_and_is_durable_with_the_next_forced_one() {
        let mut disk = Disk::new();
        disk.append_lazily(LOG, 1);
        assert!(disk.settled());
        disk.append(LOG, 2);
        assert!(!disk.settled());
        sync(&mut disk);
        disk.append_lazily(LOG, 3);
        disk.crash(|_| WriteFate::Lost);
        assert_eq!(good(&disk), [Stored::Good(1), Stored::Good(2)]);
    }

    #[test]
    fn a_replacement_is_old_or_new_and_never_half() {
        for fate in [WriteFate::Kept, WriteFate::Lost, WriteFate::Torn] {
            let mut disk = Disk::new();
            disk.append(LOG, 1);
            sync(&mut disk);
            disk.replace(LOG, vec![7, 8]);
            disk.append(LOG, 9);
            disk.crash(|k| if k == 0 { fate } else { WriteFate::Kept });
            let expect: &[u32] = if fate == WriteFate::Kept { &[7, 8, 9] } else { &[1] };
            assert_eq!(good(&disk), expect.iter().copied().map(Stored::Good).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_sync_covers_only_what_was_written_before_it_began() {
        let mut disk = Disk::new();
        disk.append(LOG, 1);
        disk.begin_sync();
        disk.append(LOG, 2);
        disk.end_sync();
        assert!(!disk.settled());
        disk.crash(|_| WriteFate::Lost);
        assert_eq!(good(&disk), [Stored::Good(1)]);
    }

    proptest! {
        /// Whatever is written and whatever the crash does, the durable prefix of a log is there and in order.
        #[test]
        fn durable_prefix_survives(writes in prop::collection::vec(any::<bool>(), 0..40), fates in prop::collection::vec(0..3, 40)) {
            let mut disk = Disk::new();
            let mut durable = 0;
            for (i, sync_after) in writes.iter().enumerate() {
                disk.append(LOG, i as u32);
                if *sync_after { sync(&mut disk); durable = i + 1; }
            }
            disk.crash(|k| [WriteFate::Kept, WriteFate::Lost, WriteFate::Torn][fates[k as usize] as usize]);
            let read = good(&disk);
            prop_assert!(read.len() >= durable);
            for (i, item) in read.iter().take(durable).enumerate() { prop_assert_eq!(item, &Stored::Good(i as u32)); }
            prop_assert!(read.len() <= writes.len());
            for (i, item) in read.iter().enumerate() {
                if let Stored::Good(v) = item { prop_assert_eq!(*v, i as u32); }
            }
        }
    }
}
