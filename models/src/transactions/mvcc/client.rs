//! A client: it runs its transactions itself, as Percolator's library does (section 2.2, figure 6). All of it is
//! volatile: what it had begun when it crashed is for others to settle.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId, OpId, Span};

use crate::transactions::TxId;
use crate::transactions::mvcc::bugs::Bug;
use crate::transactions::mvcc::columns::{Fate, Lock, Purpose};
use crate::transactions::mvcc::marks;
use crate::transactions::mvcc::messages::{Message, Stage};
use crate::transactions::mvcc::model::{Isolation, Node, Timer};
use crate::transactions::mvcc::shard;
use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::mvcc::work::{Op, Ret, Why};
use crate::transactions::store::{Cell, Key, Step};

/// How a client is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The oracles; none if a shrunk scenario lacks them all.
    pub oracles: Vec<NodeId>,
    /// Where the rows are.
    pub shards: shard::Settings,
    /// What transactions are promised.
    pub isolation: Isolation,
    /// How long it waits before it asks again.
    pub patience: Span,
    /// How often it asks again before it gives a transaction up that it can still give up.
    pub tries: u32,
    /// How long a read waits for a lock before it looks again.
    pub backoff: Span,
    /// The planted bug.
    pub bug: Option<Bug>,
}

/// How far a transaction is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It waits for its start timestamp.
    Starting,
    /// It reads; these rows are missing.
    Reading(BTreeSet<Key>),
    /// It locks its primary.
    LockingPrimary,
    /// It locks the others; these are missing.
    LockingSecondaries(BTreeSet<Key>),
    /// Everything is locked; it waits for its commit timestamp.
    Stamping,
    /// It has asked its primary to commit: from here on only the primary knows.
    Committing(Ts),
}

/// The open transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transaction {
    op: OpId,
    steps: Vec<Step>,
    /// How far it is.
    pub phase: Phase,
    /// Its snapshot, zero before it has one.
    start: Ts,
    /// With the planted bug, the commit timestamp that was fetched first.
    early: Option<Ts>,
    reads: BTreeMap<Key, Cell>,
    writes: BTreeMap<Key, Cell>,
    tries: u32,
}

impl Transaction {
    fn tx(&self) -> TxId {
        self.op.into()
    }

    /// The row at which it is decided: the first that it writes.
    fn primary(&self) -> Key {
        *self.writes.keys().next().expect("only what writes has a primary")
    }
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    settings: Settings,
    /// Which oracle it takes for the active one.
    oracle: usize,
    open: Option<Transaction>,
}

impl Client {
    /// A client without a transaction.
    pub fn new(settings: Settings) -> Self {
        Client { settings, oracle: 0, open: None }
    }

    /// The transaction that it runs.
    pub fn open(&self) -> Option<&Transaction> {
        self.open.as_ref()
    }

    /// The operation that it runs.
    pub fn operation(&self) -> Option<OpId> {
        self.open.as_ref().map(|open| open.op)
    }

    /// Whether a crash now would leave locks behind that others have to settle.
    pub fn holds_locks(&self) -> bool {
        let phase = self.open.as_ref().map(|open| &open.phase);
        matches!(phase, Some(Phase::LockingSecondaries(_) | Phase::Stamping | Phase::Committing(_)))
    }

    pub(super) fn invoke(&mut self, ctx: &mut Context<'_, Node>, op: OpId, input: &Op) {
        assert!(self.open.is_none(), "a client runs one transaction at a time: {op:?} came during {:?}", self.open);
        let phase = match self.settings.bug {
            Some(Bug::CommitTsBelowStartTs) => Phase::Stamping,
            _ => Phase::Starting,
        };
        self.open = Some(Transaction {
            op,
            steps: input.steps(),
            phase,
            start: Ts(0),
            early: None,
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            tries: 0,
        });
        self.ask(ctx);
    }

    /// Asks for all that is missing, or asks again.
    fn ask(&self, ctx: &mut Context<'_, Node>) {
        let Some(open) = &self.open else { return };
        match &open.phase {
            Phase::Starting => self.ask_oracle(ctx, open.tx(), Stage::Start),
            Phase::Stamping => self.ask_oracle(ctx, open.tx(), Stage::Commit),
            Phase::Reading(missing) | Phase::LockingSecondaries(missing) => {
                missing.iter().for_each(|key| self.ask_row(ctx, open, *key));
            }
            Phase::LockingPrimary | Phase::Committing(_) => self.ask_row(ctx, open, open.primary()),
        }
        ctx.arm(Timer::Retry, self.settings.patience);
    }

    fn ask_oracle(&self, ctx: &mut Context<'_, Node>, tx: TxId, stage: Stage) {
        if let Some(oracle) = self.settings.oracles.get(self.oracle) {
            ctx.send(*oracle, Message::Ask { tx, stage });
        }
    }

    /// Asks the shard of a row for what the phase needs of it.
    fn ask_row(&self, ctx: &mut Context<'_, Node>, open: &Transaction, key: Key) {
        let start = open.start;
        let message = match open.phase {
            Phase::Reading(_) => Message::Get { start, key },
            Phase::Committing(commit) => Message::Commit { start, key, commit },
            _ => {
                let cell = open.writes.get(&key).copied();
                let purpose = if cell.is_some() { Purpose::Write } else { Purpose::Read };
                Message::Prewrite { start, key, lock: Lock { purpose, primary: open.primary() }, cell }
            }
        };
        ctx.send(self.settings.shards.home(key), message);
    }

    fn ask_oracle_elsewhere(&mut self) {
        self.oracle = (self.oracle + 1) % self.settings.oracles.len().max(1);
    }

    /// Nobody has answered for long.
    pub(super) fn retry(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(open) = &mut self.open else { return };
        open.tries += 1;
        let (undecided, at_oracle) =
            (!matches!(open.phase, Phase::Committing(_)), matches!(open.phase, Phase::Starting | Phase::Stamping));
        if undecided && open.tries > self.settings.tries {
            ctx.mark(marks::TRANSACTION_GIVEN_UP);
            return self.abort(ctx, Why::NoAnswer);
        }
        if at_oracle {
            ctx.mark(marks::CLIENT_TURNED_TO_THE_OTHER_ORACLE);
            self.ask_oracle_elsewhere();
        }
        self.ask(ctx);
    }

    // -----------------------------------------------------------------------------------------------------------------
    // What oracles answer

    pub(super) fn timestamp(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, stage: Stage, ts: Ts) {
        let Some(open) = self.open.as_mut().filter(|open| open.tx() == tx) else { return };
        match (&open.phase, stage) {
            (Phase::Starting, Stage::Start) => {
                open.start = ts;
                let read = open.steps.iter().filter(|step| !matches!(step, Step::Put { .. })).map(|step| step.key());
                open.phase = Phase::Reading(read.collect());
                match open.phase == Phase::Reading(BTreeSet::new()) {
                    true => self.lock(ctx),
                    false => self.ask(ctx),
                }
            }
            (Phase::Stamping, Stage::Commit) if open.start == Ts(0) => {
                open.early = Some(ts);
                open.phase = Phase::Starting;
                self.ask(ctx);
            }
            (Phase::Stamping, Stage::Commit) => self.commit(ctx, ts),
            _ => {}
        }
    }

    /// An oracle hands out nothing.
    pub(super) fn elsewhere(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let Some(open) = self.open.as_ref().filter(|open| open.tx() == tx) else { return };
        let asked = self.settings.oracles.get(self.oracle) == Some(&from);
        if asked && matches!(open.phase, Phase::Starting | Phase::Stamping) {
            self.ask_oracle_elsewhere();
            self.ask(ctx);
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // What shards answer

    /// The open transaction, if this is its start timestamp: others are answers that come late, or of transactions
    /// whose locks were settled.
    fn mine(&mut self, start: Ts) -> Option<&mut Transaction> {
        self.open.as_mut().filter(|open| open.start == start && start > Ts(0))
    }

    pub(super) fn got(&mut self, ctx: &mut Context<'_, Node>, start: Ts, key: Key, cell: Cell) {
        let Some(open) = self.mine(start) else { return };
        let Phase::Reading(missing) = &mut open.phase else { return };
        if !missing.remove(&key) {
            return;
        }
        let all = missing.is_empty();
        open.reads.insert(key, cell);
        if all {
            self.lock(ctx);
        }
    }

    /// Everything is read: works out the writes and locks the primary first; who only reads is done.
    fn lock(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(open) = &mut self.open else { return };
        let writer = Some(open.tx());
        for step in &open.steps {
            let key = step.key();
            let now = open.writes.get(&key).or(open.reads.get(&key)).map_or(0, |cell| cell.value);
            let value = match step {
                Step::Read { .. } => continue,
                Step::Put { value, .. } => *value,
                Step::Add { amount, .. } => now + amount,
            };
            if matches!(step, Step::Add { .. }) && value < 0 {
                return self.end(ctx, Ret::Aborted(Why::Overdrawn(key)));
            }
            open.writes.insert(key, Cell { value, writer });
        }
        if open.writes.is_empty() {
            ctx.mark(marks::READ_ONLY_TRANSACTION);
            return self.committed_at(ctx, None);
        }
        open.phase = Phase::LockingPrimary;
        self.ask(ctx);
    }

    pub(super) fn prewritten(&mut self, ctx: &mut Context<'_, Node>, start: Ts, key: Key) {
        let serializable = self.settings.isolation == Isolation::Serializable;
        let Some(open) = self.mine(start).filter(|open| wants(open, key)) else { return };
        let missing = match &mut open.phase {
            Phase::LockingPrimary => {
                let mut others: BTreeSet<Key> = open.writes.keys().copied().collect();
                if serializable {
                    // Write-snapshot isolation, section 4: what was read must not have changed when it commits.
                    others.extend(open.reads.keys());
                }
                others.remove(&key);
                open.phase = Phase::LockingSecondaries(others.clone());
                others
            }
            Phase::LockingSecondaries(missing) => {
                missing.remove(&key);
                if !missing.is_empty() {
                    return;
                }
                BTreeSet::new()
            }
            _ => return,
        };
        if !missing.is_empty() {
            return self.ask(ctx);
        }
        match open.early {
            Some(ts) => self.commit(ctx, ts),
            None => {
                open.phase = Phase::Stamping;
                self.ask(ctx);
            }
        }
    }

    /// A lock is in the way. Its primary knows whether it counts (section 2.2, "cleanup").
    pub(super) fn locked(
        &mut self,
        ctx: &mut Context<'_, Node>,
        (start, key): (Ts, Key),
        (holder, primary): (Ts, Key),
    ) {
        let bug = self.settings.bug;
        if self.mine(start).is_none_or(|open| !wants(open, key)) {
            return;
        }
        match bug {
            Some(Bug::NoPrimaryCheck) => {
                ctx.send(self.settings.shards.home(key), Message::Rollback { start: holder, key });
            }
            _ => ctx.send(self.settings.shards.home(primary), Message::CheckPrimary { holder, primary, met: key }),
        }
    }

    /// What became of the transaction whose lock is in the way.
    pub(super) fn status(&mut self, ctx: &mut Context<'_, Node>, holder: Ts, met: Key, fate: Fate) {
        let Some(open) = self.open.as_ref().filter(|open| wants(open, met)) else { return };
        let home = self.settings.shards.home(met);
        match fate {
            Fate::Committed(commit) => {
                ctx.mark(marks::SECONDARY_ROLLED_FORWARD);
                ctx.send(home, Message::Commit { start: holder, key: met, commit });
            }
            Fate::RolledBack => {
                ctx.mark(marks::SECONDARY_ROLLED_BACK);
                ctx.send(home, Message::Rollback { start: holder, key: met });
            }
            // A read has to wait, for the other may commit before its snapshot. A write need not: nobody waits for a
            // lock while it holds some, so nobody waits for ever.
            Fate::Alive if matches!(open.phase, Phase::Reading(_)) => ctx.arm(Timer::Retry, self.settings.backoff),
            Fate::Alive => self.abort(ctx, Why::Locked(met)),
        }
    }

    /// A row is settled: the own primary is committed, or a lock that was in the way is gone.
    pub(super) fn committed(&mut self, ctx: &mut Context<'_, Node>, start: Ts, key: Key) {
        match self.mine(start).map(|open| (open.phase.clone(), open.primary())) {
            Some((Phase::Committing(commit), primary)) if key == primary => {
                self.commit_secondaries(ctx, commit);
                self.committed_at(ctx, Some(commit));
            }
            Some(_) => {}
            None => self.out_of_the_way(ctx, key),
        }
    }

    /// The own transaction was rolled back by others, or a lock that was in the way is gone.
    pub(super) fn rolled_back(&mut self, ctx: &mut Context<'_, Node>, start: Ts, key: Key) {
        match self.mine(start).is_some() {
            true => {
                ctx.mark(marks::TRANSACTION_ROLLED_BACK_BY_OTHERS);
                self.abort(ctx, Why::RolledBack);
            }
            false => self.out_of_the_way(ctx, key),
        }
    }

    pub(super) fn conflict(&mut self, ctx: &mut Context<'_, Node>, start: Ts, key: Key) {
        if self.mine(start).is_some() {
            self.abort(ctx, Why::Conflict(key));
        }
    }

    fn out_of_the_way(&self, ctx: &mut Context<'_, Node>, key: Key) {
        if let Some(open) = self.open.as_ref().filter(|open| wants(open, key)) {
            self.ask_row(ctx, open, key);
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // The end

    /// Everything is locked: commits at the primary (section 2.2, "the commit point").
    fn commit(&mut self, ctx: &mut Context<'_, Node>, commit: Ts) {
        let Some(open) = &mut self.open else { return };
        let planted = self.settings.bug == Some(Bug::CommitTsBelowStartTs);
        assert!(planted || commit > open.start, "a commit comes after its snapshot: {commit} of {}", open.start);
        open.phase = Phase::Committing(commit);
        self.ask(ctx);
    }

    /// Once and without waiting: whoever meets a lock that is left will find the primary committed.
    fn commit_secondaries(&self, ctx: &mut Context<'_, Node>, commit: Ts) {
        let Some(open) = &self.open else { return };
        for key in self.locks(open).filter(|key| *key != open.primary()) {
            ctx.send(self.settings.shards.home(key), Message::Commit { start: open.start, key, commit });
        }
    }

    /// The rows that a transaction locks.
    fn locks<'a>(&self, open: &'a Transaction) -> impl Iterator<Item = Key> + use<'a> {
        let serializable = self.settings.isolation == Isolation::Serializable;
        let read = open.reads.keys().filter(move |key| serializable && !open.writes.contains_key(key));
        open.writes.keys().chain(read).copied()
    }

    fn committed_at(&mut self, ctx: &mut Context<'_, Node>, commit: Option<Ts>) {
        if let Some(open) = &self.open {
            let ret = Ret::Committed { start: open.start, commit, reads: open.reads.clone() };
            self.end(ctx, ret);
        }
    }

    /// Ends a transaction that is certainly not committed: its primary was not asked to, or has refused. Only the client
    /// asks, so nobody else will commit it.
    fn abort(&mut self, ctx: &mut Context<'_, Node>, why: Why) {
        if let Some(open) = self.open.as_ref().filter(|open| !open.writes.is_empty()) {
            for key in self.locks(open) {
                ctx.send(self.settings.shards.home(key), Message::Rollback { start: open.start, key });
            }
        }
        self.end(ctx, Ret::Aborted(why));
    }

    fn end(&mut self, ctx: &mut Context<'_, Node>, ret: Ret) {
        if let Some(open) = self.open.take() {
            ctx.cancel(&Timer::Retry);
            ctx.complete(open.op, ret);
        }
    }
}

/// Whether a transaction waits for a row, behind whatever is in the way there.
fn wants(open: &Transaction, key: Key) -> bool {
    match &open.phase {
        Phase::Reading(missing) | Phase::LockingSecondaries(missing) => missing.contains(&key),
        Phase::LockingPrimary => open.primary() == key,
        Phase::Starting | Phase::Stamping | Phase::Committing(_) => false,
    }
}
