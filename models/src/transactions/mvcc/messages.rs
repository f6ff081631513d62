//! What clients are asked and answer, what nodes say, and what is on disk.

use std::collections::BTreeMap;
use std::fmt;

use seedbed_sim::{Kinded, NodeId};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::{MOST_AMOUNT, exists};
use crate::transactions::TxId;
use crate::transactions::mvcc::antidependency::{Fate, Reader, Writer};
use crate::transactions::mvcc::timestamp::{Epoch, Ts};
use crate::transactions::store::{Cell, Key, Step};
use crate::transactions::transfer::Transfer;

/// A transaction, as a client is asked to run it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// These steps, atomically. All reads see the snapshot, whatever the steps before them write.
    Steps(Vec<Step>),
    /// Money from one account to another.
    Transfer(Transfer),
}

impl Op {
    /// Checks that it is about so many rows, with values that can be added up.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(&self, keys: u16) -> Result<(), String> {
        if let Op::Transfer(transfer) = self {
            return transfer.validate(keys);
        }
        self.steps().into_iter().try_for_each(|step| {
            exists("row", step.key().0, keys)?;
            match step {
                Step::Put { value: number, .. } | Step::Add { amount: number, .. }
                    if number.unsigned_abs() > MOST_AMOUNT.unsigned_abs() =>
                {
                    Err(format!("{number} is above {MOST_AMOUNT}"))
                }
                _ => Ok(()),
            }
        })
    }

    /// Its steps.
    pub fn steps(&self) -> Vec<Step> {
        match self {
            Op::Steps(steps) => steps.clone(),
            Op::Transfer(transfer) => vec![transfer.withdrawal(), transfer.deposit()],
        }
    }
}

/// As drawings have it: `read k0, add 2 to k1`.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |step: Step| match step {
            Step::Read { key } => format!("read {key}"),
            Step::Put { key, value } => format!("put {value} into {key}"),
            Step::Add { key, amount } => format!("add {amount} to {key}"),
        };
        f.write_str(&self.steps().into_iter().map(words).collect::<Vec<_>>().join(", "))
    }
}

/// How a transaction ended.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// The transaction is committed.
    Committed {
        /// Its start timestamp: the snapshot that it read.
        start: Ts,
        /// Its commit timestamp: snapshots from there on see its writes. `None` if it writes nothing.
        commit: Option<Ts>,
        /// The versions that it read.
        reads: BTreeMap<Key, Cell>,
    },
    /// It is not committed, and never will be.
    Aborted(Why),
}

/// As drawings have it: `committed, snapshot @1, commit @3, read k0 = 100 of nobody`.
impl fmt::Debug for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, commit, reads) = match self {
            Ret::Aborted(why) => return write!(f, "aborted: {why:?}"),
            Ret::Committed { start, commit, reads } => (start, commit, reads),
        };
        write!(f, "committed, snapshot {start}")?;
        if let Some(commit) = commit {
            write!(f, ", commit {commit}")?;
        }
        for (key, Cell { value, writer }) in reads {
            let writer = writer.map_or("nobody".to_string(), |writer| writer.to_string());
            write!(f, ", read {key} = {value} of {writer}")?;
        }
        Ok(())
    }
}

/// Why a transaction was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Another transaction committed a version of this row after the snapshot.
    Conflict(Key),
    /// Another transaction that is under way has locked this row.
    Locked(Key),
    /// Another node took it for abandoned and rolled it back.
    RolledBack,
    /// This row would be below zero.
    Overdrawn(Key),
    /// A node that it needs did not answer.
    NoAnswer,
    /// It would have been the pivot of a dangerous structure.
    Pivot,
    /// It read this row, and a transaction that has overwritten it is the pivot of a dangerous structure, and committed.
    BeforePivot(Key),
}

/// Which of its two timestamps a transaction needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The start timestamp: its snapshot.
    Start,
    /// The commit timestamp.
    Commit,
}

/// One incarnation of one oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The oracle.
    pub node: NodeId,
    /// How often it had started, counted on its disk.
    pub incarnation: u64,
}

/// The allocation of timestamps, as the register keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Allocation {
    /// The current epoch.
    pub epoch: Epoch,
    /// The oracle whose epoch it is.
    pub holder: Option<Holder>,
    /// The highest timestamp that was ever allocated: none above it was handed out.
    pub bound: Ts,
}

/// What a lock is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockKind {
    /// To write the row: no other transaction may lock it, and reads of later snapshots wait.
    Write,
    /// To keep what was read as it is: no other transaction may write the row.
    Read,
}

/// A lock on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    /// What it is for.
    pub kind: LockKind,
    /// The primary of the transaction: the row at which it is committed or rolled back.
    pub primary: Key,
}

/// The status of a transaction, by its primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It may still be committed.
    Alive,
    /// It is committed, at this timestamp.
    Committed(Ts),
    /// It is rolled back.
    RolledBack,
}

/// What nodes send each other. Those about a row begin with the start timestamp of a transaction, which identifies it, and
/// the row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Message {
    /// A client requests a timestamp.
    Ask(TxId, Stage),
    /// An oracle hands out a timestamp.
    Timestamp(TxId, Stage, Ts),
    /// An oracle that is not active redirects a client to the other.
    Elsewhere(TxId),
    /// An oracle probes the other.
    Ping,
    /// Whether this oracle is active.
    Pong(bool),
    /// An oracle claims the next epoch.
    Claim {
        /// Its incarnation.
        incarnation: u64,
        /// The epoch that it knows to be current: only the one after it is granted.
        over: Epoch,
    },
    /// The allocation, as it stands in the register.
    Held(Allocation),
    /// The active oracle asks whether its epoch is still current, and allocates timestamps.
    Confirm {
        /// Its epoch.
        epoch: Epoch,
        /// The last timestamp that it is going to hand out.
        upto: Ts,
        /// Up to where it allocates.
        bound: Ts,
    },
    /// This epoch is current: its oracle may hand out timestamps up to this one.
    Confirmed(Epoch, Ts),
    /// Reads a row as of a snapshot.
    Get(Ts, Key),
    /// The version in the snapshot.
    Got(Ts, Key, Cell),
    /// A read or a prewrite has met the lock of another transaction.
    Locked {
        /// The transaction that reads or prewrites.
        start: Ts,
        /// The row.
        key: Key,
        /// The transaction that has the lock.
        holder: Ts,
        /// The primary of that transaction.
        primary: Key,
    },
    /// Locks a row and writes the new version, which nobody sees yet; without one for a read lock.
    Prewrite(Ts, Key, Lock, Option<Cell>),
    /// The row is locked.
    Prewritten(Ts, Key),
    /// The row has a version, of this commit timestamp, that is not in the snapshot: first committer wins.
    Conflict(Ts, Key, Ts),
    /// Turns a lock into a version that all snapshots from this commit timestamp on see.
    Commit(Ts, Key, Ts),
    /// The row is committed.
    Committed(Ts, Key),
    /// Removes a lock and the data under it, for good.
    Rollback(Ts, Key),
    /// The row is rolled back, now or before.
    RolledBack(Ts, Key),
    /// Inquires about the status of a transaction whose lock was met.
    CheckPrimary {
        /// The transaction that has the lock.
        holder: Ts,
        /// Its primary.
        primary: Key,
        /// The row where the lock was met.
        met: Key,
    },
    /// The status of a transaction, and the row where its lock was met.
    Status(Ts, Key, Status),
    /// The row is locked, and bears the marks of these readers. This and what follows is said in serializable snapshot
    /// isolation only.
    PrewrittenOver(Ts, Key, Vec<Reader>),
    /// A transaction is about to commit, or only reads: the row that it has read is to bear its mark.
    Mark(Reader, Key),
    /// The row bears the mark, and these have written it since the snapshot or are about to.
    Marked(Reader, Key, Vec<Writer>),
    /// There is an antidependency from a reader to a writer whose primary this is.
    Antidependency(Reader, Writer),
    /// It is noted, and this is what became of the writer.
    Noted(Reader, Writer, Fate),
    /// Commits at the primary, unless the transaction is the pivot of a dangerous structure.
    Certify {
        /// The start timestamp of the transaction.
        start: Ts,
        /// Its primary.
        key: Key,
        /// Its commit timestamp.
        commit: Ts,
        /// The first to commit of those to which it has an antidependency, if that was before this commit timestamp.
        out: Option<Ts>,
        /// Those which it knows to have an antidependency to it.
        readers: Vec<Reader>,
    },
    /// It is the pivot of a dangerous structure, and rolled back.
    Pivot(Ts, Key),
    /// Another relies on that it commits after this timestamp.
    Pushed(Ts, Key, Ts),
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// A client or an oracle sends again what was not answered.
    Retry,
    /// An oracle takes over from one that does not answer.
    Takeover,
    /// A shard looks for old locks.
    Sweep,
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// A record of a shard's log.
    Change(Change),
    /// The register's state.
    Allocation(Allocation),
    /// How often an oracle has started.
    Incarnation(u64),
}

/// One change of a row. Each begins with the start timestamp of the transaction, and the row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The row is locked, and has new data unless it is a read lock.
    Prewrite(Ts, Key, Lock, Option<Cell>),
    /// The lock becomes a write, of this commit timestamp.
    Commit(Ts, Key, Ts),
    /// The lock is gone, and its data.
    Rollback(Ts, Key),
    /// The row bears the mark of a reader.
    Mark(Reader, Key),
    /// There is an antidependency from a reader to the transaction whose primary this is.
    Antidependency(Ts, Key, Reader),
    /// The lock of the primary becomes a write, of this commit timestamp; and what [`Fate::Committed`] says of it.
    Certify(Ts, Key, Ts, Option<Ts>),
}
