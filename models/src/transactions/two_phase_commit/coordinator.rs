//! A coordinator: it has the work done, collects votes, decides, and sends the decision until all know it.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{self, Decision, Entry, LOG, Op, Ret, TransactionManager, Votes, Write};
use crate::transactions::store::Step;
use crate::transactions::two_phase_commit::bugs::Bug;
use crate::transactions::two_phase_commit::marks;
use crate::transactions::two_phase_commit::messages::{Message, Record, Timer, TwoPhase};
use crate::transactions::two_phase_commit::settings::{Presumption, Settings};

/// A coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    settings: Settings,
    /// The protocol table: a transaction that is not in it is forgotten, and presumed.
    transactions: TransactionManager<TwoPhase, Phase>,
}

/// The phase that a transaction is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The first: votes are collected.
    Voting(Votes),
    /// The second: the decision is sent to those that have to know it.
    Decided {
        /// The decision.
        decision: Decision,
        /// The participants that have not acknowledged it.
        unacknowledged: BTreeSet<NodeId>,
        /// Whether the log has a record of the transaction.
        logged: bool,
    },
}

impl commitment::Phase for Phase {
    fn decision(&self) -> Option<Decision> {
        match self {
            Phase::Voting(_) => None,
            Phase::Decided { decision, .. } => Some(*decision),
        }
    }

    /// What is over is forgotten.
    fn is_over(&self) -> bool {
        false
    }
}

impl AsRef<TransactionManager<TwoPhase, Phase>> for Coordinator {
    fn as_ref(&self) -> &TransactionManager<TwoPhase, Phase> {
        &self.transactions
    }
}

impl Coordinator {
    /// A coordinator of these participants, before it has read its log. Accounts are spread over the participants in their
    /// order.
    pub fn new(participants: Vec<NodeId>, settings: Settings) -> Self {
        Coordinator { settings, transactions: TransactionManager::new(participants) }
    }

    /// The phases of the transactions that it knows of and whose work is done.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.transactions.phases().map(|(_, phase)| phase)
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The first phase: votes

    /// Asks for votes. Where commits are presumed, it first writes down that it does: otherwise a crash would make commits of
    /// all that it forgets (Mohan et al., section 3.2).
    fn collect(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let work = self.transactions.work(tx);
        let participants: Vec<NodeId> = work.keys().copied().collect();
        let peers = self.with_changes(work);
        if self.settings.presumption == Presumption::Commit {
            ctx.append(LOG, Record::Collecting(tx, participants.iter().copied().collect()));
        }
        self.transactions.enter(tx, Phase::Voting(Votes::of(participants.iter().copied())));
        self.transactions.began(tx, participants.clone());
        ctx.broadcast(participants, Message::Prepare(tx, peers));
        ctx.arm(Timer::Late(tx), self.settings.vote_timeout);
    }

    /// The participants that have something to log: all, unless those that only read leave at their vote.
    fn with_changes(&self, work: &BTreeMap<NodeId, Vec<Step>>) -> Vec<NodeId> {
        let changes = |steps: &Vec<Step>| !self.settings.read_only || steps.iter().any(|step| step.writes());
        work.iter().filter(|(_, steps)| changes(steps)).map(|(node, _)| *node).collect()
    }

    fn votes(&mut self, tx: TxId) -> Option<&mut Votes> {
        match self.transactions.phase_mut(tx) {
            Some(Phase::Voting(votes)) => Some(votes),
            _ => None,
        }
    }

    /// A vote has come that is not a no. If all have, it commits; those that voted yes have to be told.
    fn voted(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, cast: impl FnOnce(&mut Votes)) {
        let Some(votes) = self.votes(tx) else { return };
        cast(votes);
        if votes.all_yes() {
            let yes = votes.to_be_told();
            self.decide(ctx, tx, Decision::Commit, yes);
        }
    }

    /// One no is enough to abort. Who voted no knows.
    fn refused(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let Some(votes) = self.votes(tx) else { return };
        if votes.no(from) {
            let others = votes.to_be_told();
            self.decide(ctx, tx, Decision::Abort, others);
        }
    }

    /// The timeout action while it waits for votes: it may decide to abort (the book, section 7.4).
    fn timed_out(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        self.transactions.journal_mut().push(Entry::TimedOut(tx));
        if self.transactions.call_off(ctx, tx) {
            return;
        }
        let votes =
            self.votes(tx).unwrap_or_else(|| panic!("a coordinator waits for no votes on what is decided: {tx}"));
        let others = votes.to_be_told();
        ctx.mark(marks::VOTES_TIMED_OUT);
        let decision = if ctx.planted(Bug::CommitOnTimeout) { Decision::Commit } else { Decision::Abort };
        self.decide(ctx, tx, decision, others);
        if ctx.planted(Bug::TimeoutAbortsAll) {
            let voting = self.transactions.phases().filter_map(|(tx, phase)| match phase {
                Phase::Voting(votes) => Some((tx, votes.to_be_told())),
                Phase::Decided { .. } => None,
            });
            for (tx, others) in voting.collect::<Vec<_>>() {
                self.decide(ctx, tx, Decision::Abort, others);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The second phase: the decision

    /// Decides: the record of the decision, where it needs one, is the decision. Then sends it to those that have to be told.
    fn decide(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, decision: Decision, to_be_told: BTreeSet<NodeId>) {
        ctx.cancel(&Timer::Late(tx));
        let write = self.writes(ctx, decision, &to_be_told);
        let record = Record::Decision { tx, decision, participants: to_be_told.clone() };
        let decided = write.append(ctx, record, Entry::Decided(tx, decision));
        self.transactions.journal_mut().push_when_durable(ctx, decided);
        let logged = write != Write::Not || self.settings.presumption == Presumption::Commit;
        self.transactions.decide(ctx, tx, Phase::Decided { decision, unacknowledged: to_be_told, logged });
        self.send_decision(ctx, tx);
    }

    /// How a decision is written. Where all only read, nobody will ask for it: in presumed commit it is written, so that the
    /// collecting ends, and not forced (Mohan et al., section 3.2).
    fn writes(&self, ctx: &Context<'_, Self>, decision: Decision, to_be_told: &BTreeSet<NodeId>) -> Write {
        let presumption = self.settings.presumption;
        match decision {
            Decision::Commit if ctx.planted(Bug::DecisionNotLogged) => Write::Not,
            Decision::Commit if !to_be_told.is_empty() => presumption.coordinator_writes(decision),
            Decision::Commit if presumption == Presumption::Commit => Write::Lazy,
            Decision::Commit => Write::Not,
            Decision::Abort => presumption.coordinator_writes(decision),
        }
    }

    /// Sends the decision to all that have not acknowledged it, and forgets it where nobody has to.
    fn send_decision(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let Some(Phase::Decided { decision, unacknowledged, .. }) = self.transactions.phase(tx).cloned() else {
            panic!("what is sent is decided: {tx}");
        };
        let nobody = unacknowledged.is_empty();
        ctx.broadcast(unacknowledged, Message::decided(tx, decision));
        if self.settings.presumption.covers(decision) {
            self.transactions.forget(tx);
        } else if nobody || ctx.planted(Bug::ForgetBeforeAcks) {
            self.end(ctx, tx);
        } else {
            ctx.arm(Timer::Resend(tx), self.settings.resend_interval);
        }
    }

    fn acknowledged(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let Some(Phase::Decided { unacknowledged, .. }) = self.transactions.phase_mut(tx) else { return };
        unacknowledged.remove(&from);
        if unacknowledged.is_empty() {
            self.end(ctx, tx);
        }
    }

    /// Forgets a decision that all know. The record is not forced: without it, the decision is sent and acknowledged again.
    fn end(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        ctx.cancel(&Timer::Resend(tx));
        if let Some(Phase::Decided { logged: true, .. }) = self.transactions.forget(tx) {
            ctx.append_lazily(LOG, Record::End(tx));
        }
    }

    /// A participant in doubt inquires. It is answered from the table; about an open transaction it will be told in time; what
    /// is not in the table is presumed (Mohan et al., sections 2.2 and 3).
    fn inquired(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let decision = if self.transactions.knows(tx) {
            self.transactions.phase(tx).and_then(commitment::Phase::decision)
        } else {
            Some(self.presume(ctx))
        };
        if let Some(decision) = decision {
            ctx.send(from, Message::decided(tx, decision));
        }
    }

    fn presume(&self, ctx: &mut Context<'_, Self>) -> Decision {
        let decision = self.settings.presumption.of_the_unknown();
        ctx.mark(match decision {
            Decision::Commit => marks::PRESUMED_COMMIT,
            Decision::Abort => marks::PRESUMED_ABORT,
        });
        match decision {
            Decision::Commit if ctx.planted(Bug::PresumeWrong) => Decision::Abort,
            Decision::Abort if ctx.planted(Bug::PresumeWrong) => Decision::Commit,
            decision => decision,
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Recovery

    /// What was decided is sent again to those who may not know it, what was being collected is aborted, and the rest is
    /// forgotten, so that it is presumed (Mohan et al., sections 2.2, 3.1 and 3.2).
    fn recover(&mut self, ctx: &mut Context<'_, Self>, log: Vec<Record>) {
        let (mut earlier, mut committed) = (0, BTreeSet::new());
        // In the end, those that have not ended.
        let mut open: BTreeMap<TxId, (Decision, BTreeSet<NodeId>)> = BTreeMap::new();
        for record in log {
            match record {
                Record::Incarnation => earlier += 1,
                Record::Collecting(tx, participants) => drop(open.insert(tx, (Decision::Abort, participants))),
                Record::Decision { tx, decision, participants } => {
                    if decision == Decision::Commit {
                        committed.insert(tx);
                    }
                    open.insert(tx, (decision, participants));
                }
                Record::End(tx) => drop(open.remove(&tx)),
                Record::Participant(record) => panic!("a coordinator does not write this: {record:?}"),
            }
        }
        ctx.append(LOG, Record::Incarnation);
        self.transactions.begin_incarnation(earlier, committed);
        open.retain(|_, (decision, _)| !self.settings.presumption.covers(*decision));
        for (tx, (decision, unacknowledged)) in open {
            ctx.mark(marks::RECOVERED_A_DECISION_THAT_ALL_MUST_KNOW);
            self.transactions.recovered(tx, Phase::Decided { decision, unacknowledged, logged: true });
            self.transactions.journal_mut().push(Entry::Decided(tx, decision));
            self.send_decision(ctx, tx);
        }
    }
}

impl Process for Coordinator {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if let Some(log) = wal::recover(ctx, LOG) {
            self.recover(ctx, log);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Request(request) => {
                if request.incarnation < self.transactions.incarnation() {
                    ctx.mark(marks::REQUEST_OF_AN_EARLIER_INCARNATION);
                }
                let tx = request.tx;
                if self.transactions.request(ctx, from, request) {
                    ctx.arm(Timer::Late(tx), self.settings.vote_timeout);
                }
            }
            Message::Worked(tx, reads) => {
                if self.transactions.worked(from, tx, reads) {
                    self.collect(ctx, tx);
                }
            }
            Message::Yes(tx) => self.voted(ctx, tx, |votes| votes.yes(from)),
            Message::ReadOnly(tx) => self.voted(ctx, tx, |votes| votes.read_only(from)),
            Message::No(tx) => self.refused(ctx, from, tx),
            Message::Ack(tx) => self.acknowledged(ctx, from, tx),
            Message::Inquire(tx) => self.inquired(ctx, from, tx),
            message => panic!("no message for a coordinator: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Late(tx) => self.timed_out(ctx, tx),
            Timer::Resend(tx) => {
                ctx.mark(marks::DECISION_TOLD_AGAIN);
                self.send_decision(ctx, tx);
            }
            timer => panic!("no timer of a coordinator: {timer:?}"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.transactions.journal_mut().synced(ctx);
    }
}
