//! A participant's transactions: the store that they change, the log that outlives a crash, and what stands in between.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, Process};

use crate::transactions::TxId;
use crate::transactions::commitment::journal::{Decision, Entry, Journal, Vote};
use crate::transactions::store::{Cell, Key, Prepared, Step, Store};

seedbed_sim::marks! {
    HAD_NOT_VOTED_AND_ABORTED = "had not voted and aborted",
}

/// The log of a node.
pub const LOG: File = File(0);

/// One record of a participant's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// It votes yes: all that it needs to do either, and whom to ask.
    Prepared {
        /// What it will write, and the locks that it holds.
        prepared: Prepared,
        /// Whom to ask.
        pledge: Pledge,
    },
    /// It votes no, which is to decide to abort.
    Refused {
        /// On what.
        tx: TxId,
    },
    /// It has learnt what is decided.
    Decided {
        /// Of what.
        tx: TxId,
        /// What.
        decision: Decision,
    },
    /// It knows that all voted yes: only three-phase commit tells so.
    PreCommitted {
        /// Of what.
        tx: TxId,
    },
}

/// Who else has to do with a transaction that a participant has voted yes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pledge {
    /// Who asked for the vote.
    pub coordinator: NodeId,
    /// The participants that have something to log, itself among them.
    pub peers: Vec<NodeId>,
}

/// Where a participant stands in a transaction. What is marked so does not outlive a crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Volatile: it has done the work, holds the locks and has not voted.
    Working(Prepared),
    /// Volatile: it could not do the work, and will vote no.
    Unable,
    /// Volatile: it only read, has voted and has left.
    Left,
    /// It has voted yes and must wait: the book's uncertainty period.
    Uncertain(Pledge),
    /// It has voted yes and knows that all did: the book's committable state.
    PreCommitted(Pledge),
    /// Its changes are installed.
    Committed,
    /// It changed nothing and never will.
    Aborted,
}

/// How a participant stands, as it tells another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// It knows what is decided, or has just decided to abort.
    Decided(Decision),
    /// It has voted yes and knows nothing more.
    Uncertain,
    /// It knows that all have voted yes.
    PreCommitted,
}

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// What is said thereafter waits for it.
    Forced,
    /// Nothing waits for it.
    Lazy,
    /// Not at all.
    Not,
}

/// A process that has a participant's log among what it writes.
pub trait Logs: Process<Record: From<Record>> {}
impl<P: Process<Record: From<Record>>> Logs for P {}

/// What a participant holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    store: Store,
    standings: BTreeMap<TxId, Standing>,
    journal: Journal,
}

impl Ledger {
    /// The ledger of a participant that begins with this store.
    pub fn new(store: Store) -> Self {
        Ledger { store, standings: BTreeMap::new(), journal: Journal::default() }
    }

    /// The ledger as the log has it: what is decided is decided, what is not holds its locks again.
    pub fn recover(store: Store, log: impl IntoIterator<Item = Record>) -> Self {
        let mut ledger = Ledger::new(store);
        for record in log {
            match record {
                Record::Prepared { prepared, pledge } => {
                    ledger.voted(prepared.tx, Vote::Yes);
                    ledger.standings.insert(prepared.tx, Standing::Uncertain(pledge));
                    ledger.store.hold(prepared);
                }
                Record::PreCommitted { tx } => ledger.pre_committed(tx),
                Record::Refused { tx } => {
                    ledger.voted(tx, Vote::No);
                    ledger.settled(tx, Decision::Abort);
                }
                Record::Decided { tx, decision } => ledger.settled(tx, decision),
            }
        }
        let decided = ledger.standings.iter().filter_map(|(tx, standing)| {
            let decision = standing.decision()?;
            Some(Entry::Decided { tx: *tx, decision })
        });
        decided.collect::<Vec<_>>().into_iter().for_each(|entry| ledger.journal.tell(entry));
        ledger
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What it has said and decided in this life.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Where it stands in a transaction; nothing, if it knows nothing of it.
    pub fn standing(&self, tx: TxId) -> Option<&Standing> {
        self.standings.get(&tx)
    }

    /// The transactions that it has voted yes on and does not know the end of.
    pub fn undecided(&self) -> impl Iterator<Item = (TxId, &Pledge)> {
        self.standings.iter().filter_map(|(tx, standing)| Some((*tx, standing.pledge()?)))
    }

    /// Whether any transaction stands like this.
    pub fn any(&self, like: impl Fn(&Standing) -> bool) -> bool {
        self.standings.values().any(like)
    }

    /// To be called from [`Process::synced`].
    pub fn synced<P: Process>(&mut self, ctx: &Context<'_, P>) {
        self.journal.synced(ctx);
    }

    /// Does the work, as far as it can: takes the locks and says what it read.
    pub fn work(&mut self, tx: TxId, steps: &[Step]) -> BTreeMap<Key, Cell> {
        assert!(!self.standings.contains_key(&tx), "work on a transaction is begun once: {tx}");
        let (standing, reads) = match self.store.prepare(tx, steps) {
            Ok(prepared) => {
                let reads = prepared.reads.clone();
                (Standing::Working(prepared), reads)
            }
            Err(_) => (Standing::Unable, BTreeMap::new()),
        };
        self.standings.insert(tx, standing);
        reads
    }

    /// Forgets the work on a transaction that it has not voted on.
    pub fn abandon(&mut self, tx: TxId) {
        if matches!(self.standing(tx), Some(Standing::Working(_) | Standing::Unable)) {
            self.standings.remove(&tx);
            self.store.abort(tx);
        }
    }

    /// Votes yes. The vote is cast once its record is durable.
    ///
    /// # Panics
    /// If the work is not done.
    pub fn vote_yes<P: Logs>(&mut self, ctx: &mut Context<'_, P>, tx: TxId, pledge: Pledge, write: Write) {
        let Some(Standing::Working(prepared)) = self.standings.insert(tx, Standing::Uncertain(pledge.clone())) else {
            panic!("who votes yes has done the work: {tx}");
        };
        self.write(ctx, Record::Prepared { prepared, pledge }, write);
        self.journal.tell_when_durable(ctx, Entry::Voted { tx, vote: Vote::Yes });
    }

    /// Votes that it only read: it lets its locks go and has no part in what follows.
    ///
    /// # Panics
    /// If the work is not done.
    pub fn vote_read_only(&mut self, tx: TxId) {
        let before = self.standings.insert(tx, Standing::Left);
        assert!(matches!(before, Some(Standing::Working(_))), "who votes read-only has done the work: {tx}");
        // There is nothing to install and nothing to drop but the locks.
        self.store.abort(tx);
        self.voted(tx, Vote::ReadOnly);
    }

    /// Votes no, whether it has done the work or not: it aborts. What it does not force it may forget, and must not have
    /// told any other participant.
    pub fn vote_no<P: Logs>(&mut self, ctx: &mut Context<'_, P>, tx: TxId, write: Write) {
        self.write(ctx, Record::Refused { tx }, write);
        self.journal.tell_when_durable(ctx, Entry::Voted { tx, vote: Vote::No });
        self.journal.tell_when_durable(ctx, Entry::Decided { tx, decision: Decision::Abort });
        self.settled(tx, Decision::Abort);
    }

    /// What it answers to another participant that asks how it stands (the book, sections 7.4 and 7.5: the responder's
    /// part of the termination protocols). Who has not voted decides to abort before it answers; that, like all that it
    /// says on its own authority, is durable before it is said.
    pub fn report<P: Logs>(&mut self, ctx: &mut Context<'_, P>, tx: TxId) -> Report {
        match self.standing(tx) {
            Some(Standing::Committed) => Report::Decided(Decision::Commit),
            Some(Standing::Aborted) => {
                self.insist(ctx, tx);
                Report::Decided(Decision::Abort)
            }
            Some(Standing::Uncertain(_)) => Report::Uncertain,
            Some(Standing::PreCommitted(_)) => Report::PreCommitted,
            // Those who leave with a read-only vote are not asked: they are nobody's peers.
            Some(Standing::Working(_) | Standing::Unable | Standing::Left) | None => {
                ctx.mark(HAD_NOT_VOTED_AND_ABORTED);
                self.vote_no(ctx, tx, Write::Forced);
                Report::Decided(Decision::Abort)
            }
        }
    }

    /// Makes sure that it never votes otherwise than no, so that it may tell others that it has aborted.
    fn insist<P: Logs>(&mut self, ctx: &mut Context<'_, P>, tx: TxId) {
        if self.journal.awaits(tx) {
            self.write(ctx, Record::Decided { tx, decision: Decision::Abort }, Write::Forced);
        }
    }

    /// Learns that all voted yes, and writes it down.
    pub fn pre_commit<P: Logs>(&mut self, ctx: &mut Context<'_, P>, tx: TxId) {
        self.write(ctx, Record::PreCommitted { tx }, Write::Forced);
        self.pre_committed(tx);
    }

    /// Learns what is decided, and does it. If the record is not forced, a crash may take this participant back to where
    /// it has to ask again.
    pub fn decide<P: Logs>(&mut self, ctx: &mut Context<'_, P>, tx: TxId, decision: Decision, write: Write) {
        self.write(ctx, Record::Decided { tx, decision }, write);
        let entry = Entry::Decided { tx, decision };
        match write {
            Write::Forced => self.journal.tell_when_durable(ctx, entry),
            Write::Lazy | Write::Not => self.journal.tell(entry),
        }
        self.settled(tx, decision);
    }

    fn write<P: Logs>(&self, ctx: &mut Context<'_, P>, record: Record, write: Write) {
        match write {
            Write::Forced => ctx.append(LOG, record.into()),
            Write::Lazy => ctx.append_lazily(LOG, record.into()),
            Write::Not => {}
        }
    }

    fn voted(&mut self, tx: TxId, vote: Vote) {
        self.journal.tell(Entry::Voted { tx, vote });
    }

    fn pre_committed(&mut self, tx: TxId) {
        let Some(Standing::Uncertain(pledge)) = self.standings.remove(&tx) else {
            panic!("who pre-commits has voted yes: {tx}");
        };
        self.standings.insert(tx, Standing::PreCommitted(pledge));
    }

    fn settled(&mut self, tx: TxId, decision: Decision) {
        let standing = match decision {
            Decision::Commit => Standing::Committed,
            Decision::Abort => Standing::Aborted,
        };
        match decision {
            Decision::Commit => self.store.commit(tx),
            Decision::Abort => self.store.abort(tx),
        }
        self.standings.insert(tx, standing);
    }
}

impl Standing {
    /// What is decided, if it knows.
    pub fn decision(&self) -> Option<Decision> {
        match self {
            Standing::Committed => Some(Decision::Commit),
            Standing::Aborted => Some(Decision::Abort),
            _ => None,
        }
    }

    /// Whom to ask, if it has voted yes and does not know what is decided.
    pub fn pledge(&self) -> Option<&Pledge> {
        match self {
            Standing::Uncertain(pledge) | Standing::PreCommitted(pledge) => Some(pledge),
            _ => None,
        }
    }
}
