//! A coordinator: it has the work done, asks for votes, lets all know that all voted yes, and only then decides to commit
//! (the book, section 7.5, "the three-phase commit protocol").

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{Answer, Decision, Desk, Entry, Journal, Request, Ret};
use crate::transactions::store::{Cell, Key, Step};
use crate::transactions::three_phase_commit::bugs::Bug;
use crate::transactions::three_phase_commit::marks;
use crate::transactions::three_phase_commit::messages::{Message, Stood, Timer};
use crate::transactions::three_phase_commit::model::{LOG, Node, Record};
use crate::transactions::three_phase_commit::recovery::Recovery;
use crate::transactions::three_phase_commit::settings::Settings;
use crate::transactions::three_phase_commit::speech::Speech;

/// A coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    settings: Settings,
    bug: Option<Bug>,
    /// All participants: accounts are spread over them.
    participants: Vec<NodeId>,
    desk: Desk,
    table: BTreeMap<TxId, Transaction>,
    journal: Journal,
}

/// What a coordinator knows of a transaction.
#[derive(Clone, Debug, Hash)]
struct Transaction {
    /// Who waits for the answer; nobody, once it has recovered from a crash.
    client: Option<NodeId>,
    /// Who takes part, and with what.
    work: BTreeMap<NodeId, Vec<Step>>,
    reads: BTreeMap<Key, Cell>,
    phase: Phase,
    speech: Speech,
}

/// How far it is.
#[derive(Clone, Debug, Hash)]
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
        /// Who voted yes.
        yes: BTreeSet<NodeId>,
    },
    /// The second phase: all voted yes, and are to know so.
    PreCommitting {
        /// Who may not know it yet.
        waiting: BTreeSet<NodeId>,
    },
    /// The third phase.
    Decided(Decision),
    /// It has fallen in between and asks the others.
    Recovering(Recovery),
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

    /// Whether it is telling somebody something.
    pub(super) fn speaks(&self, of: impl Fn(&Phase) -> bool) -> bool {
        self.table.values().any(|transaction| transaction.speech.unfinished() && of(&transaction.phase))
    }

    /// Recovers from the log. What it had asked votes for and not decided may have been decided by others: it asks.
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(log) = wal::recover(ctx, LOG) else { return };
        let (mut lives, mut committed) = (0, BTreeSet::new());
        for record in log {
            match record {
                Record::Life => lives += 1,
                Record::Start { tx, participants } => {
                    let everybody = participants.iter().copied().chain([ctx.id()]).collect();
                    // That all voted yes it had not written down; who knows it are the participants.
                    let stood = Stood { pre_committed: false, view: None };
                    let phase = Phase::Recovering(Recovery::new(everybody, ctx.id(), stood));
                    self.table.insert(tx, Transaction { phase, ..Transaction::default() });
                }
                Record::Decision { tx, decision } => {
                    if decision == Decision::Commit {
                        committed.insert(tx);
                    }
                    self.journal.tell(Entry::Decided { tx, decision });
                    self.table.insert(tx, Transaction { phase: Phase::Decided(decision), ..Transaction::default() });
                }
                Record::Participant(_) | Record::View { .. } => panic!("a coordinator does not write this: {record:?}"),
            }
        }
        ctx.append(LOG, Record::Life);
        self.desk = Desk::new(lives + 1, committed);
        for tx in self.table.keys().copied().collect::<Vec<_>>() {
            self.ask(ctx, tx);
        }
    }

    pub(super) fn synced(&mut self, ctx: &mut Context<'_, Node>) {
        self.journal.synced(ctx);
    }

    pub(super) fn message(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, message: Message) {
        match message {
            Message::Request(request) => self.requested(ctx, from, request),
            Message::Worked { tx, reads } => self.worked(ctx, from, tx, reads),
            Message::Yes { tx } => self.voted_yes(ctx, from, tx),
            Message::No { tx } => self.voted_no(ctx, from, tx),
            Message::Ack { tx } => self.acknowledged(ctx, from, tx),
            Message::Ask { tx } => self.asked(ctx, from, tx),
            Message::Commit { tx } | Message::Tell { tx, decision: Decision::Commit } => {
                self.learn(ctx, tx, Decision::Commit);
            }
            Message::Abort { tx } | Message::Tell { tx, decision: Decision::Abort } => {
                self.learn(ctx, tx, Decision::Abort);
            }
            Message::Recovering { tx, stood } => self.hear(ctx, from, tx, stood),
            message => panic!("a coordinator is not sent this: {from} sent it {message:?}"),
        }
    }

    pub(super) fn timer(&mut self, ctx: &mut Context<'_, Node>, timer: Timer) {
        match timer {
            Timer::Silence(tx) => self.silence(ctx, tx),
            Timer::Say(tx, _) => {
                if let Some(transaction) = self.table.get_mut(&tx) {
                    transaction.speech.go_on(ctx);
                }
            }
            Timer::Ask(tx) => self.ask(ctx, tx),
            timer => panic!("this is not a coordinator's timer: {timer:?}"),
        }
    }

    fn say(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, to: impl IntoIterator<Item = NodeId>, message: Message) {
        let gap = self.settings.gap;
        let transaction = self.table.get_mut(&tx).expect("what is spoken of is in the table");
        transaction.speech.say(ctx, gap, tx, to, message);
    }

    fn await_answers(&self, ctx: &mut Context<'_, Node>, tx: TxId) {
        ctx.arm(Timer::Silence(tx), self.settings.collect(self.participants.len()));
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Before the protocol: the work

    fn requested(&mut self, ctx: &mut Context<'_, Node>, client: NodeId, request: Request) {
        let tx = request.tx;
        // What it has recovered and does not know it answers when it does.
        if self.table.get(&tx).is_some_and(|transaction| !matches!(transaction.phase, Phase::Decided(_))) {
            return;
        }
        if let Some(ret) = self.desk.answer(&request) {
            return ctx.send(client, Message::Answer(Answer { tx, ret, life: self.desk.life() }));
        }
        if self.participants.is_empty() {
            return;
        }
        let work = request.op.at(&self.participants);
        for (participant, steps) in &work {
            ctx.send(*participant, Message::Work { tx, steps: steps.clone() });
        }
        self.await_answers(ctx, tx);
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
    // The protocol

    /// The first phase. That it asks for votes it writes down first, so that it knows after a crash to ask what became of
    /// it (the book's start-3PC record).
    fn collect(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let transaction = self.table.get_mut(&tx).expect("the work of an open transaction is done");
        let participants: Vec<NodeId> = transaction.work.keys().copied().collect();
        let waiting = participants.iter().copied().collect();
        transaction.phase = Phase::Voting { waiting, yes: BTreeSet::new() };
        ctx.append(LOG, Record::Start { tx, participants: participants.clone() });
        self.journal.tell(Entry::Began { tx, participants: participants.clone() });
        self.say(ctx, tx, participants.clone(), Message::VoteReq { tx, peers: participants });
        self.await_answers(ctx, tx);
    }

    /// The second phase begins with the last yes.
    fn voted_yes(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let Some(transaction) = self.table.get_mut(&tx) else { return };
        let Phase::Voting { waiting, yes } = &mut transaction.phase else { return };
        if waiting.remove(&from) {
            yes.insert(from);
        }
        if !waiting.is_empty() {
            return;
        }
        let participants = std::mem::take(yes);
        if self.bug == Some(Bug::PreCommitSkipped) {
            return self.decide(ctx, tx, Decision::Commit, participants);
        }
        transaction.phase = Phase::PreCommitting { waiting: participants.clone() };
        self.say(ctx, tx, participants, Message::PreCommit { tx });
        self.await_answers(ctx, tx);
    }

    fn voted_no(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let Some(Transaction { phase: Phase::Voting { waiting, yes }, .. }) = self.table.get_mut(&tx) else { return };
        if waiting.remove(&from) {
            let others = yes.union(waiting).copied().collect();
            self.decide(ctx, tx, Decision::Abort, others);
        }
    }

    /// The third phase begins with the last acknowledgement.
    fn acknowledged(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let Some(transaction) = self.table.get_mut(&tx) else { return };
        let Phase::PreCommitting { waiting } = &mut transaction.phase else { return };
        waiting.remove(&from);
        if waiting.is_empty() {
            let participants = transaction.work.keys().copied().collect();
            self.decide(ctx, tx, Decision::Commit, participants);
        }
    }

    /// The timeout actions: whose vote does not come has fallen and not committed, so it aborts; whose acknowledgement
    /// does not come has fallen and will ask when it recovers, so it commits.
    fn silence(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let Some(transaction) = self.table.get(&tx) else { return };
        let participants: Vec<NodeId> = transaction.work.keys().copied().collect();
        match &transaction.phase {
            Phase::Working { .. } => {
                ctx.mark(marks::WORK_TIMED_OUT);
                ctx.broadcast(participants, Message::Release { tx });
                self.answer(ctx, tx, Ret::Aborted);
                self.table.remove(&tx);
            }
            Phase::Voting { waiting, yes } => {
                ctx.mark(marks::VOTES_TIMED_OUT);
                let others = yes.union(waiting).copied().collect();
                self.decide(ctx, tx, Decision::Abort, others);
            }
            Phase::PreCommitting { .. } => {
                ctx.mark(marks::COMMITTED_WITHOUT_THOSE_WHO_FELL);
                self.decide(ctx, tx, Decision::Commit, participants.into_iter().collect());
            }
            Phase::Decided(_) | Phase::Recovering(_) => panic!("a coordinator waits for nobody any more: {tx}"),
        }
    }

    fn decide(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, decision: Decision, others: BTreeSet<NodeId>) {
        let transaction = self.table.get_mut(&tx).expect("what is decided is open");
        let reads = Some(std::mem::take(&mut transaction.reads));
        self.settle(ctx, tx, decision, reads);
        self.say(ctx, tx, others, Message::decided(tx, decision));
    }

    /// Writes the decision down and answers the client.
    fn settle(
        &mut self,
        ctx: &mut Context<'_, Node>,
        tx: TxId,
        decision: Decision,
        reads: Option<BTreeMap<Key, Cell>>,
    ) {
        ctx.cancel(&Timer::Silence(tx));
        ctx.append(LOG, Record::Decision { tx, decision });
        self.journal.tell_when_durable(ctx, Entry::Decided { tx, decision });
        let transaction = self.table.get_mut(&tx).expect("what is decided is open");
        transaction.phase = Phase::Decided(decision);
        self.answer(
            ctx,
            tx,
            match decision {
                Decision::Commit => Ret::Committed { reads },
                Decision::Abort => Ret::Aborted,
            },
        );
    }

    fn answer(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, ret: Ret) {
        self.desk.remember(tx, ret.clone());
        if let Some(client) = self.table[&tx].client {
            ctx.send(client, Message::Answer(Answer { tx, ret, life: self.desk.life() }));
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // After a crash

    /// Asks all participants what was decided, if it does not know.
    fn ask(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        if let Some(Transaction { phase: Phase::Recovering(recovery), .. }) = self.table.get(&tx) {
            ctx.mark(marks::A_COORDINATOR_ASKS_WHAT_WAS_DECIDED);
            ctx.broadcast(recovery.others(ctx.id()), Message::Ask { tx });
            ctx.arm(Timer::Ask(tx), self.settings.silence(self.participants.len()));
        }
    }

    /// A node that has recovered asks. What is still open it will be told.
    fn asked(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        match self.table.get(&tx).map(|transaction| &transaction.phase) {
            Some(Phase::Decided(decision)) => ctx.send(from, Message::Tell { tx, decision: *decision }),
            Some(Phase::Recovering(recovery)) => {
                let stood = recovery.stood(ctx.id()).expect("it knows how it stood itself").clone();
                ctx.send(from, Message::Recovering { tx, stood });
            }
            _ => {}
        }
    }

    fn hear(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, stood: Stood) {
        if let Some(Transaction { phase: Phase::Recovering(recovery), .. }) = self.table.get_mut(&tx)
            && let Some(decision) = recovery.hear(from, stood)
        {
            self.learn(ctx, tx, decision);
        }
    }

    /// Learns what was decided without it. Who has decided itself does not listen.
    fn learn(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, decision: Decision) {
        if let Some(Transaction { phase: Phase::Recovering(_), .. }) = self.table.get(&tx) {
            ctx.cancel(&Timer::Ask(tx));
            self.settle(ctx, tx, decision, None);
        }
    }
}

impl Default for Transaction {
    fn default() -> Self {
        let phase = Phase::Working { waiting: BTreeSet::new() };
        let (client, work, reads, speech) = (None, BTreeMap::new(), BTreeMap::new(), Speech::default());
        Transaction { client, work, reads, phase, speech }
    }
}
