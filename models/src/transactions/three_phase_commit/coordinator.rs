//! A coordinator: it has the work done, collects votes, lets all know that all have voted yes, and only then decides to commit
//! (the book, section 7.5, "the three-phase commit protocol").

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{self, Decision, Entry, LOG, Op, Ret, TransactionManager, Votes};
use crate::transactions::three_phase_commit::broadcast::Broadcast;
use crate::transactions::three_phase_commit::bugs::Bug;
use crate::transactions::three_phase_commit::marks;
use crate::transactions::three_phase_commit::messages::{CrashState, Message, Record, ThreePhase, Timer};
use crate::transactions::three_phase_commit::recovery::Recovery;
use crate::transactions::three_phase_commit::settings::Settings;

/// A coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    settings: Settings,
    transactions: TransactionManager<ThreePhase, Phase>,
    broadcasts: BTreeMap<TxId, Broadcast>,
}

/// The phase that a transaction is in.
#[derive(Clone, Debug, Hash)]
pub enum Phase {
    /// The first: votes are collected.
    Voting(Votes),
    /// The second: all have voted yes, and these participants have not acknowledged that they know.
    PreCommitting(BTreeSet<NodeId>),
    /// The third: it is decided.
    Decided(Decision),
    /// The coordinator has crashed since it asked for votes, and asks the others for the decision.
    Recovering(Recovery),
}

impl commitment::Phase for Phase {
    fn decision(&self) -> Option<Decision> {
        match self {
            Phase::Decided(decision) => Some(*decision),
            Phase::Voting(_) | Phase::PreCommitting(_) | Phase::Recovering(_) => None,
        }
    }

    /// A decision is told once: who misses it asks.
    fn is_over(&self) -> bool {
        self.decision().is_some()
    }
}

impl AsRef<TransactionManager<ThreePhase, Phase>> for Coordinator {
    fn as_ref(&self) -> &TransactionManager<ThreePhase, Phase> {
        &self.transactions
    }
}

impl Coordinator {
    /// A coordinator of these participants, before it has read its log. Accounts are spread over the participants in their
    /// order.
    pub fn new(participants: Vec<NodeId>, settings: Settings) -> Self {
        let transactions = TransactionManager::new(participants);
        Coordinator { settings, transactions, broadcasts: BTreeMap::new() }
    }

    /// The phases of the transactions that it knows of and whose work is done.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.transactions.phases().map(|(_, phase)| phase)
    }

    /// Whether it is in the middle of telling its participants something else than that they are to vote.
    pub fn is_telling(&self) -> bool {
        let mut phases = self.transactions.phases();
        let telling = |tx: TxId| self.broadcasts.get(&tx).is_some_and(Broadcast::is_unfinished);
        phases.any(|(tx, phase)| telling(tx) && !matches!(phase, Phase::Voting(_)))
    }

    fn tell(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, to: impl IntoIterator<Item = NodeId>, message: Message) {
        self.broadcasts.entry(tx).or_default().send(ctx, self.settings.gap, tx, to, message);
    }

    fn await_replies(&self, ctx: &mut Context<'_, Self>, tx: TxId) {
        ctx.arm(Timer::Silence(tx), self.settings.reply_timeout(self.transactions.participants()));
    }

    fn participants_of(&self, tx: TxId) -> Vec<NodeId> {
        self.transactions.work(tx).keys().copied().collect()
    }

    fn votes(&mut self, tx: TxId) -> Option<&mut Votes> {
        match self.transactions.phase_mut(tx) {
            Some(Phase::Voting(votes)) => Some(votes),
            _ => None,
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The three phases

    /// The first phase: asks for votes. It logs that it does first, so that it knows after a crash to ask for the decision.
    fn collect(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let participants = self.participants_of(tx);
        self.transactions.enter(tx, Phase::Voting(Votes::of(participants.iter().copied())));
        ctx.append(LOG, Record::Start(tx, participants.clone()));
        self.transactions.began(tx, participants.clone());
        self.tell(ctx, tx, participants.clone(), Message::VoteReq(tx, participants));
        self.await_replies(ctx, tx);
    }

    /// The second phase begins with the last yes: all are to know that all have voted yes.
    fn voted_yes(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let Some(votes) = self.votes(tx) else { return };
        votes.yes(from);
        if !votes.all_yes() {
            return;
        }
        let participants = votes.to_be_told();
        if ctx.planted(Bug::PreCommitSkipped) {
            return self.decide(ctx, tx, Decision::Commit, participants);
        }
        self.transactions.enter(tx, Phase::PreCommitting(participants.clone()));
        self.tell(ctx, tx, participants, Message::PreCommit(tx));
        self.await_replies(ctx, tx);
    }

    /// One no is enough to abort. Who voted no knows.
    fn voted_no(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let Some(votes) = self.votes(tx) else { return };
        if votes.no(from) {
            let others = votes.to_be_told();
            self.decide(ctx, tx, Decision::Abort, others);
        }
    }

    /// The third phase begins with the last acknowledgement: it commits.
    fn acknowledged(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let Some(Phase::PreCommitting(unacknowledged)) = self.transactions.phase_mut(tx) else { return };
        unacknowledged.remove(&from);
        if unacknowledged.is_empty() {
            let participants = self.participants_of(tx);
            self.decide(ctx, tx, Decision::Commit, participants);
        }
    }

    /// The timeout actions (the book, section 7.5). A participant whose vote does not come has crashed and not committed, so it
    /// aborts. One whose acknowledgement does not come has crashed and will ask when it recovers, so it commits.
    fn timed_out(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        if self.transactions.call_off(ctx, tx) {
            return;
        }
        match self.transactions.phase(tx) {
            Some(Phase::Voting(votes)) => {
                let others = votes.to_be_told();
                ctx.mark(marks::VOTES_TIMED_OUT);
                self.decide(ctx, tx, Decision::Abort, others);
            }
            Some(Phase::PreCommitting(_)) => {
                ctx.mark(marks::COMMITTED_WITHOUT_THOSE_WHO_FELL);
                let participants = self.participants_of(tx);
                self.decide(ctx, tx, Decision::Commit, participants);
            }
            phase => panic!("a coordinator waits for nobody any more: {tx} is {phase:?}"),
        }
    }

    fn decide(
        &mut self,
        ctx: &mut Context<'_, Self>,
        tx: TxId,
        decision: Decision,
        others: impl IntoIterator<Item = NodeId>,
    ) {
        self.settle(ctx, tx, decision);
        self.tell(ctx, tx, others, Message::decided(tx, decision));
    }

    /// Logs the decision and answers the client.
    fn settle(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, decision: Decision) {
        ctx.cancel(&Timer::Silence(tx));
        let decided = ctx.append(LOG, Record::Decision(tx, decision)).is(Entry::Decided(tx, decision));
        self.transactions.journal_mut().push_when_durable(ctx, decided);
        self.transactions.decide(ctx, tx, Phase::Decided(decision));
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Recovery

    /// What it had asked votes for and not decided may have been decided by others: it asks.
    fn recover(&mut self, ctx: &mut Context<'_, Self>, log: Vec<Record>) {
        let (mut earlier, mut committed) = (0, BTreeSet::new());
        for record in log {
            match record {
                Record::Incarnation => earlier += 1,
                Record::Start(tx, participants) => {
                    let everybody = participants.into_iter().chain([ctx.id()]).collect();
                    // It does not log that all have voted yes; the participants know whether they had.
                    let state = CrashState { pre_committed: false, view: None };
                    let recovery = Recovery::new(everybody, ctx.id(), state);
                    self.transactions.recovered(tx, Phase::Recovering(recovery));
                }
                Record::Decision(tx, decision) => {
                    if decision == Decision::Commit {
                        committed.insert(tx);
                    }
                    self.transactions.journal_mut().push(Entry::Decided(tx, decision));
                    self.transactions.recovered(tx, Phase::Decided(decision));
                }
                Record::Participant(_) | Record::View(..) => panic!("a coordinator does not write this: {record:?}"),
            }
        }
        ctx.append(LOG, Record::Incarnation);
        self.transactions.begin_incarnation(earlier, committed);
        if ctx.planted(Bug::RecoversWithoutAsking) {
            return;
        }
        let known: Vec<TxId> = self.transactions.phases().map(|(tx, _)| tx).collect();
        for tx in known {
            self.ask(ctx, tx);
        }
    }

    /// Asks all participants for the decision, if it does not know it.
    fn ask(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        if let Some(Phase::Recovering(recovery)) = self.transactions.phase(tx) {
            ctx.mark(marks::A_COORDINATOR_ASKS_WHAT_WAS_DECIDED);
            ctx.broadcast(recovery.others(ctx.id()), Message::Ask(tx));
            ctx.arm(Timer::Ask(tx), self.settings.coordinator_timeout(self.transactions.participants()));
        }
    }

    /// A node that has recovered asks for the decision. If there is none yet, it will be told.
    fn asked(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        match self.transactions.phase(tx) {
            Some(Phase::Decided(decision)) => ctx.send(from, Message::Tell(tx, *decision)),
            Some(Phase::Recovering(recovery)) => {
                ctx.send(from, Message::Recovering(tx, recovery.crash_state(ctx.id()).clone()));
            }
            Some(Phase::Voting(_) | Phase::PreCommitting(_)) | None => {}
        }
    }

    /// Another node that has recovered does not know the decision either.
    fn heard_of_crash(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId, state: CrashState) {
        if let Some(Phase::Recovering(recovery)) = self.transactions.phase_mut(tx)
            && let Some(decision) = recovery.heard(from, state)
        {
            self.learn(ctx, tx, decision);
        }
    }

    /// Learns what was decided while it was down. Ignored if it knows.
    fn learn(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, decision: Decision) {
        if let Some(Phase::Recovering(_)) = self.transactions.phase(tx) {
            ctx.cancel(&Timer::Ask(tx));
            self.settle(ctx, tx, decision);
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
                let tx = request.tx;
                if self.transactions.request(ctx, from, request) {
                    self.await_replies(ctx, tx);
                }
            }
            Message::Worked(tx, reads) => {
                if self.transactions.worked(from, tx, reads) {
                    self.collect(ctx, tx);
                }
            }
            Message::Yes(tx) => self.voted_yes(ctx, from, tx),
            Message::No(tx) => self.voted_no(ctx, from, tx),
            Message::Ack(tx) => self.acknowledged(ctx, from, tx),
            Message::Ask(tx) => self.asked(ctx, from, tx),
            Message::Commit(tx) => self.learn(ctx, tx, Decision::Commit),
            Message::Abort(tx) => self.learn(ctx, tx, Decision::Abort),
            Message::Tell(tx, decision) => self.learn(ctx, tx, decision),
            Message::Recovering(tx, state) => self.heard_of_crash(ctx, from, tx, state),
            message => panic!("no message for a coordinator: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Silence(tx) => self.timed_out(ctx, tx),
            Timer::Say(tx, _) => self.broadcasts.entry(tx).or_default().send_next(ctx),
            Timer::Ask(tx) => self.ask(ctx, tx),
            timer => panic!("no timer of a coordinator: {timer:?}"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.transactions.journal_mut().synced(ctx);
    }
}
