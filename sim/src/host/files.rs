//! The files of a node that runs a program: a tree of names and contents, and what a crash leaves of them.
//!
//! Writes are seen at once by whoever reads, and are durable when a sync has covered them. A crash decides each of the others
//! by a choice of its own, as it does for the records of [`crate::disk`]:
//!
//! - **Bytes written to a file** are kept, lost or torn: a torn write leaves its first bytes. They are decided one by one, so a
//!   later write may survive an earlier one, and a hole reads as zeros.
//! - **Changes of names** (create, rename, remove) are kept or lost, in their order: of those that no sync covered, some first
//!   ones are kept, as journalling file systems do it. They are independent of contents, so a file that was renamed before it
//!   was synced may be there and be empty: the anomalies that Pillai et al. (*All File Systems Are Not Created Equal*, OSDI
//!   2014) found in applications.
//!
//! A sync of a file covers its bytes and length as they were when it began, and all changes of names up to the last one of
//! that file. A sync of a folder covers all changes of names up to the last one in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path, PathBuf};

use crate::disk::WriteFate;
use crate::time::Span;

/// The contents of a file, whatever its name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inode(u64);

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A file.
    File(Inode),
}

/// What is opened: it can be synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A folder, by its path.
    Folder(PathBuf),
    /// A file.
    File(Inode),
}

/// How a file is opened, as the standard library's `OpenOptions` say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are the options of `open`, which are independent of each other")]
pub struct OpenHow {
    /// Reading is allowed.
    pub read: bool,
    /// Writing is allowed.
    pub write: bool,
    /// Writes go to the end.
    pub append: bool,
    /// What was there is removed.
    pub truncate: bool,
    /// A file that is missing is made.
    pub create: bool,
    /// A file that is there is an error.
    pub create_new: bool,
}

/// What a sync that has begun will cover.
#[derive(Clone, Debug)]
pub struct SyncBegun {
    of: Opened,
    /// The last change that was made before it began.
    upto: u64,
}

#[derive(Clone, Debug, Default)]
struct Tree {
    names: BTreeMap<PathBuf, Entry>,
    contents: BTreeMap<Inode, Vec<u8>>,
}

/// A change that is not durable yet.
#[derive(Clone, Debug)]
struct Pending {
    number: u64,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Bytes { inode: Inode, at: usize, bytes: Vec<u8> },
    Len { inode: Inode, len: usize },
    Created { path: PathBuf, inode: Inode },
    Folder { path: PathBuf },
    Removed { path: PathBuf },
    Renamed { from: PathBuf, to: PathBuf, inode: Option<Inode> },
}

/// The files of one node.
#[derive(Clone, Debug)]
pub struct Files {
    /// As programs see them.
    live: Tree,
    /// As a crash would leave them if it lost all it may lose.
    durable: Tree,
    pending: Vec<Pending>,
    /// The number of the next change.
    next: u64,
    next_inode: u64,
    syncs: u64,
    crashes: u64,
    /// How many faults make it full, and how much longer each sync takes.
    pub(super) full: u32,
    pub(super) slow: Span,
    /// Whether that had an effect since it began.
    pub(super) was_full: bool,
    pub(super) was_slow: bool,
}

/// A folder that every machine has.
const TEMPORARY: &str = "/tmp";

impl Tree {
    fn empty() -> Self {
        let folders = ["/", TEMPORARY].map(|path| (PathBuf::from(path), Entry::Folder));
        Tree { names: folders.into_iter().collect(), contents: BTreeMap::new() }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Bytes { inode, at, bytes } => {
                let contents = self.contents.entry(*inode).or_default();
                contents.resize(contents.len().max(at + bytes.len()), 0);
                contents[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Change::Len { inode, len } => self.contents.entry(*inode).or_default().resize(*len, 0),
            Change::Created { path, inode } => {
                self.names.insert(path.clone(), Entry::File(*inode));
                self.contents.entry(*inode).or_default();
            }
            Change::Folder { path } => {
                self.names.insert(path.clone(), Entry::Folder);
            }
            Change::Removed { path } => {
                self.names.remove(path);
            }
            Change::Renamed { from, to, .. } => {
                let moved: Vec<PathBuf> = self.names.keys().filter(|path| path.starts_with(from)).cloned().collect();
                for path in moved {
                    let below = path.strip_prefix(from).expect("it begins so");
                    let new = if below.as_os_str().is_empty() { to.clone() } else { to.join(below) };
                    let entry = self.names.remove(&path).expect("it was found");
                    self.names.insert(new, entry);
                }
            }
        }
    }

    /// Forgets the contents that have no name.
    fn collect(&mut self) {
        let named: BTreeSet<Inode> = self
            .names
            .values()
            .filter_map(|entry| match entry {
                Entry::File(inode) => Some(*inode),
                Entry::Folder => None,
            })
            .collect();
        self.contents.retain(|inode, _| named.contains(inode));
    }
}

impl Change {
    /// The file whose bytes or length it changes.
    fn contents(&self) -> Option<Inode> {
        match self {
            Change::Bytes { inode, .. } | Change::Len { inode, .. } => Some(*inode),
            _ => None,
        }
    }

    /// Whether it changes a name of what was opened.
    fn names(&self, opened: &Opened) -> bool {
        match (self, opened) {
            (Change::Created { inode, .. }, Opened::File(file)) => inode == file,
            (Change::Renamed { inode, .. }, Opened::File(file)) => *inode == Some(*file),
            (
                Change::Created { path, .. } | Change::Folder { path } | Change::Removed { path },
                Opened::Folder(folder),
            ) => path == folder || path.parent() == Some(folder),
            (Change::Renamed { from, to, .. }, Opened::Folder(folder)) => {
                from.parent() == Some(folder) || to.parent() == Some(folder) || to == folder
            }
            _ => false,
        }
    }
}

fn missing(path: &Path) -> Error {
    Error::new(ErrorKind::NotFound, format!("no such file or directory: {}", path.display()))
}

/// A path from the root, without `.` and `..`. There is one working directory: the root.
pub fn absolute(path: &Path) -> PathBuf {
    let mut from_root = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => from_root.push(name),
            Component::ParentDir => {
                from_root.pop();
            }
            _ => {}
        }
    }
    from_root
}

impl Files {
    pub(super) fn new() -> Self {
        Files {
            live: Tree::empty(),
            durable: Tree::empty(),
            pending: Vec::new(),
            next: 0,
            next_inode: 0,
            syncs: 0,
            crashes: 0,
            full: 0,
            slow: Span::ZERO,
            was_full: false,
            was_slow: false,
        }
    }

    fn change(&mut self, change: Change) {
        self.live.apply(&change);
        self.pending.push(Pending { number: self.next, change });
        self.next += 1;
    }

    /// Writes need room.
    fn has_room(&mut self) -> Result<()> {
        if self.full == 0 {
            return Ok(());
        }
        self.was_full = true;
        Err(Error::new(ErrorKind::StorageFull, "no space left on device"))
    }

    /// What a path stands for.
    ///
    /// # Errors
    /// If it stands for nothing.
    pub fn find(&self, path: &Path) -> Result<Entry> {
        self.live.names.get(&absolute(path)).cloned().ok_or_else(|| missing(path))
    }

    /// The folder that a new name would be in has to be there.
    fn has_folder(&self, path: &Path) -> Result<()> {
        let parent = absolute(path).parent().map(Path::to_path_buf).unwrap_or_default();
        match self.live.names.get(&parent) {
            Some(Entry::Folder) => Ok(()),
            Some(Entry::File(_)) => Err(Error::new(ErrorKind::NotADirectory, "a part of the path is a file")),
            None => Err(missing(&parent)),
        }
    }

    /// Opens a file, or a folder for reading.
    ///
    /// # Errors
    /// As `open(2)`.
    pub fn open(&mut self, path: &Path, how: OpenHow) -> Result<Opened> {
        let writes = how.write || how.append;
        if !how.read && !writes || (how.truncate && !how.write) || ((how.create || how.create_new) && !writes) {
            return Err(Error::new(ErrorKind::InvalidInput, "these options do not go together"));
        }
        match self.live.names.get(&absolute(path)).cloned() {
            Some(_) if how.create_new => Err(Error::new(ErrorKind::AlreadyExists, "the file exists")),
            Some(Entry::Folder) if writes => Err(Error::new(ErrorKind::IsADirectory, "it is a directory")),
            Some(Entry::Folder) => Ok(Opened::Folder(absolute(path))),
            Some(Entry::File(inode)) => {
                if how.truncate && self.len(inode) > 0 {
                    self.change(Change::Len { inode, len: 0 });
                }
                Ok(Opened::File(inode))
            }
            None if how.create || how.create_new => {
                self.has_folder(path)?;
                self.has_room()?;
                let inode = Inode(self.next_inode);
                self.next_inode += 1;
                self.change(Change::Created { path: absolute(path), inode });
                Ok(Opened::File(inode))
            }
            None => Err(missing(path)),
        }
    }

    /// How many bytes a file has.
    pub fn len(&self, inode: Inode) -> usize {
        self.live.contents.get(&inode).map_or(0, Vec::len)
    }

    /// The bytes of a file from a place on, at most `most`.
    pub fn read(&self, inode: Inode, at: usize, most: usize) -> &[u8] {
        let contents = self.live.contents.get(&inode).map_or(&[][..], Vec::as_slice);
        let from = at.min(contents.len());
        &contents[from..contents.len().min(from.saturating_add(most))]
    }

    /// Writes bytes at a place of a file; a gap before it is filled with zeros.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn write(&mut self, inode: Inode, at: usize, bytes: &[u8]) -> Result<()> {
        self.has_room()?;
        if !bytes.is_empty() {
            self.change(Change::Bytes { inode, at, bytes: bytes.to_vec() });
        }
        Ok(())
    }

    /// Cuts a file off, or fills it with zeros up to a length.
    ///
    /// # Errors
    /// If it grows and the disk is full.
    pub fn set_len(&mut self, inode: Inode, len: usize) -> Result<()> {
        if len > self.len(inode) {
            self.has_room()?;
        }
        self.change(Change::Len { inode, len });
        Ok(())
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As `mkdir(2)`.
    pub fn create_folder(&mut self, path: &Path) -> Result<()> {
        if self.find(path).is_ok() {
            return Err(Error::new(ErrorKind::AlreadyExists, "the path exists"));
        }
        self.has_folder(path)?;
        self.has_room()?;
        self.change(Change::Folder { path: absolute(path) });
        Ok(())
    }

    /// Removes a file.
    ///
    /// # Errors
    /// As `unlink(2)`.
    pub fn remove_file(&mut self, path: &Path) -> Result<()> {
        match self.find(path)? {
            Entry::Folder => Err(Error::new(ErrorKind::IsADirectory, "it is a directory")),
            Entry::File(_) => {
                self.change(Change::Removed { path: absolute(path) });
                Ok(())
            }
        }
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// As `rmdir(2)`.
    pub fn remove_folder(&mut self, path: &Path) -> Result<()> {
        match self.find(path)? {
            Entry::File(_) => Err(Error::new(ErrorKind::NotADirectory, "it is a file")),
            Entry::Folder if !self.list(path)?.is_empty() => {
                Err(Error::new(ErrorKind::DirectoryNotEmpty, "the directory is not empty"))
            }
            Entry::Folder => {
                self.change(Change::Removed { path: absolute(path) });
                Ok(())
            }
        }
    }

    /// Gives a file or a folder another name, in the place of a file that has it, if one has.
    ///
    /// # Errors
    /// As `rename(2)`.
    pub fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        let moved = self.find(from)?;
        self.has_folder(to)?;
        let (from, to) = (absolute(from), absolute(to));
        if from == to {
            return Ok(());
        }
        if to.starts_with(&from) {
            return Err(Error::new(ErrorKind::InvalidInput, "a directory cannot be moved into itself"));
        }
        match (&moved, self.live.names.get(&to)) {
            (_, None) | (Entry::File(_), Some(Entry::File(_))) => {}
            (Entry::Folder, Some(Entry::Folder)) if self.list(&to)?.is_empty() => {}
            (Entry::Folder, Some(Entry::Folder)) => {
                return Err(Error::new(ErrorKind::DirectoryNotEmpty, "the directory is not empty"));
            }
            (Entry::File(_), Some(Entry::Folder)) => {
                return Err(Error::new(ErrorKind::IsADirectory, "it is a directory"));
            }
            (Entry::Folder, Some(Entry::File(_))) => return Err(Error::new(ErrorKind::NotADirectory, "it is a file")),
        }
        let inode = match moved {
            Entry::File(inode) => Some(inode),
            Entry::Folder => None,
        };
        self.change(Change::Renamed { from, to, inode });
        Ok(())
    }

    /// The names in a folder, in their order.
    ///
    /// # Errors
    /// If it is none.
    pub fn list(&self, path: &Path) -> Result<Vec<(PathBuf, Entry)>> {
        match self.find(path)? {
            Entry::File(_) => Err(Error::new(ErrorKind::NotADirectory, "it is a file")),
            Entry::Folder => {
                let folder = absolute(path);
                let inside = self.live.names.iter().filter(|(path, _)| path.parent() == Some(&folder));
                Ok(inside.map(|(path, entry)| (path.clone(), entry.clone())).collect())
            }
        }
    }

    /// Begins a sync. What is written until it ends is not covered.
    pub fn begin_sync(&self, of: &Opened) -> SyncBegun {
        SyncBegun { of: of.clone(), upto: self.next }
    }

    /// Ends a sync: what it covers is durable.
    pub fn end_sync(&mut self, sync: &SyncBegun) {
        let before = |pending: &&Pending| pending.number < sync.upto;
        let names_upto = self.pending.iter().filter(before).filter(|pending| pending.change.names(&sync.of));
        let names_upto = names_upto.map(|pending| pending.number).max();
        let covered = |pending: &Pending| match pending.change.contents() {
            Some(inode) => pending.number < sync.upto && sync.of == Opened::File(inode),
            None => names_upto.is_some_and(|upto| pending.number <= upto),
        };
        let (covered, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(covered);
        self.pending = rest;
        covered.iter().for_each(|pending| self.durable.apply(&pending.change));
    }

    /// Counts a sync; the number of it, and how much longer it takes because of faults.
    pub(super) fn count_sync(&mut self) -> (u64, Span) {
        self.syncs += 1;
        self.was_slow |= self.slow > Span::ZERO;
        (self.syncs, self.slow)
    }

    /// How many crashes there were.
    pub(super) fn crashes(&self) -> u64 {
        self.crashes
    }

    /// A loss of power. `fate` is asked for each change that no sync has covered, in their order, with its number of bytes;
    /// it says how many of them a torn write leaves. `false` if there was no such change.
    pub(super) fn crash(&mut self, mut fate: impl FnMut(u64, usize) -> (WriteFate, usize)) -> bool {
        self.crashes += 1;
        let pending = std::mem::take(&mut self.pending);
        let mut names_are_kept = true;
        for (k, Pending { change, .. }) in pending.iter().enumerate() {
            match change {
                Change::Bytes { inode, at, bytes } => match fate(k as u64, bytes.len()) {
                    (WriteFate::Kept, _) => self.durable.apply(change),
                    (WriteFate::Lost, _) | (WriteFate::Torn, 0) => {}
                    (WriteFate::Torn, left) => {
                        let bytes = bytes[..left].to_vec();
                        self.durable.apply(&Change::Bytes { inode: *inode, at: *at, bytes });
                    }
                },
                Change::Len { .. } => {
                    if fate(k as u64, 0).0 == WriteFate::Kept {
                        self.durable.apply(change);
                    }
                }
                _ => {
                    names_are_kept &= fate(k as u64, 0).0 == WriteFate::Kept;
                    if names_are_kept {
                        self.durable.apply(change);
                    }
                }
            }
        }
        self.durable.collect();
        self.live = self.durable.clone();
        !pending.is_empty()
    }

    /// An empty disk.
    pub(super) fn wipe(&mut self) {
        self.pending.clear();
        self.durable = Tree::empty();
        self.live = Tree::empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CREATE: OpenHow =
        OpenHow { read: true, write: true, append: false, truncate: false, create: true, create_new: false };

    fn create(files: &mut Files, path: &str) -> Inode {
        match files.open(Path::new(path), CREATE).unwrap() {
            Opened::File(inode) => inode,
            Opened::Folder(path) => panic!("{} is a folder", path.display()),
        }
    }

    fn sync(files: &mut Files, of: Opened) {
        let begun = files.begin_sync(&of);
        files.end_sync(&begun);
    }

    fn contents(files: &Files, path: &str) -> Option<Vec<u8>> {
        match files.find(Path::new(path)).ok()? {
            Entry::File(inode) => Some(files.read(inode, 0, usize::MAX).to_vec()),
            Entry::Folder => None,
        }
    }

    fn lose_all(_: u64, _: usize) -> (WriteFate, usize) {
        (WriteFate::Lost, 0)
    }

    fn keep_all(_: u64, len: usize) -> (WriteFate, usize) {
        (WriteFate::Kept, len)
    }

    #[test]
    fn a_crash_keeps_what_was_synced_and_no_more_for_certain() {
        let mut files = Files::new();
        let log = create(&mut files, "/log");
        files.write(log, 0, b"durable").unwrap();
        sync(&mut files, Opened::File(log));
        files.write(log, 7, b" and not").unwrap();
        assert_eq!(contents(&files, "/log").unwrap(), b"durable and not");
        assert!(files.crash(lose_all));
        assert_eq!(contents(&files, "log").unwrap(), b"durable");
        assert!(!files.crash(lose_all), "nothing was left to lose");
    }

    #[test]
    fn a_file_that_was_never_synced_may_be_gone() {
        let mut files = Files::new();
        let log = create(&mut files, "/log");
        files.write(log, 0, b"bytes").unwrap();
        files.crash(lose_all);
        assert_eq!(contents(&files, "/log"), None);
    }

    #[test]
    fn a_torn_write_leaves_its_first_bytes_and_a_lost_one_a_hole() {
        let mut files = Files::new();
        let log = create(&mut files, "/log");
        sync(&mut files, Opened::File(log));
        files.write(log, 0, b"abcd").unwrap();
        files.write(log, 4, b"efgh").unwrap();
        files.write(log, 8, b"ijkl").unwrap();
        files.crash(|write, len| match write {
            0 => (WriteFate::Torn, 2),
            1 => (WriteFate::Lost, 0),
            _ => (WriteFate::Kept, len),
        });
        assert_eq!(contents(&files, "/log").unwrap(), b"ab\0\0\0\0\0\0ijkl");
    }

    #[test]
    fn a_rename_before_the_sync_of_the_contents_may_leave_an_empty_file() {
        let mut files = Files::new();
        let old = create(&mut files, "/state");
        files.write(old, 0, b"old").unwrap();
        sync(&mut files, Opened::File(old));
        let new = create(&mut files, "/state.new");
        files.write(new, 0, b"new").unwrap();
        files.rename(Path::new("/state.new"), Path::new("/state")).unwrap();
        let mut other = files.clone();
        let mut synced = files.clone();
        // The pending changes: created, bytes, renamed.
        files.crash(|k, len| if k == 1 { (WriteFate::Lost, 0) } else { (WriteFate::Kept, len) });
        assert_eq!(contents(&files, "/state").unwrap(), b"", "the anomaly");
        other.crash(|k, len| if k == 2 { (WriteFate::Lost, 0) } else { (WriteFate::Kept, len) });
        assert_eq!(contents(&other, "/state").unwrap(), b"old");
        sync(&mut synced, Opened::File(new));
        synced.crash(lose_all);
        assert_eq!(contents(&synced, "/state").unwrap(), b"new", "a sync of the file covers its name");
        assert_eq!(contents(&synced, "/state.new"), None);
    }

    #[test]
    fn names_are_lost_in_their_order_and_a_sync_of_the_folder_keeps_them() {
        let mut files = Files::new();
        files.create_folder(Path::new("/data")).unwrap();
        create(&mut files, "/data/a");
        create(&mut files, "/data/b");
        let mut synced = files.clone();
        files.crash(|k, len| if k == 1 { (WriteFate::Lost, 0) } else { (WriteFate::Kept, len) });
        assert_eq!(files.list(Path::new("/data")).unwrap(), []);
        sync(&mut synced, Opened::Folder("/data".into()));
        synced.crash(lose_all);
        assert_eq!(synced.list(Path::new("/data")).unwrap().len(), 2);
    }

    #[test]
    fn a_sync_covers_only_what_was_written_before_it_began() {
        let mut files = Files::new();
        let log = create(&mut files, "/log");
        files.write(log, 0, b"one").unwrap();
        let begun = files.begin_sync(&Opened::File(log));
        files.write(log, 3, b"two").unwrap();
        files.end_sync(&begun);
        files.crash(lose_all);
        assert_eq!(contents(&files, "/log").unwrap(), b"one");
    }

    #[test]
    fn errors_are_those_of_the_system() {
        let mut files = Files::new();
        let kind = |result: Result<()>| result.unwrap_err().kind();
        let open = |files: &mut Files, path: &str, how| kind(files.open(Path::new(path), how).map(drop));
        let read = OpenHow { read: true, ..OpenHow::default() };
        assert_eq!(open(&mut files, "/none", read), ErrorKind::NotFound);
        assert_eq!(open(&mut files, "/none/file", CREATE), ErrorKind::NotFound);
        assert_eq!(open(&mut files, "/tmp", CREATE), ErrorKind::IsADirectory);
        assert_eq!(open(&mut files, "/none", OpenHow::default()), ErrorKind::InvalidInput);
        create(&mut files, "/tmp/file");
        assert_eq!(open(&mut files, "/tmp/file", OpenHow { create_new: true, ..CREATE }), ErrorKind::AlreadyExists);
        assert_eq!(kind(files.remove_folder(Path::new("/tmp"))), ErrorKind::DirectoryNotEmpty);
        assert_eq!(kind(files.remove_file(Path::new("/tmp"))), ErrorKind::IsADirectory);
        assert_eq!(kind(files.rename(Path::new("/tmp"), Path::new("/tmp/in"))), ErrorKind::InvalidInput);
        files.full = 1;
        let inode = create(&mut files, "/tmp/file");
        assert_eq!(kind(files.write(inode, 0, b"x")), ErrorKind::StorageFull);
        assert!(files.was_full);
    }

    proptest! {
        /// Whatever a crash does to the rest: what was synced is there, and where everything is kept, nothing changes.
        #[test]
        fn a_synced_prefix_survives(writes in prop::collection::vec((1..5usize, any::<bool>()), 0..30), fates in prop::collection::vec(0..3u8, 64)) {
            let mut files = Files::new();
            let log = create(&mut files, "/log");
            let mut synced = None;
            for (n, (len, sync_after)) in writes.iter().enumerate() {
                let end = files.len(log);
                files.write(log, end, &vec![n as u8 + 1; *len]).unwrap();
                if *sync_after {
                    sync(&mut files, Opened::File(log));
                    synced = contents(&files, "/log");
                }
            }
            let whole = contents(&files, "/log");
            let mut unharmed = files.clone();
            unharmed.crash(keep_all);
            prop_assert_eq!(contents(&unharmed, "/log"), whole.clone());
            files.crash(|k, len| match fates[k as usize % 64] {
                0 => (WriteFate::Kept, len),
                1 => (WriteFate::Lost, 0),
                _ => (WriteFate::Torn, len / 2),
            });
            let left = contents(&files, "/log").unwrap_or_default();
            prop_assert!(left.starts_with(&synced.unwrap_or_default()));
            prop_assert!(left.len() <= whole.unwrap_or_default().len());
        }
    }
}
