//! Multi-version concurrency control over shards: Peng and Dabek, "Large-scale Incremental Processing Using Distributed
//! Transactions and Notifications" (OSDI 2010), the paper of Percolator.
//!
//! A transaction gets a start timestamp from the [`oracle`] and reads every row as of it. Its writes are buffered in the
//! [`client`] and committed in two phases: *prewrite* locks each row at its [`shard`] and writes the data, the *primary*
//! first; then the transaction gets a commit timestamp, and *commit* turns the primary's lock into a write. That one
//! write is the commit point. The other locks are turned after it, by the client or by whoever meets them: a lock names
//! its primary, and the primary tells whether the transaction is committed, rolled back, or abandoned and to be rolled
//! back now. Nobody coordinates; a client that crashes leaves nothing but locks.
//!
//! | transition | where |
//! |---|---|
//! | `Get`: a read waits for older locks (section 2.2, figure 6) | [`columns::Columns::blocks_read`] |
//! | `Prewrite`: first committer wins (figure 6) | [`columns::Columns::may_prewrite`] |
//! | `Commit`: the primary, then the others (figure 6) | [`client`] |
//! | cleanup of abandoned locks, at the primary (section 2.2) | [`shard`] |
//! | timestamps above a durable bound (section 2.3) | [`oracle`], [`register`] |
//!
//! **Guaranteed**, whatever messages, clocks, disks and crashes do: snapshot isolation, with snapshots that have all that
//! was committed before the transaction began; and at the levels [`Isolation::WriteSnapshot`] and [`Isolation::Serializable`]
//! serializability, in an order that agrees with real time. All of a transaction or nothing. An answer that a client gets is
//! final.
//!
//! *Write-snapshot isolation* (Gómez Ferro and Yabandeh, "A Critique of Snapshot Isolation",
//! EuroSys 2012, section 4): a transaction that writes commits only if nobody has changed what it read since its
//! snapshot; one that only reads needs no check. The paper has one oracle that checks; here there is none, so the rows
//! that were read are checked and held by read locks in the first phase of the commit, and let go in the second. What is
//! checked so is still true at the commit timestamp, for that is fetched while all locks are held; hence all that
//! transactions read, they could have read at their commit timestamp, and the order of these is a serial one.
//!
//! *Serializable snapshot isolation* ([`antidependency`]) aborts less: not whoever has read what was changed meanwhile, but only
//! one of three transactions that are a dangerous structure. In the papers one process knows all marks and antidependencies.
//! Here each row knows its readers, and each primary the antidependencies to its transaction:
//!
//! | step of a transaction `T` | who learns of an antidependency |
//! |---|---|
//! | prewrites a row (`PrewrittenOver`) | `T`, of those to it from readers whose mark the row bears |
//! | has its commit timestamp, and marks each row that it has only read (`Mark`); a transaction that only reads does so at once | `T`, of those from it to writers of newer versions, and to holders of locks |
//! | has each of these noted at the writer's primary (`Antidependency`) | the writer, if it is alive: it then commits later than `T`; else `T`, what the writer's own antidependencies are |
//! | commits at its primary, which counts both (`Certify`) | |
//!
//! So of two transactions the later one at the row finds the earlier, and for each dangerous structure somebody finds all of it
//! before its last transaction commits: the pivot at its primary, or else the reader before it. That the first of the structure
//! commits first is what the timestamps say, where PostgreSQL has one order of commits: a writer that is alive when a reader
//! has it noted is *pushed* to a later commit timestamp, as in TiKV and CockroachDB. Marks are durable, and are made when
//! the transaction is about to commit and not when it reads, so that those that abort before that leave none.
//!
//! **Not guaranteed**: under snapshot isolation, serializability (write skew: Berenson et al. 1995, A5B; what a transaction sees
//! that only reads: Fekete, O'Neil & O'Neil, "A Read-Only Transaction Anomaly Under Snapshot Isolation", SIGMOD Record 2004).
//! Under serializable snapshot isolation, that only those are aborted that would have closed a cycle. Progress under
//! contention: nobody waits for a lock that is held by somebody at work, one of the two aborts. Predicates are not read,
//! so nothing is said of phantoms.
//!
//! **Different from the paper**: locks are kept in rows of shards that have a log each, in place of Bigtable; whether a
//! lock is abandoned is told by its age alone; shards look for old locks themselves and do not wait for a reader to meet
//! them; the oracle has a standby, and confirms its epoch before it answers.

pub mod antidependency;
pub mod bugs;
pub mod client;
pub mod columns;
pub mod marks;
pub mod messages;
pub mod model;
pub mod oracle;
pub mod register;
pub mod settings;
pub mod shard;
pub mod timestamp;
mod workload;

pub use bugs::Bug;
pub use messages::{Op, Ret, Why};
pub use model::{Mvcc, Node};
pub use settings::{Isolation, Settings};
