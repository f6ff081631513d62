//! What a participant does on its own node, the same in all protocols: it does the work, writes its log, enters its votes and
//! decisions into its journal, and finds its way back after a crash. (*Resource manager* is the name in X/Open XA and in Gray
//! & Lamport, *Consensus on Transaction Commit*, 2006.)

use std::marker::PhantomData;

use seedbed_sim::{Context, File, NodeId, Process, Written};

use crate::transactions::TxId;
use crate::transactions::commitment::journal::{Decision, Entry, Journal, Vote};
use crate::transactions::commitment::ledger::{Ledger, Members, Record, State};
use crate::transactions::commitment::marks;
use crate::transactions::commitment::protocol::Protocol;
use crate::transactions::store::{Step, Store};

/// The log of a node, coordinator or participant.
pub const LOG: File = File(0);

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// What is sent thereafter waits until it is durable.
    Forced,
    /// Nothing waits for it.
    Lazy,
    /// Not at all.
    Not,
}

impl Write {
    /// Writes a record at the end of the log in this way.
    ///
    /// What follows from the record does so once it is durable; without a record, at once.
    pub fn append<P: Process, T>(self, ctx: &mut Context<'_, P>, record: P::Record, follows: T) -> Written<T> {
        match self {
            Write::Forced => ctx.append(LOG, record).is(follows),
            Write::Lazy => ctx.append_lazily(LOG, record).is(follows),
            Write::Not => Written::early(follows),
        }
    }
}

/// The state of a transaction, as one participant tells it to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// It knows the decision, or has just decided to abort.
    Decided(Decision),
    /// It has voted yes and knows nothing more.
    Uncertain,
    /// It knows that all have voted yes.
    PreCommitted,
}

/// The transactions of one participant.
#[derive(Clone, Debug, Hash)]
pub struct ResourceManager<P> {
    /// The store before anything was done, to which the log is applied after a crash.
    initial: Store,
    ledger: Ledger,
    journal: Journal,
    protocol: PhantomData<P>,
}

impl<P: Protocol> ResourceManager<P> {
    /// A participant that begins with this store, before it has read its log.
    pub fn new(initial: Store) -> Self {
        let ledger = Ledger::new(initial.clone());
        ResourceManager { initial, ledger, journal: Journal::default(), protocol: PhantomData }
    }

    /// Its store and the states of its transactions.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its votes and decisions since it last started.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The state of a transaction; `None` if nothing is known of it.
    pub fn state(&self, tx: TxId) -> Option<&State> {
        self.ledger.state(tx)
    }

    /// Whom to ask about a transaction that is in doubt.
    pub fn in_doubt(&self, tx: TxId) -> Option<&Members> {
        self.state(tx).and_then(State::in_doubt)
    }

    /// The ledger after a crash that leaves this log.
    pub fn after_recovery<'r>(&self, log: impl IntoIterator<Item = &'r P::Record>) -> Ledger {
        Ledger::recover(self.initial.clone(), log.into_iter().filter_map(P::participant_record))
    }

    /// Recovers from the log. What was voted and what is decided is entered into the journal again.
    pub fn recover(&mut self, log: &[P::Record]) {
        self.ledger = self.after_recovery(log);
        for record in log.iter().filter_map(P::participant_record) {
            match record {
                Record::Prepared { prepared, .. } => self.journal.push(Entry::Voted(prepared.tx, Vote::Yes)),
                Record::Refused(tx) => self.journal.push(Entry::Voted(*tx, Vote::No)),
                Record::Decided(..) | Record::PreCommitted(_) => {}
            }
        }
        for (tx, decision) in self.ledger.decided() {
            self.journal.push(Entry::Decided(tx, decision));
        }
    }

    /// To be called from [`Process::synced`].
    pub fn synced<C: Process>(&mut self, ctx: &Context<'_, C>) {
        self.journal.synced(ctx);
    }

    /// Does the work under locks, unless it has voted on the transaction already, and tells the coordinator what was read.
    /// Returns whether it now waits to be asked for its vote.
    pub fn work<C>(&mut self, ctx: &mut Context<'_, C>, coordinator: NodeId, tx: TxId, steps: &[Step]) -> bool
    where
        C: Process<Message = P::Message>,
    {
        let Some(reads) = self.ledger.work(tx, steps) else { return false };
        ctx.send(coordinator, P::WORKED(tx, reads));
        true
    }

    /// Forgets work that was called off.
    pub fn abandon(&mut self, tx: TxId) {
        self.ledger.abandon(tx);
    }

    /// Gives up work that it is not asked to vote on: it may still abort on its own (the book, section 7.4, timeout actions).
    pub fn give_up<C: Process>(&mut self, ctx: &mut Context<'_, C>, tx: TxId) {
        ctx.mark(marks::WORK_GIVEN_UP);
        self.ledger.abandon(tx);
    }

    /// Votes yes. The vote is cast once its record is durable.
    pub fn vote_yes<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId, members: Members, write: Write)
    where
        C: Process<Record = P::Record>,
    {
        let record = self.ledger.vote_yes(tx, members);
        let vote = write.append(ctx, P::PARTICIPANT(record), Entry::Voted(tx, Vote::Yes));
        self.journal.push_when_durable(ctx, vote);
    }

    /// Votes read-only, which needs no record.
    pub fn vote_read_only(&mut self, tx: TxId) {
        self.ledger.vote_read_only(tx);
        self.journal.push(Entry::Voted(tx, Vote::ReadOnly));
    }

    /// Votes no, whether it has done the work or not: it aborts. What is not forced may be forgotten in a crash, and must not
    /// have been told to any other participant.
    pub fn vote_no<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId, write: Write)
    where
        C: Process<Record = P::Record>,
    {
        let record = self.ledger.vote_no(tx);
        let both = [Entry::Voted(tx, Vote::No), Entry::Decided(tx, Decision::Abort)];
        let written = write.append(ctx, P::PARTICIPANT(record), ());
        for entry in both {
            self.journal.push_when_durable(ctx, written.also(entry));
        }
    }

    /// What it answers to another participant that asks for its state (the book, sections 7.4 and 7.5: the responder's part of
    /// the termination protocols). If it has not voted, it decides to abort before it answers. That decision, like all that
    /// it says on its own authority, is durable before it is sent.
    pub fn report<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId) -> Report
    where
        C: Process<Record = P::Record>,
    {
        match self.state(tx) {
            Some(State::Committed) => Report::Decided(Decision::Commit),
            Some(State::Aborted) => {
                self.force_abort(ctx, tx);
                Report::Decided(Decision::Abort)
            }
            Some(State::Uncertain(_)) => Report::Uncertain,
            Some(State::PreCommitted(_)) => Report::PreCommitted,
            // Who has left with a read-only vote is nobody's peer, and not asked.
            Some(State::Working(_) | State::Unable | State::Left) | None => {
                ctx.mark(marks::HAD_NOT_VOTED_AND_ABORTED);
                self.vote_no(ctx, tx, Write::Forced);
                Report::Decided(Decision::Abort)
            }
        }
    }

    /// Forces an abort that was written lazily and is not durable yet, so that others may be told of it.
    fn force_abort<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId)
    where
        C: Process<Record = P::Record>,
    {
        if self.journal.pending().any(|entry| entry.tx() == tx) {
            Write::Forced.append(ctx, P::PARTICIPANT(Record::Decided(tx, Decision::Abort)), ());
        }
    }

    /// Learns that all have voted yes, and forces that to the log. Nothing changes if it knows already.
    pub fn pre_commit<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId)
    where
        C: Process<Record = P::Record>,
    {
        if matches!(self.state(tx), Some(State::Uncertain(_))) {
            let record = self.ledger.pre_commit(tx);
            Write::Forced.append(ctx, P::PARTICIPANT(record), ());
        }
    }

    /// Learns the decision, and carries it out. If the record is not forced, a crash may take this participant back to where it
    /// has to ask again.
    pub fn decide<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId, decision: Decision, write: Write)
    where
        C: Process<Record = P::Record>,
    {
        let record = self.ledger.decide(tx, decision);
        let decided = write.append(ctx, P::PARTICIPANT(record), Entry::Decided(tx, decision));
        match write {
            Write::Forced => self.journal.push_when_durable(ctx, decided),
            // It is durable where it was decided.
            Write::Lazy | Write::Not => self.journal.push(Entry::Decided(tx, decision)),
        }
    }
}
