//! A shard: rows in three columns, its log, and the status of the transactions whose primary it holds.
//!
//! Each row is changed on its own, as in Bigtable; nothing here knows which rows belong to one transaction but for the
//! primary that each lock names. Whether a transaction is abandoned is decided here, at the primary, by the age of its
//! lock: the paper's wall-clock time and liveness tokens (section 2.2). A wrong guess aborts a transaction and harms
//! nobody.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, Process, Span, Time};

use crate::parts::wal;
use crate::transactions::mvcc::antidependency::{Fate, Reader, Writer, is_dangerous};
use crate::transactions::mvcc::bugs::Bug;
use crate::transactions::mvcc::columns::{BlockingLock, Columns, Refused};
use crate::transactions::mvcc::marks;
use crate::transactions::mvcc::messages::{Change, Lock, LockKind, Message, Op, Record, Ret, Status, Timer};
use crate::transactions::mvcc::settings::{Isolation, Settings};
use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::store::{Cell, Key};
use crate::transactions::transfer::home;

/// A shard's write-ahead log.
pub const WAL: File = File(0);

/// A shard.
#[derive(Clone, Debug, Hash)]
pub struct Shard {
    /// All shards, by their places: each holds its share of the rows.
    shards: Vec<NodeId>,
    settings: Settings,
    columns: Columns,
    /// Since when this shard has known of each lock, on this node's clock: when it was made, or found after a crash.
    locked_since: BTreeMap<(Key, Ts), Time>,
}

impl Shard {
    /// One of these shards, with the rows that it holds at the beginning, before it has read its log.
    pub fn new(shards: Vec<NodeId>, columns: Columns, settings: Settings) -> Self {
        Shard { shards, settings, columns, locked_since: BTreeMap::new() }
    }

    /// Its rows.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The rows that a shard has after it has read its log: `columns` is what was there at the beginning.
    pub fn recovered<'a>(mut columns: Columns, log: impl Iterator<Item = &'a Record>) -> Columns {
        for record in log {
            match record {
                Record::Change(change) => columns.apply(change),
                other => panic!("a shard's log has changes: {other:?}"),
            }
        }
        columns
    }

    /// For how long this shard has known of a lock, when its clock shows `now`.
    pub fn age(&self, now: Time, key: Key, start: Ts) -> Span {
        let since = self.locked_since.get(&(key, start)).copied().unwrap_or(Time::ZERO);
        // The clock may have moved backwards.
        Span(now.0.saturating_sub(since.0))
    }

    fn write(&mut self, ctx: &mut Context<'_, Self>, change: Change) {
        self.columns.apply(&change);
        ctx.append(WAL, Record::Change(change));
    }

    /// Begins to count the age of a lock.
    fn track(&mut self, ctx: &mut Context<'_, Self>, key: Key, start: Ts) {
        if self.locked_since.is_empty() {
            ctx.arm(Timer::Sweep, self.settings.ttl);
        }
        self.locked_since.insert((key, start), ctx.now());
    }

    /// A lock is gone.
    fn untrack(&mut self, ctx: &mut Context<'_, Self>, key: Key, start: Ts) {
        self.locked_since.remove(&(key, start));
        if self.locked_since.is_empty() {
            ctx.cancel(&Timer::Sweep);
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Requests

    /// Section 2.2, figure 6, `Get`.
    fn get(&self, ctx: &mut Context<'_, Self>, from: NodeId, start: Ts, key: Key) {
        if let Some(lock) = self.columns.blocks_read(key, start)
            && !ctx.planted(Bug::ReadIgnoresLock)
        {
            ctx.mark(marks::A_READ_MET_A_LOCK);
            return self.locked(ctx, from, start, key, lock);
        }
        let cell = self.columns.row(key).version(start);
        ctx.send(from, Message::Got(start, key, cell));
    }

    /// Section 2.2, figure 6, `Prewrite`.
    fn prewrite(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        (start, key): (Ts, Key),
        lock: Lock,
        cell: Option<Cell>,
    ) {
        match self.columns.may_prewrite(key, start, lock.kind) {
            Ok(fresh) => {
                if fresh {
                    self.write(ctx, Change::Prewrite(start, key, lock, cell));
                    self.track(ctx, key, start);
                }
                ctx.send(
                    from,
                    match self.settings.isolation {
                        Isolation::Snapshot | Isolation::WriteSnapshot => Message::Prewritten(start, key),
                        Isolation::Serializable => {
                            Message::PrewrittenOver(start, key, self.columns.row(key).readers_before(start))
                        }
                    },
                );
            }
            Err(Refused::Locked(lock)) => {
                ctx.mark(marks::A_PREWRITE_MET_A_LOCK);
                self.locked(ctx, from, start, key, lock);
            }
            Err(Refused::Conflict(commit)) => {
                ctx.mark(match lock.kind {
                    LockKind::Write => marks::WRITE_CONFLICT,
                    LockKind::Read => marks::WHAT_WAS_READ_HAS_CHANGED,
                });
                ctx.send(from, Message::Conflict(start, key, commit));
            }
            Err(Refused::RolledBack) => ctx.send(from, Message::RolledBack(start, key)),
        }
    }

    fn locked(&self, ctx: &mut Context<'_, Self>, to: NodeId, start: Ts, key: Key, by: BlockingLock) {
        let BlockingLock { holder, lock: Lock { primary, .. } } = by;
        ctx.send(to, Message::Locked { start, key, holder, primary });
    }

    /// Section 2.2, figure 6, `Commit`: from the client, or from whoever rolls a secondary forward.
    fn commit(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, start: Ts, key: Key, commit: Ts) {
        let is_committed = self.roll_forward(ctx, start, key, commit);
        let reply = if is_committed { Message::Committed(start, key) } else { Message::RolledBack(start, key) };
        ctx.send(from, reply);
    }

    /// From the client that aborts, or from whoever found the transaction abandoned.
    fn rollback(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, start: Ts, key: Key) {
        let is_rolled_back = self.roll_back(ctx, start, key);
        let reply = if is_rolled_back { Message::RolledBack(start, key) } else { Message::Committed(start, key) };
        ctx.send(from, reply);
    }

    /// Somebody has met the lock of a transaction whose primary is here.
    fn check_primary(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, holder: Ts, primary: Key, met: Key) {
        let status = self.status_of(ctx, primary, holder);
        ctx.send(from, Message::Status(holder, met, status));
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Committing and rolling back

    /// Commits a row. Returns whether it is committed now; it is not if it was rolled back before. A read lock leaves
    /// nothing behind, so once it is gone nobody can tell, nor needs to.
    fn roll_forward(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key, commit: Ts) -> bool {
        match self.columns.row(key).status(start) {
            Some(Status::Alive) => {
                self.write(ctx, Change::Commit(start, key, commit));
                self.untrack(ctx, key, start);
                true
            }
            Some(Status::Committed(at)) => {
                assert!(at == commit, "a row is committed at one timestamp: {start} on {key} at {at} and at {commit}");
                true
            }
            Some(Status::RolledBack) | None => false,
        }
    }

    /// Rolls a row back, and remembers it. Returns whether it is rolled back now; it is not if it was committed before.
    fn roll_back(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key) -> bool {
        match self.columns.row(key).status(start) {
            Some(Status::Committed(_)) => false,
            Some(Status::RolledBack) => true,
            Some(Status::Alive) | None => {
                self.write(ctx, Change::Rollback(start, key));
                self.untrack(ctx, key, start);
                let status = self.columns.row(key).status(start);
                assert!(status == Some(Status::RolledBack), "a rollback is remembered: {start} on {key} is {status:?}");
                true
            }
        }
    }

    /// The status of a transaction whose primary is here. If its lock is old, or it has none, it is rolled back: at the
    /// primary, so that it cannot be committed any more (section 2.2, "the primary lock").
    fn status_of(&mut self, ctx: &mut Context<'_, Self>, primary: Key, holder: Ts) -> Status {
        match self.columns.row(primary).status(holder) {
            Some(Status::Alive) if self.age(ctx.now(), primary, holder) < self.settings.ttl => Status::Alive,
            Some(status @ (Status::Committed(_) | Status::RolledBack)) => status,
            Some(Status::Alive) | None => {
                ctx.mark(marks::ABANDONED_TRANSACTION_ROLLED_BACK);
                self.roll_back(ctx, holder, primary);
                Status::RolledBack
            }
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Serializable snapshot isolation

    /// A transaction marks a row that it has read, perhaps again with another commit timestamp. The mark is durable before
    /// anybody relies on it: what is forgotten in a crash would not be missed by any writer.
    fn mark(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, reader: Reader, key: Key) {
        let row = self.columns.row(key);
        if row.status(reader.start) == Some(Status::RolledBack) {
            return ctx.send(from, Message::RolledBack(reader.start, key));
        }
        if row.conflicts.marks.get(&reader.start) != Some(&reader) && !ctx.planted(Bug::NoSireadMark) {
            self.write(ctx, Change::Mark(reader, key));
        }
        let writers = self.columns.row(key).writers_after(reader.start);
        if !writers.is_empty() {
            ctx.mark(marks::A_READER_MET_A_NEWER_VERSION);
        }
        ctx.send(from, Message::Marked(reader, key, writers));
    }

    /// A reader has found a newer version, or the lock of a writer whose primary is here. The primary decides whether the
    /// writer commits before that or after: in the second case it takes the antidependency into account, and commits later than
    /// the reader, so that it is not the first of a dangerous structure that the reader takes no account of.
    fn note(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, reader: Reader, writer: Writer) {
        let Writer { start, primary } = writer;
        let fate = match self.status_of(ctx, primary, start) {
            Status::Committed(commit) => {
                Fate::Committed { commit, out: self.columns.row(primary).conflicts.outs.get(&start).copied() }
            }
            Status::RolledBack => Fate::RolledBack,
            Status::Alive => {
                if self.columns.row(primary).noted_readers(start).all(|noted| noted != reader) {
                    self.write(ctx, Change::Antidependency(start, primary, reader));
                }
                Fate::Alive
            }
        };
        ctx.send(from, Message::Noted(reader, writer, fate));
    }

    /// From the client: commits a transaction at its primary, unless it is the pivot of a dangerous structure. All
    /// antidependencies to it are known here, or found by the reader later; those from it the client has found since it has its
    /// commit timestamp.
    fn certify(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        (start, key, commit): (Ts, Key, Ts),
        out: Option<Ts>,
        mut readers: Vec<Reader>,
    ) {
        let row = self.columns.row(key);
        let reply = match row.status(start) {
            Some(Status::Committed(_)) => Message::Committed(start, key),
            Some(Status::RolledBack) | None => Message::RolledBack(start, key),
            Some(Status::Alive) => {
                let relied_on = row.noted_readers(start).filter_map(|reader| reader.commit).max();
                let too_early = relied_on.filter(|other| *other > commit && !ctx.planted(Bug::CommitOrderUnkept));
                readers.extend(row.noted_readers(start));
                let dangerous = readers.iter().any(|reader| is_dangerous(*reader, out));
                if let Some(other) = too_early {
                    ctx.mark(marks::COMMIT_TIMESTAMP_PUSHED);
                    Message::Pushed(start, key, other)
                } else if dangerous && !ctx.planted(Bug::PivotCommits) {
                    ctx.mark(marks::PIVOT_ABORTED);
                    self.roll_back(ctx, start, key);
                    Message::Pivot(start, key)
                } else {
                    if !readers.is_empty() && out.is_some() {
                        ctx.mark(marks::PIVOT_NOT_DANGEROUS);
                    }
                    self.write(ctx, Change::Certify(start, key, commit, out));
                    self.untrack(ctx, key, start);
                    Message::Committed(start, key)
                }
            }
        };
        ctx.send(from, reply);
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Sweeping: not in the paper, where a lock stays until somebody meets it. TiKV does so before it collects garbage.

    /// Inquires about the transactions whose locks are old.
    fn sweep(&mut self, ctx: &mut Context<'_, Self>) {
        let is_old = |key, start| self.age(ctx.now(), key, start) >= self.settings.ttl;
        let old: Vec<_> = self.columns.locks().filter(|(key, start, _)| is_old(*key, *start)).collect();
        for (met, holder, Lock { primary, .. }) in old {
            ctx.send(home(&self.shards, primary), Message::CheckPrimary { holder, primary, met });
        }
        if !self.locked_since.is_empty() {
            ctx.arm(Timer::Sweep, self.settings.ttl);
        }
    }

    /// The status of a transaction that has an old lock here.
    fn status(&mut self, ctx: &mut Context<'_, Self>, holder: Ts, met: Key, status: Status) {
        if self.columns.row(met).status(holder) != Some(Status::Alive) {
            return;
        }
        ctx.mark(marks::OLD_LOCK_SWEPT);
        match status {
            Status::Alive => {}
            Status::Committed(commit) => drop(self.roll_forward(ctx, holder, met, commit)),
            Status::RolledBack => drop(self.roll_back(ctx, holder, met)),
        }
    }
}

impl Process for Shard {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    /// Recovers from the log. The age of the locks that it finds is counted anew.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let records = wal::recover(ctx, WAL).unwrap_or_default();
        self.columns = Shard::recovered(std::mem::take(&mut self.columns), records.iter());
        let found: Vec<_> = self.columns.locks().map(|(key, start, _)| (key, start)).collect();
        if !found.is_empty() {
            ctx.mark(marks::LOCKS_FOUND_AFTER_A_CRASH);
        }
        for (key, start) in found {
            self.track(ctx, key, start);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Get(start, key) => self.get(ctx, from, start, key),
            Message::Prewrite(start, key, lock, cell) => self.prewrite(ctx, from, (start, key), lock, cell),
            Message::Commit(start, key, commit) => self.commit(ctx, from, start, key, commit),
            Message::Rollback(start, key) => self.rollback(ctx, from, start, key),
            Message::CheckPrimary { holder, primary, met } => self.check_primary(ctx, from, holder, primary, met),
            Message::Status(holder, met, status) => self.status(ctx, holder, met, status),
            Message::Mark(reader, key) => self.mark(ctx, from, reader, key),
            Message::Antidependency(reader, writer) => self.note(ctx, from, reader, writer),
            Message::Certify { start, key, commit, out, readers } => {
                self.certify(ctx, from, (start, key, commit), out, readers);
            }
            message => panic!("no message for a shard: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Sweep => self.sweep(ctx),
            timer => panic!("no timer of a shard: {timer:?}"),
        }
    }
}
