//! Serializable snapshot isolation: Cahill, Röhm & Fekete, *Serializable Isolation for Snapshot Databases* (SIGMOD 2008);
//! Ports & Grittner, *Serializable Snapshot Isolation in PostgreSQL* (VLDB 2012), "the paper".
//!
//! There is a read-write antidependency from a transaction that has read a version of a row to one that has written the next.
//! Where snapshots are isolated but not serializable, there are transactions `T1`, `T2` and `T3`, perhaps `T1` = `T3`, with
//! antidependencies from `T1` to `T2`, the *pivot*, and from there to `T3`, and of the three `T3` is the first to commit
//! (Fekete et al. 2005; the paper, section 3). If `T1` only reads, `T3` committed before it took its snapshot (section 4.1).
//! This is a *dangerous structure*, and one of its transactions is aborted, whether the history would have been serializable
//! or not.
//!
//! A row that a transaction has read bears its mark (Cahill's SIREAD lock, which keeps nobody out). Whoever comes later finds the
//! other: a writer the marks of readers, or a reader the newer versions, and the locks under which they are being written.

use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::store::Key;

/// A transaction that has read a row, as its mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reader {
    /// Its start timestamp, which identifies it.
    pub start: Ts,
    /// The timestamp at which it commits, if it does; `None` if it only reads.
    pub commit: Option<Ts>,
}

/// A transaction that has written a row, or is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writer {
    /// Its start timestamp, which identifies it.
    pub start: Ts,
    /// Its primary, which tells what became of it.
    pub primary: Key,
}

/// What became of a writer, at the instant at which the antidependency to it was noted at its primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It may still commit: but later than the reader, and not if it is then the pivot of a dangerous structure.
    Alive,
    /// It is committed.
    Committed {
        /// At this timestamp.
        commit: Ts,
        /// The first to commit of those that have an antidependency from it, if that was before its own commit.
        out: Option<Ts>,
    },
    /// It is rolled back.
    RolledBack,
}

/// Whether a reader (`T1`), a pivot that it has an antidependency to (`T2`), and the first to commit of those to which the pivot
/// has one and that have committed before it (`T3`, at `out`) are a dangerous structure.
pub fn is_dangerous(reader: Reader, out: Option<Ts>) -> bool {
    out.is_some_and(|out| match reader.commit {
        // It is `T3` itself where the two are the same.
        Some(commit) => out <= commit,
        None => out < reader.start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper, theorem 1 and its corollary; section 4.1, theorem 3.
    #[test]
    fn a_structure_is_dangerous_if_the_last_of_it_commits_first() {
        let writer = |commit| Reader { start: Ts(10), commit: Some(Ts(commit)) };
        assert!(!is_dangerous(writer(20), None), "nobody follows the pivot");
        assert!(is_dangerous(writer(20), Some(Ts(15))));
        assert!(is_dangerous(writer(15), Some(Ts(15))), "write skew: T1 is T3");
        assert!(!is_dangerous(writer(14), Some(Ts(15))), "T1 commits before T3");
        let reads_only = Reader { start: Ts(10), commit: None };
        assert!(is_dangerous(reads_only, Some(Ts(9))));
        assert!(!is_dangerous(reads_only, Some(Ts(11))), "its snapshot is older than T3");
    }
}
