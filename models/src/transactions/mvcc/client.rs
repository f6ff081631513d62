//! A client: it runs its transactions itself, as Percolator's library does (section 2.2, figure 6). All of it is
//! volatile: the transaction that it runs when it crashes is for others to roll forward or back.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId, OpId, Process};

use crate::transactions::TxId;
use crate::transactions::mvcc::antidependency::{Fate, Reader, Writer, is_dangerous};
use crate::transactions::mvcc::bugs::Bug;
use crate::transactions::mvcc::marks;
use crate::transactions::mvcc::messages::{Lock, LockKind, Message, Op, Record, Ret, Stage, Status, Timer, Why};
use crate::transactions::mvcc::settings::{Isolation, Settings};
use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::store::{Cell, Key, Step};
use crate::transactions::transfer::home;

/// The phase of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It waits for its start timestamp.
    AwaitingStartTs,
    /// It reads; these rows are missing.
    Reading(BTreeSet<Key>),
    /// It prewrites its primary.
    PrewritingPrimary,
    /// It prewrites its secondaries; these are missing.
    PrewritingSecondaries(BTreeSet<Key>),
    /// All rows are prewritten; it waits for its commit timestamp.
    AwaitingCommitTs,
    /// In serializable snapshot isolation: it marks what it has read, and has the antidependencies that it finds noted.
    Marking(Marking),
    /// It has asked its primary to commit at this timestamp: whether it does, only the primary knows.
    Committing(Ts),
}

/// What is missing before all antidependencies from a transaction are known that matter to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Marking {
    /// Its own timestamps: for a transaction that writes, the commit timestamp that it has fetched.
    pub reader: Reader,
    /// The rows that do not bear its mark yet.
    pub rows: BTreeSet<Key>,
    /// The writers to which antidependencies were found and are not noted yet.
    pub writers: BTreeSet<Writer>,
    /// Those that are noted.
    noted: BTreeSet<Ts>,
    /// The first to commit of them, if that was before its own commit timestamp.
    out: Option<Ts>,
}

/// The transaction that a client runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Transaction {
    op: OpId,
    steps: Vec<Step>,
    phase: Phase,
    /// The start timestamp; zero before it has one.
    start: Ts,
    /// With the planted bug, the commit timestamp that was fetched first.
    early_commit: Option<Ts>,
    reads: BTreeMap<Key, Cell>,
    writes: BTreeMap<Key, Cell>,
    /// Those known to have an antidependency to it, by their start timestamps.
    readers: BTreeMap<Ts, Reader>,
    /// The first to commit of those to which it has an antidependency, if that was before its commit timestamp.
    out: Option<Ts>,
    /// Whether rows may bear its marks.
    marks: bool,
    retries: u32,
}

impl Transaction {
    fn tx(&self) -> TxId {
        self.op.into()
    }

    /// The row at which it is committed or rolled back: the first that it writes.
    fn primary(&self) -> Key {
        *self.writes.keys().next().expect("only a transaction that writes has a primary")
    }

    /// Whether it waits for the reply of a row.
    fn waits_for(&self, key: Key) -> bool {
        match &self.phase {
            Phase::Reading(missing) | Phase::PrewritingSecondaries(missing) => missing.contains(&key),
            Phase::PrewritingPrimary => self.primary() == key,
            Phase::AwaitingStartTs | Phase::AwaitingCommitTs | Phase::Marking(_) | Phase::Committing(_) => false,
        }
    }

    /// The rows that it has only read.
    fn only_read(&self) -> impl Iterator<Item = Key> {
        self.reads.keys().filter(|key| !self.writes.contains_key(key)).copied()
    }

    /// The rows that it locks: those that it writes, and in write-snapshot isolation those that it has read.
    fn locks(&self, isolation: Isolation) -> impl Iterator<Item = Key> {
        let read = self.only_read().filter(move |_| isolation == Isolation::WriteSnapshot);
        self.writes.keys().copied().chain(read)
    }

    /// The rows that bear its locks or its marks.
    fn touched(&self, isolation: Isolation) -> impl Iterator<Item = Key> {
        self.locks(isolation).chain(self.only_read().filter(|_| self.marks))
    }
}

/// What a transaction is about to commit in serializable snapshot isolation, by its timestamps and rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its start timestamp.
    pub start: Ts,
    /// Its commit timestamp; `None` if it only reads.
    pub commit: Option<Ts>,
    /// The rows that it has read.
    pub reads: BTreeSet<Key>,
    /// The rows that it writes.
    pub writes: BTreeSet<Key>,
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    /// The oracles; none if a shrunk scenario lacks them all.
    oracles: Vec<NodeId>,
    /// The shards, by their places: each holds its share of the rows.
    shards: Vec<NodeId>,
    settings: Settings,
    /// The place of the oracle that it takes for the active one.
    oracle: usize,
    transaction: Option<Transaction>,
}

impl Client {
    /// A client of these oracles and these shards, which are in the order of their places.
    pub fn new(oracles: Vec<NodeId>, shards: Vec<NodeId>, settings: Settings) -> Self {
        Client { oracles, shards, settings, oracle: 0, transaction: None }
    }

    /// The operation that it waits for.
    pub fn outstanding(&self) -> Option<OpId> {
        self.transaction.as_ref().map(|transaction| transaction.op)
    }

    /// The transaction that it is about to commit, if it marks what it has read, or has asked its primary to commit.
    pub fn attempt(&self) -> Option<(OpId, Attempt)> {
        let transaction = self.transaction.as_ref()?;
        let commit = match &transaction.phase {
            Phase::Marking(marking) => marking.reader.commit,
            Phase::Committing(commit) => Some(*commit),
            _ => return None,
        };
        let (reads, writes) =
            (transaction.reads.keys().copied().collect(), transaction.writes.keys().copied().collect());
        Some((transaction.op, Attempt { start: transaction.start, commit, reads, writes }))
    }

    /// Whether a crash now would leave locks behind that others have to resolve.
    pub fn holds_locks(&self) -> bool {
        let phase = self.transaction.as_ref().map(|transaction| &transaction.phase);
        match phase {
            Some(Phase::PrewritingSecondaries(_) | Phase::AwaitingCommitTs | Phase::Committing(_)) => true,
            Some(Phase::Marking(marking)) => marking.reader.commit.is_some(),
            _ => false,
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Requests

    /// Sends the requests that the phase waits for, now and again.
    fn send_requests(&self, ctx: &mut Context<'_, Self>) {
        let Some(transaction) = &self.transaction else { return };
        match &transaction.phase {
            Phase::AwaitingStartTs => self.request_timestamp(ctx, transaction.tx(), Stage::Start),
            Phase::AwaitingCommitTs => self.request_timestamp(ctx, transaction.tx(), Stage::Commit),
            Phase::Reading(missing) | Phase::PrewritingSecondaries(missing) => {
                missing.iter().for_each(|key| self.request_row(ctx, transaction, *key));
            }
            Phase::PrewritingPrimary | Phase::Committing(_) => {
                self.request_row(ctx, transaction, transaction.primary());
            }
            Phase::Marking(Marking { reader, rows, writers, .. }) => {
                rows.iter().for_each(|key| self.send_home(ctx, *key, Message::Mark(*reader, *key)));
                for writer in writers {
                    self.send_home(ctx, writer.primary, Message::Antidependency(*reader, *writer));
                }
            }
        }
        ctx.arm(Timer::Retry, self.settings.retry);
    }

    fn request_timestamp(&self, ctx: &mut Context<'_, Self>, tx: TxId, stage: Stage) {
        if let Some(oracle) = self.oracles.get(self.oracle) {
            ctx.send(*oracle, Message::Ask(tx, stage));
        }
    }

    /// Requests of a row's shard what the phase needs of it.
    fn request_row(&self, ctx: &mut Context<'_, Self>, transaction: &Transaction, key: Key) {
        let start = transaction.start;
        let message = match transaction.phase {
            Phase::Reading(_) => Message::Get(start, key),
            Phase::Committing(commit) if self.settings.isolation == Isolation::Serializable => {
                let readers = transaction.readers.values().copied().collect();
                Message::Certify { start, key, commit, out: transaction.out, readers }
            }
            Phase::Committing(commit) => Message::Commit(start, key, commit),
            _ => {
                let cell = transaction.writes.get(&key).copied();
                let kind = if cell.is_some() { LockKind::Write } else { LockKind::Read };
                Message::Prewrite(start, key, Lock { kind, primary: transaction.primary() }, cell)
            }
        };
        self.send_home(ctx, key, message);
    }

    /// Sends a message to the shard of a row.
    fn send_home(&self, ctx: &mut Context<'_, Self>, key: Key, message: Message) {
        ctx.send(home(&self.shards, key), message);
    }

    fn turn_to_the_other_oracle(&mut self) {
        self.oracle = (self.oracle + 1) % self.oracles.len().max(1);
    }

    /// The requests were not all answered. A transaction that has not asked its primary to commit is aborted after some
    /// retries; one that has must learn what became of it.
    fn retry(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(transaction) = &mut self.transaction else { return };
        transaction.retries += 1;
        let may_abort = !matches!(transaction.phase, Phase::Committing(_));
        let at_oracle = matches!(transaction.phase, Phase::AwaitingStartTs | Phase::AwaitingCommitTs);
        if may_abort && transaction.retries > Settings::RETRIES {
            ctx.mark(marks::TRANSACTION_GIVEN_UP);
            return self.abort(ctx, Why::NoAnswer);
        }
        if at_oracle {
            ctx.mark(marks::CLIENT_TURNED_TO_THE_OTHER_ORACLE);
            self.turn_to_the_other_oracle();
        }
        self.send_requests(ctx);
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Replies of oracles

    /// An oracle hands out a timestamp.
    fn timestamp(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, stage: Stage, ts: Ts) {
        let Some(transaction) = self.transaction.as_mut().filter(|transaction| transaction.tx() == tx) else { return };
        match (&transaction.phase, stage) {
            (Phase::AwaitingStartTs, Stage::Start) => {
                transaction.start = ts;
                let steps = transaction.steps.iter();
                let read: BTreeSet<Key> =
                    steps.filter(|step| !matches!(step, Step::Put { .. })).map(|step| step.key()).collect();
                let reads_nothing = read.is_empty();
                transaction.phase = Phase::Reading(read);
                if reads_nothing {
                    self.prewrite(ctx);
                } else {
                    self.send_requests(ctx);
                }
            }
            (Phase::AwaitingCommitTs, Stage::Commit) if transaction.start == Ts(0) => {
                transaction.early_commit = Some(ts);
                transaction.phase = Phase::AwaitingStartTs;
                self.send_requests(ctx);
            }
            (Phase::AwaitingCommitTs, Stage::Commit) => {
                if self.has_unlocked_secondaries(ctx) {
                    self.lock_secondaries(ctx, ts);
                } else {
                    self.commit(ctx, ts);
                }
            }
            _ => {}
        }
    }

    /// With the planted bug, whether the commit timestamp comes before the secondaries are locked.
    fn has_unlocked_secondaries(&self, ctx: &Context<'_, Self>) -> bool {
        let Some(transaction) = &self.transaction else { return false };
        let several = transaction.locks(self.settings.isolation).count() > 1;
        ctx.planted(Bug::CommitTsBeforeLocks) && transaction.early_commit.is_none() && several
    }

    fn lock_secondaries(&mut self, ctx: &mut Context<'_, Self>, ts: Ts) {
        let isolation = self.settings.isolation;
        let Some(transaction) = &mut self.transaction else { return };
        let primary = transaction.primary();
        transaction.early_commit = Some(ts);
        transaction.phase =
            Phase::PrewritingSecondaries(transaction.locks(isolation).filter(|key| *key != primary).collect());
        self.send_requests(ctx);
    }

    /// An oracle is not active.
    fn redirected(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let Some(transaction) = self.transaction.as_ref().filter(|transaction| transaction.tx() == tx) else { return };
        let is_asked = self.oracles.get(self.oracle) == Some(&from);
        if is_asked && matches!(transaction.phase, Phase::AwaitingStartTs | Phase::AwaitingCommitTs) {
            self.turn_to_the_other_oracle();
            self.send_requests(ctx);
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Replies of shards

    /// The transaction that runs, if this is its start timestamp. Others are of replies that come late, or of transactions
    /// whose locks were resolved.
    fn running(&mut self, start: Ts) -> Option<&mut Transaction> {
        self.transaction.as_mut().filter(|transaction| transaction.start == start && start > Ts(0))
    }

    /// A row is read.
    fn got(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key, cell: Cell) {
        let Some(transaction) = self.running(start) else { return };
        let Phase::Reading(missing) = &mut transaction.phase else { return };
        if !missing.remove(&key) {
            return;
        }
        let is_last = missing.is_empty();
        transaction.reads.insert(key, cell);
        if is_last {
            self.prewrite(ctx);
        }
    }

    /// Everything is read: computes the writes, and prewrites the primary first. A transaction that only reads is done.
    fn prewrite(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(transaction) = &mut self.transaction else { return };
        let writer = Some(transaction.tx());
        for step in &transaction.steps {
            let key = step.key();
            let now = transaction.writes.get(&key).or(transaction.reads.get(&key)).map_or(0, |cell| cell.value);
            let value = match step {
                Step::Read { .. } => continue,
                Step::Put { value, .. } => *value,
                Step::Add { amount, .. } if ctx.planted(Bug::AddsToNothing) => *amount,
                Step::Add { amount, .. } => now + amount,
            };
            if matches!(step, Step::Add { .. }) && value < 0 {
                return self.end(ctx, Ret::Aborted(Why::Overdrawn(key)));
            }
            transaction.writes.insert(key, Cell { value, writer });
        }
        if transaction.reads.is_empty() && ctx.planted(Bug::BlindWritesDropped) {
            return self.committed_at(ctx, None);
        }
        if transaction.writes.is_empty() {
            ctx.mark(marks::READ_ONLY_TRANSACTION);
            if self.settings.isolation == Isolation::Serializable && !ctx.planted(Bug::ReadOnlyUnchecked) {
                return self.mark(ctx, None);
            }
            return self.committed_at(ctx, None);
        }
        transaction.phase = Phase::PrewritingPrimary;
        self.send_requests(ctx);
    }

    /// A row is prewritten. After the primary come the secondaries, and after all of them the commit timestamp.
    fn prewritten(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key) {
        let isolation = self.settings.isolation;
        let Some(transaction) = self.running(start).filter(|transaction| transaction.waits_for(key)) else { return };
        let missing = match &mut transaction.phase {
            Phase::PrewritingPrimary if ctx.planted(Bug::CommitTsBeforeLocks) && transaction.early_commit.is_none() => {
                BTreeSet::new()
            }
            Phase::PrewritingPrimary => {
                // Write-snapshot isolation, section 4: what was read must not have changed when it commits.
                let secondaries: BTreeSet<Key> = transaction.locks(isolation).filter(|other| *other != key).collect();
                transaction.phase = Phase::PrewritingSecondaries(secondaries.clone());
                secondaries
            }
            Phase::PrewritingSecondaries(missing) => {
                missing.remove(&key);
                if !missing.is_empty() {
                    return;
                }
                BTreeSet::new()
            }
            _ => return,
        };
        if !missing.is_empty() {
            return self.send_requests(ctx);
        }
        if let Some(ts) = transaction.early_commit {
            self.commit(ctx, ts);
        } else {
            transaction.phase = Phase::AwaitingCommitTs;
            self.send_requests(ctx);
        }
    }

    /// A read or a prewrite has met a lock. Its primary tells whether it is abandoned (section 2.2, "cleanup").
    fn locked(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key, holder: Ts, primary: Key) {
        if self.running(start).is_none_or(|transaction| !transaction.waits_for(key)) {
            return;
        }
        if ctx.planted(Bug::NoPrimaryCheck) {
            self.send_home(ctx, key, Message::Rollback(holder, key));
        } else {
            self.send_home(ctx, primary, Message::CheckPrimary { holder, primary, met: key });
        }
    }

    /// The status of the transaction whose lock was met.
    fn status(&mut self, ctx: &mut Context<'_, Self>, holder: Ts, met: Key, status: Status) {
        let Some(transaction) = self.transaction.as_ref().filter(|transaction| transaction.waits_for(met)) else {
            return;
        };
        match status {
            Status::Committed(commit) => {
                ctx.mark(marks::SECONDARY_ROLLED_FORWARD);
                self.send_home(ctx, met, Message::Commit(holder, met, commit));
            }
            Status::RolledBack => {
                ctx.mark(marks::SECONDARY_ROLLED_BACK);
                self.send_home(ctx, met, Message::Rollback(holder, met));
            }
            // A read has to wait, for the other may commit before its snapshot. A write need not: nobody waits for a
            // lock while it holds some, so there are no deadlocks.
            Status::Alive if matches!(transaction.phase, Phase::Reading(_)) => {
                ctx.arm(Timer::Retry, self.settings.backoff());
            }
            Status::Alive => self.abort(ctx, Why::Locked(met)),
        }
    }

    /// A row is committed: the own primary, or a row whose lock was in the way.
    fn committed(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key) {
        match self.running(start).map(|transaction| (transaction.phase.clone(), transaction.primary())) {
            Some((Phase::Committing(commit), primary)) if key == primary => {
                self.commit_secondaries(ctx, commit);
                self.committed_at(ctx, Some(commit));
            }
            Some(_) => {}
            None => self.lock_resolved(ctx, key),
        }
    }

    /// A row is rolled back: by others, one of the own transaction; or a row whose lock was in the way.
    fn rolled_back(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key) {
        if self.running(start).is_some() {
            ctx.mark(marks::TRANSACTION_ROLLED_BACK_BY_OTHERS);
            self.abort(ctx, Why::RolledBack);
        } else {
            self.lock_resolved(ctx, key);
        }
    }

    /// A row has a version that is not in the snapshot.
    fn conflict(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key) {
        if self.running(start).is_some() {
            self.abort(ctx, Why::Conflict(key));
        }
    }

    fn lock_resolved(&self, ctx: &mut Context<'_, Self>, key: Key) {
        if let Some(transaction) = self.transaction.as_ref().filter(|transaction| transaction.waits_for(key)) {
            self.request_row(ctx, transaction, key);
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // The end

    /// All rows are prewritten: commits at the primary (section 2.2, "the commit point"), in serializable snapshot isolation
    /// after it has marked what it has read.
    fn commit(&mut self, ctx: &mut Context<'_, Self>, commit: Ts) {
        let isolation = self.settings.isolation;
        let Some(transaction) = &mut self.transaction else { return };
        let start = transaction.start;
        assert!(
            commit > start || ctx.planted(Bug::CommitTsBelowStartTs),
            "a commit comes after its snapshot: {commit} of {start}"
        );
        if isolation == Isolation::Serializable {
            return self.mark(ctx, Some(commit));
        }
        transaction.phase = Phase::Committing(commit);
        self.send_requests(ctx);
    }

    /// Once and without waiting: whoever meets a lock that is left will find the primary committed.
    fn commit_secondaries(&self, ctx: &mut Context<'_, Self>, commit: Ts) {
        let Some(transaction) = &self.transaction else { return };
        let primary = transaction.primary();
        for key in transaction.locks(self.settings.isolation).filter(|key| *key != primary) {
            self.send_home(ctx, key, Message::Commit(transaction.start, key, commit));
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Serializable snapshot isolation

    /// Marks what was read and not written, and finds out who has overwritten it. A transaction that writes does so once it has
    /// its commit timestamp: whoever commits before that has locked all rows that it writes by then, so that none is missed.
    fn mark(&mut self, ctx: &mut Context<'_, Self>, commit: Option<Ts>) {
        let Some(transaction) = &mut self.transaction else { return };
        let reader = Reader { start: transaction.start, commit };
        let rows = transaction.only_read().collect();
        let (writers, noted) = (BTreeSet::new(), BTreeSet::new());
        transaction.marks = true;
        transaction.phase = Phase::Marking(Marking { reader, rows, writers, noted, out: None });
        if !self.marked_all(ctx) {
            self.send_requests(ctx);
        }
    }

    /// What the transaction that runs waits for, if it marks rows with these timestamps.
    fn marking(&mut self, reader: Reader) -> Option<&mut Marking> {
        match &mut self.running(reader.start)?.phase {
            Phase::Marking(marking) if marking.reader == reader => Some(marking),
            _ => None,
        }
    }

    /// A row bears the mark, and these have overwritten it, or are about to.
    fn marked(&mut self, ctx: &mut Context<'_, Self>, reader: Reader, key: Key, writers: Vec<Writer>) {
        let Some(marking) = self.marking(reader) else { return };
        if !marking.rows.remove(&key) {
            return;
        }
        let known = marking.noted.clone();
        let found: Vec<Writer> = writers.into_iter().filter(|writer| !known.contains(&writer.start)).collect();
        let new: Vec<Writer> = found.into_iter().filter(|writer| marking.writers.insert(*writer)).collect();
        for writer in new {
            self.send_home(ctx, writer.primary, Message::Antidependency(reader, writer));
        }
        self.marked_all(ctx);
    }

    /// An antidependency from the transaction is noted at the writer's primary. If that has committed, and is then the pivot of
    /// a dangerous structure, it is the reader that has to be aborted.
    fn noted(&mut self, ctx: &mut Context<'_, Self>, reader: Reader, writer: Writer, fate: Fate) {
        let Some(marking) = self.marking(reader) else { return };
        if !marking.writers.remove(&writer) {
            return;
        }
        marking.noted.insert(writer.start);
        if let Fate::Committed { commit, out } = fate {
            if is_dangerous(reader, out) {
                ctx.mark(marks::BEFORE_A_COMMITTED_PIVOT);
                return self.abort(ctx, Why::BeforePivot(writer.primary));
            }
            if reader.commit.is_some_and(|own| commit < own) {
                marking.out = Some(marking.out.map_or(commit, |out| out.min(commit)));
            }
        }
        self.marked_all(ctx);
    }

    /// Goes on if all rows are marked and all antidependencies noted. Returns whether they are.
    fn marked_all(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        let Some(transaction) = &mut self.transaction else { return false };
        let Phase::Marking(marking) = &transaction.phase else { return false };
        if !marking.rows.is_empty() || !marking.writers.is_empty() {
            return false;
        }
        transaction.out = marking.out;
        if let Some(commit) = marking.reader.commit {
            transaction.phase = Phase::Committing(commit);
            self.send_requests(ctx);
        } else {
            self.committed_at(ctx, None);
        }
        true
    }

    /// A row is prewritten, and these have read it.
    fn prewritten_over(&mut self, ctx: &mut Context<'_, Self>, start: Ts, key: Key, readers: Vec<Reader>) {
        if let Some(transaction) = self.running(start).filter(|transaction| transaction.waits_for(key)) {
            transaction.readers.extend(readers.into_iter().map(|reader| (reader.start, reader)));
        }
        self.prewritten(ctx, start, key);
    }

    /// The transaction is the pivot of a dangerous structure, and rolled back at its primary.
    fn is_pivot(&mut self, ctx: &mut Context<'_, Self>, start: Ts) {
        if self.running(start).is_some() {
            self.abort(ctx, Why::Pivot);
        }
    }

    /// Another relies on that this transaction commits after `other`: it fetches a later commit timestamp, and looks again. At
    /// the earlier one it will never be committed.
    fn pushed(&mut self, ctx: &mut Context<'_, Self>, start: Ts, other: Ts) {
        let Some(transaction) = self.running(start) else { return };
        if matches!(transaction.phase, Phase::Committing(commit) if commit < other) {
            transaction.phase = Phase::AwaitingCommitTs;
            self.send_requests(ctx);
        }
    }

    // -----------------------------------------------------------------------------------------------------------------

    fn committed_at(&mut self, ctx: &mut Context<'_, Self>, commit: Option<Ts>) {
        if let Some(transaction) = &self.transaction {
            let ret = Ret::Committed { start: transaction.start, commit, reads: transaction.reads.clone() };
            self.end(ctx, ret);
        }
    }

    /// Ends a transaction that is certainly not committed: its primary was not asked to commit, or has refused. Only the
    /// client asks it to, so nobody else will commit it.
    fn abort(&mut self, ctx: &mut Context<'_, Self>, why: Why) {
        let leaves_something = |transaction: &&Transaction| transaction.marks || !transaction.writes.is_empty();
        if let Some(transaction) = self.transaction.as_ref().filter(leaves_something) {
            for key in transaction.touched(self.settings.isolation) {
                self.send_home(ctx, key, Message::Rollback(transaction.start, key));
            }
        }
        self.end(ctx, Ret::Aborted(why));
    }

    fn end(&mut self, ctx: &mut Context<'_, Self>, ret: Ret) {
        if let Some(transaction) = self.transaction.take() {
            ctx.cancel(&Timer::Retry);
            ctx.complete(transaction.op, ret);
        }
    }
}

impl Process for Client {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, _: &mut Context<'_, Self>) {}

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        let outstanding = self.outstanding();
        assert!(outstanding.is_none(), "a client has one operation at a time: {op:?} came during {outstanding:?}");
        let commit_first = ctx.planted(Bug::CommitTsBelowStartTs);
        self.transaction = Some(Transaction {
            op,
            steps: input.steps(),
            phase: if commit_first { Phase::AwaitingCommitTs } else { Phase::AwaitingStartTs },
            start: Ts(0),
            early_commit: None,
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            readers: BTreeMap::new(),
            out: None,
            marks: false,
            retries: 0,
        });
        self.send_requests(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Timestamp(tx, stage, ts) => self.timestamp(ctx, tx, stage, ts),
            Message::Elsewhere(tx) => self.redirected(ctx, from, tx),
            Message::Got(start, key, cell) => self.got(ctx, start, key, cell),
            Message::Prewritten(start, key) => self.prewritten(ctx, start, key),
            Message::Locked { start, key, holder, primary } => self.locked(ctx, start, key, holder, primary),
            Message::Conflict(start, key, _) => self.conflict(ctx, start, key),
            Message::Committed(start, key) => self.committed(ctx, start, key),
            Message::RolledBack(start, key) => self.rolled_back(ctx, start, key),
            Message::Status(holder, met, status) => self.status(ctx, holder, met, status),
            Message::PrewrittenOver(start, key, readers) => self.prewritten_over(ctx, start, key, readers),
            Message::Marked(reader, key, writers) => self.marked(ctx, reader, key, writers),
            Message::Noted(reader, writer, fate) => self.noted(ctx, reader, writer, fate),
            Message::Pivot(start, _) => self.is_pivot(ctx, start),
            Message::Pushed(start, _, other) => self.pushed(ctx, start, other),
            message => panic!("no message for a client: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Retry => self.retry(ctx),
            timer => panic!("no timer of a client: {timer:?}"),
        }
    }
}
