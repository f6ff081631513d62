//! A participant: it votes, pre-commits and decides as it is told; and where whoever coordinates falls silent, the
//! participants that have stayed up elect one of them and terminate the transaction (the book, section 7.5, "3PC's
//! termination protocol"; Skeen 1981, section 6).
//!
//! Elections are the book's: participants have an order, and the first that is up coordinates. Who finds whoever
//! coordinates silent takes it for fallen, which in a synchronous system it is, and turns to the next.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{Decision, Ledger, Pledge, Report, Standing, Write};
use crate::transactions::store::{Cell, Key, Step, Store};
use crate::transactions::three_phase_commit::bugs::Bug;
use crate::transactions::three_phase_commit::marks;
use crate::transactions::three_phase_commit::messages::{Message, Stood, Timer};
use crate::transactions::three_phase_commit::model::{LOG, Node, Record};
use crate::transactions::three_phase_commit::recovery::Recovery;
use crate::transactions::three_phase_commit::settings::Settings;
use crate::transactions::three_phase_commit::speech::Speech;

/// A participant.
#[derive(Clone, Debug, Hash)]
pub struct Participant {
    settings: Settings,
    bug: Option<Bug>,
    /// How many participants there are.
    participants: usize,
    /// What its store held before anything was done.
    initial: Store,
    ledger: Ledger,
    /// What it does about the transactions that it has voted yes on and does not know the end of.
    doubts: BTreeMap<TxId, Doubt>,
    /// What it is telling others.
    speeches: BTreeMap<TxId, Speech>,
}

/// What a participant does about a transaction that it is in doubt about.
#[derive(Clone, Debug, Hash)]
struct Doubt {
    /// The participants that it does not know to have fallen, itself among them.
    up: BTreeSet<NodeId>,
    part: Part,
}

/// Its part in the termination of a transaction.
#[derive(Clone, Debug, Hash)]
pub enum Part {
    /// It does as it is told by whoever coordinates.
    Follows(NodeId),
    /// It has told another to coordinate.
    Elects(NodeId),
    /// It coordinates and asks how the others stand.
    Asks {
        /// Who stands how, as far as it knows.
        states: BTreeMap<NodeId, Report>,
    },
    /// It coordinates and lets the others know that all voted yes.
    PreCommits {
        /// Who may not know it yet.
        waiting: BTreeSet<NodeId>,
    },
    /// It has fallen since it voted: it takes no part, and asks those who have not.
    Recovers(Recovery),
}

impl Participant {
    /// One of so many participants, whose store begins like this.
    pub fn new(initial: Store, participants: usize, settings: Settings, bug: Option<Bug>) -> Self {
        let (doubts, speeches) = (BTreeMap::new(), BTreeMap::new());
        let ledger = Ledger::new(initial.clone());
        Participant { settings, bug, participants, ledger, initial, doubts, speeches }
    }

    /// What it holds.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its parts in the transactions that it is in doubt about.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.doubts.values().map(|doubt| &doubt.part)
    }

    /// Whether it is telling somebody something.
    pub(super) fn speaks(&self) -> bool {
        self.speeches.values().any(Speech::unfinished)
    }

    /// What it would hold after a crash that leaves this log.
    pub fn after_recovery<'r>(&self, log: impl IntoIterator<Item = &'r Record>) -> Ledger {
        Ledger::recover(self.initial.clone(), log.into_iter().filter_map(Record::of_participant).cloned())
    }

    /// Recovers from the log. What it does not know the end of it asks for.
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(log) = wal::recover(ctx, LOG) else { return };
        self.ledger = self.after_recovery(&log);
        let mut views = BTreeMap::new();
        for record in log {
            if let Record::View { tx, members } = record {
                views.insert(tx, members);
            }
        }
        let undecided: Vec<(TxId, Pledge)> = self.ledger.undecided().map(|(tx, pledge)| (tx, pledge.clone())).collect();
        for (tx, Pledge { coordinator, peers }) in undecided {
            ctx.mark(marks::RECOVERED_IN_DOUBT);
            let pre_committed = matches!(self.ledger.standing(tx), Some(Standing::PreCommitted(_)));
            if pre_committed && self.bug == Some(Bug::RecoversToCommit) {
                self.learn(ctx, tx, Decision::Commit);
                continue;
            }
            let everybody = peers.iter().copied().chain([coordinator]).collect();
            let stood = Stood { pre_committed, view: views.remove(&tx) };
            let part = Part::Recovers(Recovery::new(everybody, ctx.id(), stood));
            self.doubts.insert(tx, Doubt { up: peers.into_iter().collect(), part });
            self.ask(ctx, tx);
        }
    }

    pub(super) fn synced(&mut self, ctx: &mut Context<'_, Node>) {
        self.ledger.synced(ctx);
    }

    pub(super) fn message(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, message: Message) {
        match message {
            Message::Work { tx, steps } => self.work(ctx, from, tx, &steps),
            Message::Release { tx } => self.ledger.abandon(tx),
            Message::VoteReq { tx, peers } => self.vote(ctx, from, tx, peers),
            Message::PreCommit { tx } => self.pre_commit(ctx, from, tx),
            Message::Commit { tx } | Message::Tell { tx, decision: Decision::Commit } => {
                self.learn(ctx, tx, Decision::Commit);
            }
            Message::Abort { tx } | Message::Tell { tx, decision: Decision::Abort } => {
                self.learn(ctx, tx, Decision::Abort);
            }
            Message::Elect { tx } => self.elected(ctx, from, tx),
            Message::StateReq { tx } => self.state_asked(ctx, from, tx),
            Message::State { tx, report } => self.state_told(ctx, from, tx, report),
            Message::Ack { tx } => self.acknowledged(ctx, from, tx),
            Message::Ask { tx } => self.asked(ctx, from, tx),
            Message::Recovering { tx, stood } => self.hear(ctx, from, tx, stood),
            message => panic!("a participant is not sent this: {from} sent it {message:?}"),
        }
    }

    pub(super) fn timer(&mut self, ctx: &mut Context<'_, Node>, timer: Timer) {
        match timer {
            Timer::Idle(tx) => {
                ctx.mark(marks::WORK_GIVEN_UP);
                self.ledger.abandon(tx);
            }
            Timer::Silence(tx) => self.silence(ctx, tx),
            Timer::Say(tx, _) => self.go_on(ctx, tx),
            Timer::Ask(tx) => self.ask(ctx, tx),
            timer => panic!("this is not a participant's timer: {timer:?}"),
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The participant's part of the protocol

    /// Does the work under locks, but for work that it has voted on or begun.
    fn work(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, steps: &[Step]) {
        if self.ledger.standing(tx).is_some() {
            return;
        }
        let reads: BTreeMap<Key, Cell> = self.ledger.work(tx, steps);
        ctx.arm(Timer::Idle(tx), self.settings.silence(self.participants));
        ctx.send(from, Message::Worked { tx, reads });
    }

    /// The first phase: votes. Who has forgotten the work in a crash votes no.
    fn vote(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, peers: Vec<NodeId>) {
        ctx.cancel(&Timer::Idle(tx));
        match self.ledger.standing(tx) {
            Some(Standing::Working(_)) => {
                let up = peers.iter().copied().collect();
                self.ledger.vote_yes(ctx, tx, Pledge { coordinator: from, peers }, Write::Forced);
                self.doubts.insert(tx, Doubt { up, part: Part::Follows(from) });
                ctx.send(from, Message::Yes { tx });
                self.await_word(ctx, tx);
            }
            Some(Standing::Unable) | None => {
                ctx.mark(marks::VOTED_NO);
                self.ledger.vote_no(ctx, tx, Write::Forced);
                ctx.send(from, Message::No { tx });
            }
            Some(Standing::Aborted) => ctx.send(from, Message::No { tx }),
            // It has voted, in this life or in an earlier one, and is not asked twice.
            _ => {}
        }
    }

    /// The second phase, of the protocol or of its termination: it knows that all voted yes. Who has recovered takes no
    /// part: those who go on count it out.
    fn pre_commit(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        match self.doubts.get(&tx) {
            Some(Doubt { part: Part::Follows(coordinator), .. }) if *coordinator == from => {}
            _ => return,
        }
        if matches!(self.ledger.standing(tx), Some(Standing::Uncertain(_))) {
            self.ledger.pre_commit(ctx, tx);
        }
        ctx.send(from, Message::Ack { tx });
        self.await_word(ctx, tx);
    }

    /// The third phase, or the answer to a question: it knows what is decided. Who has decided does not listen.
    fn learn(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, decision: Decision) {
        let standing = self.ledger.standing(tx);
        if standing.and_then(Standing::decision).is_some() {
            return;
        }
        let voted_yes = standing.and_then(Standing::pledge).is_some();
        assert!(
            voted_yes || decision == Decision::Abort,
            "only who voted yes is told to commit: {tx} stands {standing:?}"
        );
        for timer in [Timer::Idle(tx), Timer::Silence(tx), Timer::Ask(tx)] {
            ctx.cancel(&timer);
        }
        self.doubts.remove(&tx);
        self.ledger.decide(ctx, tx, decision, Write::Forced);
    }

    fn await_word(&self, ctx: &mut Context<'_, Node>, tx: TxId) {
        ctx.arm(Timer::Silence(tx), self.settings.silence(self.participants));
    }

    fn await_answers(&self, ctx: &mut Context<'_, Node>, tx: TxId) {
        ctx.arm(Timer::Silence(tx), self.settings.collect(self.participants));
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Election

    /// Somebody has fallen who should have said something.
    fn silence(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let Some(doubt) = self.doubts.get_mut(&tx) else { return };
        match &doubt.part {
            Part::Follows(fallen) | Part::Elects(fallen) => {
                ctx.mark(marks::COORDINATOR_GIVEN_UP);
                let fallen = *fallen;
                doubt.up.remove(&fallen);
                self.elect(ctx, tx);
            }
            Part::Asks { .. } => self.terminate(ctx, tx),
            Part::PreCommits { .. } => {
                ctx.mark(marks::COMMITTED_WITHOUT_THOSE_WHO_FELL);
                self.decide(ctx, tx, Decision::Commit);
            }
            Part::Recovers(_) => panic!("who recovers waits for nobody: {tx}"),
        }
    }

    /// The first that is up is to coordinate.
    fn elect(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let me = ctx.id();
        let doubt = self.doubts.get_mut(&tx).expect("an election is held in doubt");
        let first = *doubt.up.first().expect("it is up itself");
        if first == me {
            return self.coordinate(ctx, tx);
        }
        doubt.part = Part::Elects(first);
        ctx.send(first, Message::Elect { tx });
        self.await_answers(ctx, tx);
    }

    /// Another found the coordinator silent, and all participants before this one.
    fn elected(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        match self.doubts.get_mut(&tx) {
            Some(Doubt { part: Part::Follows(_) | Part::Elects(_), up }) => {
                let me = ctx.id();
                up.retain(|node| *node >= me);
                self.coordinate(ctx, tx);
            }
            // It coordinates already; or it has recovered, and the other has to turn to the next.
            Some(_) => {}
            // It knows, or has not voted and decides to abort.
            None => {
                if let Report::Decided(decision) = self.report(ctx, tx) {
                    ctx.send(from, Message::decided(tx, decision));
                }
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Termination

    /// The elected coordinator asks how the others stand.
    fn coordinate(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        ctx.mark(marks::ELECTED);
        let me = ctx.id();
        let mine = self.report(ctx, tx);
        let doubt = self.doubts.get_mut(&tx).expect("who is elected is in doubt");
        doubt.part = Part::Asks { states: BTreeMap::from([(me, mine)]) };
        let others: Vec<NodeId> = doubt.up.iter().copied().filter(|node| *node != me).collect();
        if others.is_empty() {
            return self.terminate(ctx, tx);
        }
        self.say(ctx, tx, others, Message::StateReq { tx });
        self.await_answers(ctx, tx);
    }

    /// How it stands in a transaction: who has not voted decides to abort.
    fn report(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) -> Report {
        ctx.cancel(&Timer::Idle(tx));
        self.ledger.report(ctx, tx)
    }

    /// Answers an elected coordinator, and follows it: all before it have fallen.
    fn state_asked(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        match self.doubts.get_mut(&tx) {
            Some(Doubt { part: Part::Recovers(_), .. }) => return,
            Some(Doubt { up, .. }) if !up.contains(&from) => return,
            Some(doubt) => {
                doubt.up.retain(|node| *node >= from);
                doubt.part = Part::Follows(from);
                self.await_word(ctx, tx);
            }
            None => {}
        }
        let report = self.report(ctx, tx);
        ctx.send(from, Message::State { tx, report });
    }

    fn state_told(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, report: Report) {
        let Some(Doubt { up, part: Part::Asks { states } }) = self.doubts.get_mut(&tx) else { return };
        states.insert(from, report);
        if up.iter().all(|node| states.contains_key(node)) {
            self.terminate(ctx, tx);
        }
    }

    /// The termination rules: (TR1) who has aborted decides for all; (TR2) who has committed decides for all; (TR3) if none
    /// knows whether all voted yes, nobody can have committed, and it aborts; (TR4) else it lets all who are up know that
    /// all voted yes, and then commits. Who did not answer has fallen.
    fn terminate(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let me = ctx.id();
        let Some(Doubt { up, part: Part::Asks { states } }) = self.doubts.get_mut(&tx) else {
            panic!("who terminates a transaction has asked how the others stand: {tx}");
        };
        *up = states.keys().copied().collect();
        let some = |wanted: Report| states.values().any(|report| *report == wanted);
        if some(Report::Decided(Decision::Abort)) {
            ctx.mark(marks::TERMINATED_SOMEBODY_HAD_ABORTED);
            return self.decide(ctx, tx, Decision::Abort);
        }
        if some(Report::Decided(Decision::Commit)) {
            ctx.mark(marks::TERMINATED_SOMEBODY_HAD_COMMITTED);
            return self.decide(ctx, tx, Decision::Commit);
        }
        if !some(Report::PreCommitted) {
            ctx.mark(marks::TERMINATED_ALL_UNCERTAIN);
            let decision = match self.bug {
                Some(Bug::TerminationFromUncertainCommits) => Decision::Commit,
                _ => Decision::Abort,
            };
            return self.decide(ctx, tx, decision);
        }
        ctx.mark(marks::TERMINATED_SOMEBODY_HAD_PRE_COMMITTED);
        let members = up.clone();
        let waiting: BTreeSet<NodeId> = members.iter().copied().filter(|node| *node != me).collect();
        ctx.append(LOG, Record::View { tx, members });
        if matches!(self.ledger.standing(tx), Some(Standing::Uncertain(_))) {
            self.ledger.pre_commit(ctx, tx);
        }
        self.set_part(tx, Part::PreCommits { waiting: waiting.clone() });
        if waiting.is_empty() {
            return self.decide(ctx, tx, Decision::Commit);
        }
        self.say(ctx, tx, waiting, Message::PreCommit { tx });
        self.await_answers(ctx, tx);
    }

    fn acknowledged(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        let Some(Doubt { part: Part::PreCommits { waiting }, .. }) = self.doubts.get_mut(&tx) else { return };
        waiting.remove(&from);
        if waiting.is_empty() {
            self.decide(ctx, tx, Decision::Commit);
        }
    }

    /// The elected coordinator decides, and tells all: those who have fallen may be up again by then.
    fn decide(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, decision: Decision) {
        let me = ctx.id();
        let pledge = self.ledger.standing(tx).and_then(Standing::pledge);
        let Pledge { coordinator, peers } = pledge.expect("who decides has been in doubt").clone();
        self.learn(ctx, tx, decision);
        let others = peers.into_iter().filter(|node| *node != me).chain([coordinator]);
        self.say(ctx, tx, others, Message::decided(tx, decision));
    }

    fn set_part(&mut self, tx: TxId, part: Part) {
        self.doubts.get_mut(&tx).expect("who has a part is in doubt").part = part;
    }

    fn say(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, to: impl IntoIterator<Item = NodeId>, message: Message) {
        let speech = self.speeches.entry(tx).or_default();
        speech.say(ctx, self.settings.gap, tx, to, message);
        if !speech.unfinished() {
            self.speeches.remove(&tx);
        }
    }

    fn go_on(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let Some(speech) = self.speeches.get_mut(&tx) else { return };
        speech.go_on(ctx);
        if !speech.unfinished() {
            self.speeches.remove(&tx);
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // After a crash

    /// Asks all others what was decided, if it has recovered and does not know.
    fn ask(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        if let Some(Doubt { part: Part::Recovers(recovery), .. }) = self.doubts.get(&tx) {
            ctx.broadcast(recovery.others(ctx.id()), Message::Ask { tx });
            ctx.arm(Timer::Ask(tx), self.settings.silence(self.participants));
        }
    }

    /// A node that has recovered asks. Who is in doubt itself says nothing: it will know soon.
    fn asked(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        match self.doubts.get(&tx) {
            Some(Doubt { part: Part::Recovers(recovery), .. }) => {
                let stood = recovery.stood(ctx.id()).expect("it knows how it stood itself").clone();
                ctx.send(from, Message::Recovering { tx, stood });
            }
            Some(_) => {}
            None => {
                if let Report::Decided(decision) = self.report(ctx, tx) {
                    ctx.send(from, Message::Tell { tx, decision });
                }
            }
        }
    }

    fn hear(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, stood: Stood) {
        if let Some(Doubt { part: Part::Recovers(recovery), .. }) = self.doubts.get_mut(&tx)
            && let Some(decision) = recovery.hear(from, stood)
        {
            ctx.mark(match recovery.heard_all() {
                true => marks::TOTAL_FAILURE_DECIDED_WHEN_ALL_HAD_RECOVERED,
                false => marks::TOTAL_FAILURE_DECIDED_WHEN_THE_LAST_TO_FALL_HAD_RECOVERED,
            });
            self.learn(ctx, tx, decision);
        }
    }
}
