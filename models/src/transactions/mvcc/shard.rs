//! A shard: rows in three columns, its log, and the fate of the transactions whose primary it holds.
//!
//! Each row is changed on its own, as in Bigtable; nothing here knows which rows belong to one transaction but for the
//! primary that each lock names. What is abandoned is decided here, at the primary, by the age of the lock: the paper's
//! wall-clock time and liveness tokens (section 2.2). A wrong guess aborts a transaction and harms nobody.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, Span, Time};

use crate::parts::wal;
use crate::transactions::mvcc::bugs::Bug;
use crate::transactions::mvcc::columns::{Change, Columns, Fate, InTheWay, Lock, Purpose, Refused};
use crate::transactions::mvcc::marks;
use crate::transactions::mvcc::messages::Message;
use crate::transactions::mvcc::model::{Node, Record, Timer};
use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::store::{Cell, Key};

/// A shard's write-ahead log.
pub const WAL: File = File(0);

/// How a shard is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// All shards, in their order.
    pub shards: Vec<NodeId>,
    /// How old a primary's lock must be to be taken for abandoned.
    pub ttl: Span,
    /// The planted bug.
    pub bug: Option<Bug>,
}

impl Settings {
    /// Who holds a row.
    pub fn home(&self, key: Key) -> NodeId {
        self.shards[usize::from(key.0) % self.shards.len()]
    }
}

/// A shard.
#[derive(Clone, Debug, Hash)]
pub struct Shard {
    settings: Settings,
    columns: Columns,
    /// When each lock was made, or found after a crash, on this node's clock.
    since: BTreeMap<(Key, Ts), Time>,
}

impl Shard {
    /// A shard with these rows, at the beginning.
    pub fn new(settings: Settings, columns: Columns) -> Self {
        Shard { settings, columns, since: BTreeMap::new() }
    }

    /// Its rows.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The rows that a shard has after it has read its log: `columns` is what was there at the beginning.
    pub fn recovered<'a>(mut columns: Columns, log: impl Iterator<Item = &'a Record>) -> Columns {
        for record in log {
            if let Record::Change(change) = record {
                columns.apply(change);
            }
        }
        columns
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        for record in wal::recover(ctx, WAL).unwrap_or_default() {
            if let Record::Change(change) = record {
                self.columns.apply(&change);
            }
        }
        let found: Vec<_> = self.columns.locks().map(|(key, start, _)| (key, start)).collect();
        if !found.is_empty() {
            ctx.mark(marks::LOCKS_FOUND_AFTER_A_CRASH);
        }
        for lock in found {
            self.watch(ctx, lock);
        }
    }

    fn write(&mut self, ctx: &mut Context<'_, Node>, change: Change) {
        self.columns.apply(&change);
        ctx.append(WAL, Record::Change(change));
    }

    fn watch(&mut self, ctx: &mut Context<'_, Node>, lock: (Key, Ts)) {
        if self.since.is_empty() {
            ctx.arm(Timer::Sweep, self.settings.ttl);
        }
        self.since.insert(lock, ctx.now());
    }

    // -----------------------------------------------------------------------------------------------------------------
    // What clients ask

    /// Section 2.2, figure 6, `Get`.
    pub(super) fn get(&self, ctx: &mut Context<'_, Node>, from: NodeId, start: Ts, key: Key) {
        match self.columns.hides(key, start) {
            Some(lock) if self.settings.bug != Some(Bug::ReadIgnoresLock) => {
                ctx.mark(marks::A_READ_MET_A_LOCK);
                self.locked(ctx, from, start, key, lock);
            }
            _ => {
                let cell = self.columns.row(key).version(start);
                ctx.send(from, Message::Got { start, key, cell });
            }
        }
    }

    /// Section 2.2, figure 6, `Prewrite`.
    pub(super) fn prewrite(
        &mut self,
        ctx: &mut Context<'_, Node>,
        from: NodeId,
        (start, key): (Ts, Key),
        lock: Lock,
        cell: Option<Cell>,
    ) {
        match self.columns.may_lock(key, start, lock.purpose) {
            Ok(fresh) => {
                if fresh {
                    self.write(ctx, Change::Prewrite { start, key, lock, cell });
                    self.watch(ctx, (key, start));
                }
                ctx.send(from, Message::Prewritten { start, key });
            }
            Err(Refused::Locked(lock)) => {
                ctx.mark(marks::A_PREWRITE_MET_A_LOCK);
                self.locked(ctx, from, start, key, lock);
            }
            Err(Refused::Conflict(commit)) => {
                ctx.mark(match lock.purpose {
                    Purpose::Write => marks::WRITE_CONFLICT,
                    Purpose::Read => marks::WHAT_WAS_READ_HAS_CHANGED,
                });
                ctx.send(from, Message::Conflict { start, key, commit });
            }
            Err(Refused::RolledBack) => ctx.send(from, Message::RolledBack { start, key }),
        }
    }

    fn locked(&self, ctx: &mut Context<'_, Node>, to: NodeId, start: Ts, key: Key, by: InTheWay) {
        let InTheWay { holder, lock: Lock { primary, .. } } = by;
        ctx.send(to, Message::Locked { start, key, holder, primary });
    }

    /// Section 2.2, figure 6, `Commit`: from the client, or from whoever rolls a secondary forward.
    pub(super) fn commit(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, start: Ts, key: Key, commit: Ts) {
        let done = self.roll_forward(ctx, start, key, commit);
        ctx.send(
            from,
            match done {
                true => Message::Committed { start, key },
                false => Message::RolledBack { start, key },
            },
        );
    }

    /// From the client that gives up, or from whoever found it abandoned.
    pub(super) fn rollback(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, start: Ts, key: Key) {
        let done = self.roll_back(ctx, start, key);
        ctx.send(
            from,
            match done {
                true => Message::RolledBack { start, key },
                false => Message::Committed { start, key },
            },
        );
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Settling

    /// Commits a row. Says whether it is committed now; not, if it was rolled back before. A read lock leaves nothing
    /// behind, so once it is gone nobody can tell, nor needs to.
    fn roll_forward(&mut self, ctx: &mut Context<'_, Node>, start: Ts, key: Key, commit: Ts) -> bool {
        match self.columns.row(key).fate(start) {
            Some(Fate::Alive) => {
                self.write(ctx, Change::Commit { start, key, commit });
                self.forget(ctx, key, start);
                true
            }
            Some(Fate::Committed(at)) => {
                assert!(at == commit, "a row is committed at one timestamp: {start} on {key} at {at} and at {commit}");
                true
            }
            Some(Fate::RolledBack) | None => false,
        }
    }

    /// Rolls a row back, and remembers it. Says whether it is rolled back now; not, if it was committed before.
    fn roll_back(&mut self, ctx: &mut Context<'_, Node>, start: Ts, key: Key) -> bool {
        match self.columns.row(key).fate(start) {
            Some(Fate::Committed(_)) => return false,
            Some(Fate::RolledBack) => return true,
            Some(Fate::Alive) | None => {}
        }
        self.write(ctx, Change::Rollback { start, key });
        self.forget(ctx, key, start);
        true
    }

    fn forget(&mut self, ctx: &mut Context<'_, Node>, key: Key, start: Ts) {
        self.since.remove(&(key, start));
        if self.since.is_empty() {
            ctx.cancel(&Timer::Sweep);
        }
    }

    /// What became of a transaction whose primary is here. If nothing did for long, or it never came, it is rolled back:
    /// at the primary, so that it cannot be committed any more (section 2.2, "the primary lock").
    fn check(&mut self, ctx: &mut Context<'_, Node>, primary: Key, holder: Ts) -> Fate {
        match self.columns.row(primary).fate(holder) {
            Some(Fate::Alive) if self.age(ctx.now(), primary, holder) < self.settings.ttl => Fate::Alive,
            Some(fate @ (Fate::Committed(_) | Fate::RolledBack)) => fate,
            Some(Fate::Alive) | None => {
                ctx.mark(marks::ABANDONED_TRANSACTION_ROLLED_BACK);
                self.roll_back(ctx, holder, primary);
                Fate::RolledBack
            }
        }
    }

    /// For how long this shard has known of a lock, when its clock shows `now`.
    pub fn age(&self, now: Time, key: Key, start: Ts) -> Span {
        let since = self.since.get(&(key, start)).copied().unwrap_or(Time::ZERO);
        // The clock may have gone back.
        Span(now.0.saturating_sub(since.0))
    }

    pub(super) fn check_primary(
        &mut self,
        ctx: &mut Context<'_, Node>,
        from: NodeId,
        (holder, primary): (Ts, Key),
        met: Key,
    ) {
        let fate = self.check(ctx, primary, holder);
        ctx.send(from, Message::Status { holder, met, fate });
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Sweeping: not in the paper, where a lock stays until somebody meets it. TiKV does so before it collects garbage.

    /// Asks after the transactions whose locks are old.
    pub(super) fn sweep(&mut self, ctx: &mut Context<'_, Node>) {
        let old: Vec<_> = self
            .columns
            .locks()
            .filter(|(key, start, _)| self.age(ctx.now(), *key, *start) >= self.settings.ttl)
            .collect();
        for (key, holder, lock) in old {
            ctx.send(
                self.settings.home(lock.primary),
                Message::CheckPrimary { holder, primary: lock.primary, met: key },
            );
        }
        if !self.since.is_empty() {
            ctx.arm(Timer::Sweep, self.settings.ttl);
        }
    }

    /// What became of a transaction that has an old lock here.
    pub(super) fn status(&mut self, ctx: &mut Context<'_, Node>, holder: Ts, met: Key, fate: Fate) {
        if self.columns.row(met).fate(holder) != Some(Fate::Alive) {
            return;
        }
        ctx.mark(marks::OLD_LOCK_SWEPT);
        match fate {
            Fate::Alive => {}
            Fate::Committed(commit) => drop(self.roll_forward(ctx, holder, met, commit)),
            Fate::RolledBack => drop(self.roll_back(ctx, holder, met)),
        }
    }
}
