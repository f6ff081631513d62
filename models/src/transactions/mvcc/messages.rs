//! What nodes say to each other.

use seedbed_sim::{NodeId, kinds};

use crate::transactions::TxId;
use crate::transactions::mvcc::columns::{Fate, Lock};
use crate::transactions::mvcc::timestamp::{Epoch, Ts};
use crate::transactions::store::{Cell, Key};

/// What a client wants a timestamp for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Its snapshot.
    Start,
    /// Its commit.
    Commit,
}

/// One life of one oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The oracle.
    pub node: NodeId,
    /// Which of its lives, counted on its disk.
    pub life: u64,
}

/// A message. Those about a row carry the start timestamp of the transaction that they are about, which names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A client asks an oracle for a timestamp.
    Ask {
        /// The transaction.
        tx: TxId,
        /// What for.
        stage: Stage,
    },
    /// An oracle hands one out.
    Timestamp {
        /// The transaction.
        tx: TxId,
        /// What for.
        stage: Stage,
        /// The timestamp.
        ts: Ts,
    },
    /// An oracle that hands out none sends a client to the other.
    Elsewhere {
        /// The transaction.
        tx: TxId,
    },
    /// An oracle asks the other whether it is there.
    Ping,
    /// It is.
    Pong {
        /// Whether it hands out timestamps.
        active: bool,
    },
    /// An oracle wants to be the one from now on.
    Claim {
        /// Which of its lives.
        life: u64,
        /// The epoch that it knows to be current: only the next one is given.
        over: Epoch,
    },
    /// How things stand in the register.
    Held {
        /// The current epoch.
        epoch: Epoch,
        /// Whose it is.
        holder: Option<Holder>,
        /// No timestamp above this was ever handed out.
        bound: Ts,
    },
    /// The active oracle asks whether it still is, and reserves timestamps.
    Confirm {
        /// Its epoch.
        epoch: Epoch,
        /// The last timestamp that it means to hand out.
        upto: Ts,
        /// Up to where it reserves.
        bound: Ts,
    },
    /// It is.
    Confirmed {
        /// Its epoch.
        epoch: Epoch,
        /// Up to where it may hand out.
        upto: Ts,
    },
    /// Reads a row as of a snapshot.
    Get {
        /// The snapshot.
        start: Ts,
        /// The row.
        key: Key,
    },
    /// What it held.
    Got {
        /// The snapshot.
        start: Ts,
        /// The row.
        key: Key,
        /// The version.
        cell: Cell,
    },
    /// A lock is in the way of a read or of a prewrite.
    Locked {
        /// Who asked.
        start: Ts,
        /// The row.
        key: Key,
        /// Whose lock it is.
        holder: Ts,
        /// Where its fate is decided.
        primary: Key,
    },
    /// Locks a row and writes the new version, for nobody to see yet.
    Prewrite {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
        /// The lock.
        lock: Lock,
        /// The new version; none for a lock on what was only read.
        cell: Option<Cell>,
    },
    /// It is locked.
    Prewritten {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
    },
    /// The row has a version that is not in the snapshot: first committer wins.
    Conflict {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
        /// When that version was committed.
        commit: Ts,
    },
    /// Turns a lock into a version that all later snapshots see.
    Commit {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
        /// From which snapshot on it is seen.
        commit: Ts,
    },
    /// It is done.
    Committed {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
    },
    /// Removes a lock and what was written under it, for good.
    Rollback {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
    },
    /// It is done, or had been done before.
    RolledBack {
        /// The transaction.
        start: Ts,
        /// The row.
        key: Key,
    },
    /// Who met a lock asks at its primary what became of the transaction.
    CheckPrimary {
        /// The transaction.
        holder: Ts,
        /// Its primary.
        primary: Key,
        /// The row where the lock was met.
        met: Key,
    },
    /// What became of it.
    Status {
        /// The transaction.
        holder: Ts,
        /// The row where the lock was met.
        met: Key,
        /// What became of it.
        fate: Fate,
    },
}
kinds!(Message: Ask, Timestamp, Elsewhere, Ping, Pong, Claim, Held, Confirm, Confirmed, Get, Got, Locked, Prewrite,
    Prewritten, Conflict, Commit, Committed, Rollback, RolledBack, CheckPrimary, Status);
