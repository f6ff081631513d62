//! A coordinator: it has the work done, asks for votes, decides, and tells until all know.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{Answer, Decision, Desk, Entry, Journal, Request, Ret, Write};
use crate::transactions::store::{Cell, Key, Step};
use crate::transactions::two_phase_commit::bugs::Bug;
use crate::transactions::two_phase_commit::marks;
use crate::transactions::two_phase_commit::messages::{Message, Timer};
use crate::transactions::two_phase_commit::model::{LOG, Node, Record};
use crate::transactions::two_phase_commit::settings::{Presumption, Settings};

/// A coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    settings: Settings,
    bug: Option<Bug>,
    /// All participants: accounts are spread over them.
    participants: Vec<NodeId>,
    desk: Desk,
    /// The protocol table: what it must not forget.
    table: BTreeMap<TxId, Transaction>,
    journal: Journal,
}

/// What a coordinator knows of a transaction.
#[derive(Clone, Debug, Default, Hash)]
struct Transaction {
    /// Who waits for the answer; nobody, once it has recovered from a crash.
    client: Option<NodeId>,
    /// Who takes part, and with what.
    work: BTreeMap<NodeId, Vec<Step>>,
    reads: BTreeMap<Key, Cell>,
    phase: Phase,
    /// Whether the log has anything of it.
    logged: bool,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The work is being done.
    Working {
        /// By these, still.
        waiting: BTreeSet<NodeId>,
    },
    /// The first phase: votes are collected.
    Voting {
        /// From these, still.
        waiting: BTreeSet<NodeId>,
        /// Who voted yes and has to be told.
        yes: BTreeSet<NodeId>,
    },
    /// The second phase.
    Decided {
        /// What.
        decision: Decision,
        /// Who may not know it yet.
        unacknowledged: BTreeSet<NodeId>,
    },
}

impl Coordinator {
    /// A coordinator of these participants.
    pub fn new(participants: Vec<NodeId>, settings: Settings, bug: Option<Bug>) -> Self {
        let (table, journal) = (BTreeMap::new(), Journal::default());
        Coordinator { settings, bug, participants, desk: Desk::new(0, BTreeSet::new()), table, journal }
    }

    /// What it has said and decided in this life.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The phases of the transactions that it knows of.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.table.values().map(|transaction| &transaction.phase)
    }

    /// Recovers from the log: what was decided is told again to those who may not know, what was being collected is
    /// aborted, and the rest is forgotten, so that it is presumed (Mohan et al., sections 2.2, 3.1 and 3.2).
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(log) = wal::recover(ctx, LOG) else { return };
        let (mut lives, mut committed) = (0, BTreeSet::new());
        for record in log {
            match record {
                Record::Life => lives += 1,
                Record::Collecting { tx, participants } => self.recovered(tx, Decision::Abort, participants),
                Record::Decision { tx, decision, participants } => {
                    if decision == Decision::Commit {
                        committed.insert(tx);
                    }
                    self.recovered(tx, decision, participants);
                }
                Record::End { tx } => drop(self.table.remove(&tx)),
                Record::Participant(record) => panic!("a coordinator does not write this: {record:?}"),
            }
        }
        ctx.append(LOG, Record::Life);
        self.desk = Desk::new(lives + 1, committed);
        self.table.retain(|_, transaction| match &transaction.phase {
            Phase::Decided { decision, .. } => !self.settings.presumption.covers(*decision),
            _ => true,
        });
        for tx in self.table.keys().copied().collect::<Vec<_>>() {
            ctx.mark(marks::RECOVERED_A_DECISION_THAT_ALL_MUST_KNOW);
            let decision = self.table[&tx].decision().expect("only decisions are recovered");
            self.journal.tell(Entry::Decided { tx, decision });
            self.tell(ctx, tx);
        }
    }

    fn recovered(&mut self, tx: TxId, decision: Decision, participants: BTreeSet<NodeId>) {
        let phase = Phase::Decided { decision, unacknowledged: participants };
        self.table.insert(tx, Transaction { phase, logged: true, ..Transaction::default() });
    }

    pub(super) fn synced(&mut self, ctx: &mut Context<'_, Node>) {
        self.journal.synced(ctx);
    }

    pub(super) fn message(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, message: Message) {
        match message {
            Message::Request(request) => self.requested(ctx, from, request),
            Message::Worked { tx, reads } => self.worked(ctx, from, tx, reads),
            Message::Yes { tx } => self.voted(ctx, from, tx, true),
            Message::ReadOnly { tx } => self.voted(ctx, from, tx, false),
            Message::No { tx } => self.refused(ctx, from, tx),
            Message::Ack { tx } => self.acknowledged(ctx, from, tx),
            Message::Inquire { tx } => self.inquired(ctx, from, tx),
            message => panic!("a coordinator is not sent this: {from} sent it {message:?}"),
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Before the protocol: the work

    fn requested(&mut self, ctx: &mut Context<'_, Node>, client: NodeId, request: Request) {
        let tx = request.tx;
        if let Some(ret) = self.desk.answer(&request) {
            if request.life < self.desk.life() {
                ctx.mark(marks::REQUEST_OF_AN_EARLIER_LIFE);
            }
            return ctx.send(client, Message::Answer(Answer { tx, ret, life: self.desk.life() }));
        }
        if self.table.contains_key(&tx) || self.participants.is_empty() {
            return;
        }
        let work = request.op.at(&self.participants);
        for (participant, steps) in &work {
            ctx.send(*participant, Message::Work { tx, steps: steps.clone() });
        }
        ctx.arm(Timer::Late(tx), self.settings.late);
        let phase = Phase::Working { waiting: work.keys().copied().collect() };
        self.table.insert(tx, Transaction { client: Some(client), work, phase, ..Transaction::default() });
    }

    fn worked(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, reads: BTreeMap<Key, Cell>) {
        let Some(transaction) = self.table.get_mut(&tx) else { return };
        let Phase::Working { waiting } = &mut transaction.phase else { return };
        if waiting.remove(&from) {
            transaction.reads.extend(reads);
        }
        if waiting.is_empty() {
            self.collect(ctx, tx);
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The first phase: votes

    /// Asks for votes. Where commits are presumed, it first writes down that it does: else a crash would make commits of
    /// all that it forgets (Mohan et al., section 3.2).
    fn collect(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let read_only = self.settings.read_only;
        let transaction = self.table.get_mut(&tx).expect("the work of an open transaction is done");
        let participants: BTreeSet<NodeId> = transaction.work.keys().copied().collect();
        let changes = |steps: &Vec<Step>| !read_only || steps.iter().any(|step| step.writes());
        let peers: Vec<NodeId> =
            transaction.work.iter().filter(|(_, steps)| changes(steps)).map(|(node, _)| *node).collect();
        transaction.phase = Phase::Voting { waiting: participants.clone(), yes: BTreeSet::new() };
        if self.settings.presumption == Presumption::Commit {
            transaction.logged = true;
            ctx.append(LOG, Record::Collecting { tx, participants: participants.clone() });
        }
        self.journal.tell(Entry::Began { tx, participants: participants.iter().copied().collect() });
        ctx.broadcast(participants, Message::Prepare { tx, peers });
        ctx.arm(Timer::Late(tx), self.settings.late);
    }

    fn voted(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, to_be_told: bool) {
        let Some(Transaction { phase: Phase::Voting { waiting, yes }, .. }) = self.table.get_mut(&tx) else { return };
        if waiting.remove(&from) && to_be_told {
            yes.insert(from);
        }
        if waiting.is_empty() {
            let yes = yes.clone();
            self.decide(ctx, tx, Decision::Commit, yes);
        }
    }

    /// One no is enough. Who has voted yes is told, and who has not voted yet; who voted no knows.
    fn refused(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let Some(Transaction { phase: Phase::Voting { waiting, yes }, .. }) = self.table.get_mut(&tx) else { return };
        if waiting.remove(&from) {
            let others = yes.union(waiting).copied().collect();
            self.decide(ctx, tx, Decision::Abort, others);
        }
    }

    pub(super) fn timer(&mut self, ctx: &mut Context<'_, Node>, timer: Timer) {
        match timer {
            Timer::Late(tx) => self.late(ctx, tx),
            Timer::Resend(tx) => {
                ctx.mark(marks::DECISION_TOLD_AGAIN);
                self.tell(ctx, tx);
            }
            timer => panic!("this is not a coordinator's timer: {timer:?}"),
        }
    }

    /// The timeout action while it waits for votes: it may decide to abort (the book, section 7.4).
    fn late(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let Some(transaction) = self.table.get(&tx) else { return };
        self.journal.tell(Entry::TimedOut);
        match &transaction.phase {
            Phase::Working { .. } => {
                ctx.mark(marks::WORK_TIMED_OUT);
                let participants: Vec<NodeId> = transaction.work.keys().copied().collect();
                ctx.broadcast(participants, Message::Release { tx });
                self.answer(ctx, tx, Ret::Aborted);
                self.table.remove(&tx);
            }
            Phase::Voting { waiting, yes } => {
                ctx.mark(marks::VOTES_TIMED_OUT);
                let others = yes.union(waiting).copied().collect();
                let decision = match self.bug {
                    Some(Bug::CommitOnTimeout) => Decision::Commit,
                    _ => Decision::Abort,
                };
                self.decide(ctx, tx, decision, others);
            }
            Phase::Decided { .. } => panic!("a coordinator waits for no votes on what it has decided: {tx}"),
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The second phase: the decision

    /// Decides: the record of it, if it needs one, is the decision. Then tells those who have to be told.
    fn decide(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, decision: Decision, to_be_told: BTreeSet<NodeId>) {
        ctx.cancel(&Timer::Late(tx));
        let entry = Entry::Decided { tx, decision };
        let write = self.writes(decision, &to_be_told);
        match write {
            Write::Not => self.journal.tell(entry),
            Write::Forced | Write::Lazy => {
                let record = Record::Decision { tx, decision, participants: to_be_told.clone() };
                match write {
                    Write::Forced => ctx.append(LOG, record),
                    _ => ctx.append_lazily(LOG, record),
                }
                self.journal.tell_when_durable(ctx, entry);
            }
        }
        let transaction = self.table.get_mut(&tx).expect("what is decided is open");
        transaction.phase = Phase::Decided { decision, unacknowledged: to_be_told };
        transaction.logged |= write != Write::Not;
        let reads = Some(transaction.reads.clone());
        self.answer(
            ctx,
            tx,
            match decision {
                Decision::Commit => Ret::Committed { reads },
                Decision::Abort => Ret::Aborted,
            },
        );
        self.tell(ctx, tx);
    }

    /// How a decision is written down. Where all only read, nobody will ask for it: in presumed commit it is written, so
    /// that the collecting ends, and not forced (Mohan et al., section 3.2).
    fn writes(&self, decision: Decision, to_be_told: &BTreeSet<NodeId>) -> Write {
        match (decision, to_be_told.is_empty()) {
            (Decision::Commit, _) if self.bug == Some(Bug::DecisionNotLogged) => Write::Not,
            (Decision::Commit, true) if self.settings.presumption == Presumption::Commit => Write::Lazy,
            (Decision::Commit, true) => Write::Not,
            _ => self.settings.presumption.coordinator_writes(decision),
        }
    }

    fn answer(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, ret: Ret) {
        self.desk.remember(tx, ret.clone());
        if let Some(client) = self.table[&tx].client {
            ctx.send(client, Message::Answer(Answer { tx, ret, life: self.desk.life() }));
        }
    }

    /// Tells what is decided to all who have not acknowledged it, and forgets it where nobody has to.
    fn tell(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let Some(Transaction { phase: Phase::Decided { decision, unacknowledged }, .. }) = self.table.get(&tx) else {
            return;
        };
        let (decision, unacknowledged) = (*decision, unacknowledged.clone());
        let nobody = unacknowledged.is_empty();
        ctx.broadcast(unacknowledged, Message::decided(tx, decision));
        if self.settings.presumption.covers(decision) {
            self.table.remove(&tx);
        } else if nobody || self.bug == Some(Bug::ForgetBeforeAcks) {
            self.end(ctx, tx);
        } else {
            ctx.arm(Timer::Resend(tx), self.settings.resend);
        }
    }

    fn acknowledged(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let Some(Transaction { phase: Phase::Decided { unacknowledged, .. }, .. }) = self.table.get_mut(&tx) else {
            return;
        };
        unacknowledged.remove(&from);
        if unacknowledged.is_empty() {
            self.end(ctx, tx);
        }
    }

    /// Forgets a decision that all know. The record is not forced: without it, it is told and acknowledged again.
    fn end(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        ctx.cancel(&Timer::Resend(tx));
        if self.table.remove(&tx).is_some_and(|transaction| transaction.logged) {
            ctx.append_lazily(LOG, Record::End { tx });
        }
    }

    /// A participant is in doubt. It is told what the table says; what is open it will be told in time; of what is not
    /// there, what is presumed.
    fn inquired(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let decision = match self.table.get(&tx) {
            Some(transaction) => transaction.decision(),
            None => Some(self.presume(ctx)),
        };
        if let Some(decision) = decision {
            ctx.send(from, Message::decided(tx, decision));
        }
    }

    fn presume(&self, ctx: &mut Context<'_, Node>) -> Decision {
        let decision = self.settings.presumption.of_the_unknown();
        ctx.mark(match decision {
            Decision::Commit => marks::PRESUMED_COMMIT,
            Decision::Abort => marks::PRESUMED_ABORT,
        });
        match (self.bug, decision) {
            (Some(Bug::PresumeWrong), Decision::Commit) => Decision::Abort,
            (Some(Bug::PresumeWrong), Decision::Abort) => Decision::Commit,
            _ => decision,
        }
    }
}

impl Default for Phase {
    fn default() -> Self {
        Phase::Working { waiting: BTreeSet::new() }
    }
}

impl Transaction {
    fn decision(&self) -> Option<Decision> {
        match &self.phase {
            Phase::Decided { decision, .. } => Some(*decision),
            _ => None,
        }
    }
}
