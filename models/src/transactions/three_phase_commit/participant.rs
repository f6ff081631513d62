//! A participant: it votes, pre-commits and decides as the coordinator says. Where the coordinator falls silent, the
//! participants that have stayed up elect one of them and terminate the transaction ([`super::termination`]).
//!
//! Elections are the book's: participants have an order, and the first that is up coordinates. A coordinator that is silent
//! has crashed, in a synchronous system, and who finds it silent turns to the next.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{Decision, LOG, Ledger, Members, Op, Report, ResourceManager, Ret, State, Write};
use crate::transactions::store::Store;
use crate::transactions::three_phase_commit::broadcast::Broadcast;
use crate::transactions::three_phase_commit::bugs::Bug;
use crate::transactions::three_phase_commit::marks;
use crate::transactions::three_phase_commit::messages::{CrashState, Message, Record, ThreePhase, Timer};
use crate::transactions::three_phase_commit::recovery::Recovery;
use crate::transactions::three_phase_commit::settings::Settings;
use crate::transactions::three_phase_commit::termination::{Doubt, Part, Rule};

/// A participant.
#[derive(Clone, Debug, Hash)]
pub struct Participant {
    settings: Settings,
    /// How many participants there are.
    participants: usize,
    resources: ResourceManager<ThreePhase>,
    /// The transactions that it has voted yes on and does not know the decision of.
    doubts: BTreeMap<TxId, Doubt>,
    /// Broadcasts that are not finished.
    broadcasts: BTreeMap<TxId, Broadcast>,
}

impl Participant {
    /// One of so many participants, which begins with this store, before it has read its log.
    pub fn new(initial: Store, participants: usize, settings: Settings) -> Self {
        let resources = ResourceManager::new(initial);
        Participant { settings, participants, resources, doubts: BTreeMap::new(), broadcasts: BTreeMap::new() }
    }

    /// Its store and the states of its transactions.
    pub fn ledger(&self) -> &Ledger {
        self.resources.ledger()
    }

    /// Its parts in the transactions that it is in doubt about.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.doubts.values().map(|doubt| &doubt.part)
    }

    /// Whether it is in the middle of telling others something.
    pub fn is_telling(&self) -> bool {
        self.broadcasts.values().any(Broadcast::is_unfinished)
    }

    fn tell(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, to: impl IntoIterator<Item = NodeId>, message: Message) {
        let broadcast = self.broadcasts.entry(tx).or_default();
        broadcast.send(ctx, self.settings.gap, tx, to, message);
        if !broadcast.is_unfinished() {
            self.broadcasts.remove(&tx);
        }
    }

    fn tell_next(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let Some(broadcast) = self.broadcasts.get_mut(&tx) else { return };
        broadcast.send_next(ctx);
        if !broadcast.is_unfinished() {
            self.broadcasts.remove(&tx);
        }
    }

    fn await_coordinator(&self, ctx: &mut Context<'_, Self>, tx: TxId) {
        if ctx.planted(Bug::SilenceUnnoticed) {
            return;
        }
        ctx.arm(Timer::Silence(tx), self.settings.coordinator_timeout(self.participants));
    }

    fn await_replies(&self, ctx: &mut Context<'_, Self>, tx: TxId) {
        ctx.arm(Timer::Silence(tx), self.settings.reply_timeout(self.participants));
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The three phases

    /// The first phase: votes. If it has forgotten the work in a crash, it votes no.
    fn vote(&mut self, ctx: &mut Context<'_, Self>, coordinator: NodeId, tx: TxId, peers: Vec<NodeId>) {
        ctx.cancel(&Timer::Idle(tx));
        match self.resources.state(tx) {
            Some(State::Working(_)) => {
                let doubt = Doubt { up: peers.iter().copied().collect(), part: Part::Follows(coordinator) };
                self.resources.vote_yes(ctx, tx, Members { coordinator, peers }, Write::Forced);
                self.doubts.insert(tx, doubt);
                ctx.send(coordinator, Message::Yes(tx));
                self.await_coordinator(ctx, tx);
            }
            Some(State::Unable) | None => {
                ctx.mark(marks::VOTED_NO);
                self.resources.vote_no(ctx, tx, Write::Forced);
                ctx.send(coordinator, Message::No(tx));
            }
            Some(State::Aborted) => ctx.send(coordinator, Message::No(tx)),
            // It has voted yes, in this incarnation of the coordinator or an earlier one, and is not asked twice.
            Some(State::Uncertain(_) | State::PreCommitted(_) | State::Committed) => {}
            Some(State::Left) => panic!("three-phase commit has no read-only votes: {tx}"),
        }
    }

    /// The second phase, of the protocol or of its termination: it learns that all have voted yes. If it has recovered it takes
    /// no part, and those that go on count it out.
    fn pre_commit(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let Some(Doubt { part: Part::Follows(coordinator), .. }) = self.doubts.get(&tx) else { return };
        if *coordinator != from {
            return;
        }
        self.resources.pre_commit(ctx, tx);
        ctx.send(from, Message::Ack(tx));
        self.await_coordinator(ctx, tx);
    }

    /// The third phase, or the answer to a question: it learns the decision. Ignored if it knows.
    fn learn(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, decision: Decision) {
        if self.resources.state(tx).and_then(State::decision).is_some() {
            return;
        }
        for timer in [Timer::Idle(tx), Timer::Silence(tx), Timer::Ask(tx)] {
            ctx.cancel(&timer);
        }
        self.doubts.remove(&tx);
        self.resources.decide(ctx, tx, decision, Write::Forced);
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Election

    /// The timeout action: whoever should have sent something has crashed.
    fn timed_out(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let Some(doubt) = self.doubts.get_mut(&tx) else { return };
        match &doubt.part {
            Part::Follows(crashed) | Part::Elects(crashed) => {
                ctx.mark(marks::COORDINATOR_GIVEN_UP);
                let crashed = *crashed;
                doubt.up.remove(&crashed);
                self.elect(ctx, tx);
            }
            Part::Asks(_) => self.terminate(ctx, tx),
            Part::PreCommits(_) => {
                ctx.mark(marks::COMMITTED_WITHOUT_THOSE_WHO_FELL);
                self.decide(ctx, tx, Decision::Commit);
            }
            Part::Recovers(_) => panic!("who recovers waits for nobody: {tx}"),
        }
    }

    /// The first that is up is to coordinate.
    fn elect(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let doubt = self.doubts.get_mut(&tx).expect("an election is held in doubt");
        let first = *doubt.up.first().expect("it is up itself");
        if first == ctx.id() {
            return self.become_coordinator(ctx, tx);
        }
        doubt.part = Part::Elects(first);
        ctx.send(first, Message::Elect(tx));
        self.await_replies(ctx, tx);
    }

    /// Another found the coordinator silent, and all participants before this one.
    fn elected(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        match self.doubts.get_mut(&tx) {
            Some(Doubt { part: Part::Follows(_) | Part::Elects(_), up }) => {
                let me = ctx.id();
                up.retain(|node| *node >= me);
                self.become_coordinator(ctx, tx);
            }
            // It coordinates already; or it has recovered, and the other has to turn to the next.
            Some(_) => {}
            // It knows the decision, or has not voted and decides to abort.
            None => {
                if let Report::Decided(decision) = self.report(ctx, tx) {
                    ctx.send(from, Message::decided(tx, decision));
                }
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Termination

    /// The elected coordinator asks for the states of the others.
    fn become_coordinator(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        ctx.mark(marks::ELECTED);
        let me = ctx.id();
        let mine = self.report(ctx, tx);
        let doubt = self.doubts.get_mut(&tx).expect("who is elected is in doubt");
        doubt.part = Part::Asks(BTreeMap::from([(me, mine)]));
        let others: Vec<NodeId> = doubt.up.iter().copied().filter(|node| *node != me).collect();
        if others.is_empty() {
            return self.terminate(ctx, tx);
        }
        self.tell(ctx, tx, others, Message::StateReq(tx));
        self.await_replies(ctx, tx);
    }

    /// Its own state in a transaction: if it has not voted, it decides to abort.
    fn report(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) -> Report {
        ctx.cancel(&Timer::Idle(tx));
        self.resources.report(ctx, tx)
    }

    /// Answers an elected coordinator, and follows it: all before it have crashed.
    fn state_asked(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        match self.doubts.get_mut(&tx) {
            Some(Doubt { part: Part::Recovers(_), .. }) => return,
            Some(Doubt { up, .. }) if !up.contains(&from) => return,
            Some(doubt) => {
                doubt.up.retain(|node| *node >= from);
                doubt.part = Part::Follows(from);
                self.await_coordinator(ctx, tx);
            }
            None => {}
        }
        let report = self.report(ctx, tx);
        ctx.send(from, Message::State(tx, report));
    }

    fn state_told(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId, report: Report) {
        let Some(Doubt { up, part: Part::Asks(states) }) = self.doubts.get_mut(&tx) else { return };
        states.insert(from, report);
        if up.iter().all(|node| states.contains_key(node)) {
            self.terminate(ctx, tx);
        }
    }

    /// Decides by the termination rules. Who has not told its state has crashed.
    fn terminate(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let Some(Doubt { up, part: Part::Asks(states) }) = self.doubts.get_mut(&tx) else {
            panic!("who terminates a transaction has asked for the states of the others: {tx}");
        };
        *up = states.keys().copied().collect();
        match Rule::of(states.values().copied()) {
            Rule::Aborted => {
                ctx.mark(marks::TERMINATED_SOMEBODY_HAD_ABORTED);
                self.decide(ctx, tx, Decision::Abort);
            }
            Rule::Committed => {
                ctx.mark(marks::TERMINATED_SOMEBODY_HAD_COMMITTED);
                self.decide(ctx, tx, Decision::Commit);
            }
            Rule::AllUncertain => {
                ctx.mark(marks::TERMINATED_ALL_UNCERTAIN);
                let commits = ctx.planted(Bug::TerminationFromUncertainCommits);
                self.decide(ctx, tx, if commits { Decision::Commit } else { Decision::Abort });
            }
            Rule::PreCommitted => {
                ctx.mark(marks::TERMINATED_SOMEBODY_HAD_PRE_COMMITTED);
                let members = up.clone();
                self.pre_commit_others(ctx, tx, members);
            }
        }
    }

    /// Goes on with those that are up: lets them know that all have voted yes. It logs with whom it goes on first.
    fn pre_commit_others(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, members: BTreeSet<NodeId>) {
        let me = ctx.id();
        let others: BTreeSet<NodeId> = members.iter().copied().filter(|node| *node != me).collect();
        ctx.append(LOG, Record::View(tx, members));
        self.resources.pre_commit(ctx, tx);
        self.doubts.get_mut(&tx).expect("who was elected is in doubt").part = Part::PreCommits(others.clone());
        if others.is_empty() {
            // Its view, its being pre-committed and the decision go to the log in this order, and nobody hears of any of them
            // before all are durable: whatever a crash leaves of them, it recovers into a state it may have been in.
            return self.decide(ctx, tx, Decision::Commit);
        }
        self.tell(ctx, tx, others, Message::PreCommit(tx));
        self.await_replies(ctx, tx);
    }

    fn acknowledged(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        let Some(Doubt { part: Part::PreCommits(unacknowledged), .. }) = self.doubts.get_mut(&tx) else { return };
        unacknowledged.remove(&from);
        if unacknowledged.is_empty() {
            self.decide(ctx, tx, Decision::Commit);
        }
    }

    /// The elected coordinator decides, and tells all: those that have crashed may be up again by then.
    fn decide(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, decision: Decision) {
        let me = ctx.id();
        let members = self.resources.in_doubt(tx);
        let Members { coordinator, peers } = members.expect("who decides has been in doubt").clone();
        self.learn(ctx, tx, decision);
        let others = peers.into_iter().filter(|node| *node != me).chain([coordinator]);
        self.tell(ctx, tx, others, Message::decided(tx, decision));
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Recovery

    /// What it has voted yes on and does not know the decision of, it asks for.
    fn recover(&mut self, ctx: &mut Context<'_, Self>, log: Vec<Record>) {
        self.resources.recover(&log);
        let mut views = BTreeMap::new();
        for record in log {
            if let Record::View(tx, members) = record {
                views.insert(tx, members);
            }
        }
        let in_doubt: Vec<(TxId, Members)> =
            self.ledger().in_doubt().map(|(tx, members)| (tx, members.clone())).collect();
        for (tx, Members { coordinator, peers }) in in_doubt {
            ctx.mark(marks::RECOVERED_IN_DOUBT);
            let pre_committed = matches!(self.resources.state(tx), Some(State::PreCommitted(_)));
            if pre_committed && ctx.planted(Bug::RecoversToCommit) {
                self.learn(ctx, tx, Decision::Commit);
                continue;
            }
            let everybody = peers.iter().copied().chain([coordinator]).collect();
            let state = CrashState { pre_committed, view: views.remove(&tx) };
            let part = Part::Recovers(Recovery::new(everybody, ctx.id(), state));
            self.doubts.insert(tx, Doubt { up: peers.into_iter().collect(), part });
            self.ask(ctx, tx);
        }
    }

    /// Asks all others for the decision, if it has recovered and does not know it.
    fn ask(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        if let Some(Doubt { part: Part::Recovers(recovery), .. }) = self.doubts.get(&tx) {
            ctx.broadcast(recovery.others(ctx.id()), Message::Ask(tx));
            ctx.arm(Timer::Ask(tx), self.settings.coordinator_timeout(self.participants));
        }
    }

    /// A node that has recovered asks for the decision. Who is in doubt and has not crashed does not answer: it will know soon.
    fn asked(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        match self.doubts.get(&tx) {
            Some(Doubt { part: Part::Recovers(recovery), .. }) => {
                ctx.send(from, Message::Recovering(tx, recovery.crash_state(ctx.id()).clone()));
            }
            Some(_) => {}
            None => {
                if let Report::Decided(decision) = self.report(ctx, tx) {
                    ctx.send(from, Message::Tell(tx, decision));
                }
            }
        }
    }

    /// Another node that has recovered does not know the decision either.
    fn heard_of_crash(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId, state: CrashState) {
        if let Some(Doubt { part: Part::Recovers(recovery), .. }) = self.doubts.get_mut(&tx)
            && let Some(decision) = recovery.heard(from, state)
        {
            ctx.mark(if recovery.heard_all() {
                marks::TOTAL_FAILURE_DECIDED_WHEN_ALL_HAD_RECOVERED
            } else {
                marks::TOTAL_FAILURE_DECIDED_WHEN_THE_LAST_TO_FALL_HAD_RECOVERED
            });
            self.learn(ctx, tx, decision);
        }
    }
}

impl AsRef<ResourceManager<ThreePhase>> for Participant {
    fn as_ref(&self) -> &ResourceManager<ThreePhase> {
        &self.resources
    }
}

impl Process for Participant {
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
            Message::Work(tx, steps) => {
                if self.resources.work(ctx, from, tx, &steps) {
                    ctx.arm(Timer::Idle(tx), self.settings.coordinator_timeout(self.participants));
                }
            }
            Message::Release(tx) => self.resources.abandon(tx),
            Message::VoteReq(tx, peers) => self.vote(ctx, from, tx, peers),
            Message::PreCommit(tx) => self.pre_commit(ctx, from, tx),
            Message::Commit(tx) => self.learn(ctx, tx, Decision::Commit),
            Message::Abort(tx) => self.learn(ctx, tx, Decision::Abort),
            Message::Tell(tx, decision) => self.learn(ctx, tx, decision),
            Message::Elect(tx) => self.elected(ctx, from, tx),
            Message::StateReq(tx) => self.state_asked(ctx, from, tx),
            Message::State(tx, report) => self.state_told(ctx, from, tx, report),
            Message::Ack(tx) => self.acknowledged(ctx, from, tx),
            Message::Ask(tx) => self.asked(ctx, from, tx),
            Message::Recovering(tx, state) => self.heard_of_crash(ctx, from, tx, state),
            message => panic!("no message for a participant: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Idle(tx) => self.resources.give_up(ctx, tx),
            Timer::Silence(tx) => self.timed_out(ctx, tx),
            Timer::Say(tx, _) => self.tell_next(ctx, tx),
            Timer::Ask(tx) => self.ask(ctx, tx),
            timer => panic!("no timer of a participant: {timer:?}"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.resources.synced(ctx);
    }
}
