//! A participant: it does the work, votes, and carries out the decision. Once it has voted yes it cannot go back.

use seedbed_sim::{Context, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{Decision, LOG, Ledger, Members, Op, Report, ResourceManager, Ret, State, Write};
use crate::transactions::store::Store;
use crate::transactions::two_phase_commit::bugs::Bug;
use crate::transactions::two_phase_commit::marks;
use crate::transactions::two_phase_commit::messages::{Message, Record, Timer, TwoPhase};
use crate::transactions::two_phase_commit::settings::Settings;

/// A participant.
#[derive(Clone, Debug, Hash)]
pub struct Participant {
    settings: Settings,
    resources: ResourceManager<TwoPhase>,
}

impl Participant {
    /// A participant that begins with this store, before it has read its log.
    pub fn new(initial: Store, settings: Settings) -> Self {
        Participant { settings, resources: ResourceManager::new(initial) }
    }

    /// Its store and the states of its transactions.
    pub fn ledger(&self) -> &Ledger {
        self.resources.ledger()
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The first phase: the vote

    /// Votes. The vote leaves once its record is durable.
    fn prepare(&mut self, ctx: &mut Context<'_, Self>, coordinator: NodeId, tx: TxId, peers: Vec<NodeId>) {
        ctx.cancel(&Timer::Idle(tx));
        match self.resources.state(tx) {
            Some(State::Working(prepared)) if prepared.read_only() && self.settings.read_only => {
                ctx.mark(marks::VOTED_READ_ONLY);
                self.resources.vote_read_only(tx);
                ctx.send(coordinator, Message::ReadOnly(tx));
            }
            Some(State::Working(_)) => {
                let write = if ctx.planted(Bug::VoteNotLogged) { Write::Not } else { Write::Forced };
                self.resources.vote_yes(ctx, tx, Members { coordinator, peers }, write);
                ctx.send(coordinator, Message::Yes(tx));
                ctx.arm(Timer::Doubt(tx), self.settings.decision_timeout);
            }
            // Who only reads has nothing to abort, and may have voted before and forgotten it.
            Some(State::Unable) | None if self.settings.read_only && !peers.contains(&ctx.id()) => {
                ctx.mark(marks::VOTED_NO_WITHOUT_A_RECORD);
                self.resources.abandon(tx);
                ctx.send(coordinator, Message::No(tx));
            }
            // The work could not be done, or was forgotten: in a crash, or because it waited for too long.
            Some(State::Unable) | None => {
                ctx.mark(marks::VOTED_NO);
                self.resources.vote_no(ctx, tx, self.settings.presumption.participant_writes(Decision::Abort));
                ctx.send(coordinator, Message::No(tx));
            }
            // It is asked again, and votes the same.
            Some(State::Aborted) => ctx.send(coordinator, Message::No(tx)),
            Some(State::Uncertain(_)) => ctx.send(coordinator, Message::Yes(tx)),
            Some(State::Left) => ctx.send(coordinator, Message::ReadOnly(tx)),
            // The coordinator has all votes, so this is a late copy.
            Some(State::Committed) => {}
            Some(State::PreCommitted(_)) => panic!("two-phase commit has no pre-commit: {tx}"),
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The second phase: the decision

    /// The coordinator sends its decision. One that it must not forget before all know it is acknowledged.
    fn decided(&mut self, ctx: &mut Context<'_, Self>, coordinator: NodeId, tx: TxId, decision: Decision) {
        let was_in_doubt = self.resources.in_doubt(tx).is_some();
        self.learn(ctx, tx, decision);
        if ctx.planted(Bug::AcknowledgesOnce) && !was_in_doubt {
            return;
        }
        if !self.settings.presumption.covers(decision) {
            ctx.send(coordinator, Message::Ack(tx));
        }
    }

    /// Carries out the decision. Ignored by who knows it already: the answer to an old question may be a presumption about what
    /// is long forgotten.
    fn learn(&mut self, ctx: &mut Context<'_, Self>, tx: TxId, decision: Decision) {
        if matches!(self.resources.state(tx), Some(State::Committed | State::Aborted | State::Left)) {
            return;
        }
        ctx.cancel(&Timer::Idle(tx));
        ctx.cancel(&Timer::Doubt(tx));
        self.resources.decide(ctx, tx, decision, self.settings.presumption.participant_writes(decision));
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The uncertainty period: timeout actions and the cooperative termination protocol (the book, section 7.4)

    /// The timeout action in the uncertainty period: it may not decide, so it asks.
    fn in_doubt_for_long(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        if ctx.planted(Bug::UnilateralAbortAfterYes) {
            return self.learn(ctx, tx, Decision::Abort);
        }
        ctx.mark(marks::IN_DOUBT_FOR_LONG);
        self.ask(ctx, tx);
    }

    /// Asks the coordinator, and in the cooperative termination protocol all other participants as well.
    fn ask(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        let Some(Members { coordinator, peers }) = self.resources.in_doubt(tx).cloned() else { return };
        ctx.send(coordinator, Message::Inquire(tx));
        if self.settings.cooperative {
            let me = ctx.id();
            ctx.broadcast(peers.into_iter().filter(|peer| *peer != me), Message::Ask(tx));
        }
        ctx.arm(Timer::Doubt(tx), self.settings.decision_timeout);
    }

    /// The responder's part: who knows the decision tells it; who has not voted aborts, and tells that; who is in doubt cannot
    /// help.
    fn asked(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, tx: TxId) {
        ctx.cancel(&Timer::Idle(tx));
        match self.resources.report(ctx, tx) {
            Report::Decided(decision) => ctx.send(from, Message::Tell(tx, decision)),
            Report::Uncertain | Report::PreCommitted => ctx.send(from, Message::Unsure(tx)),
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Recovery

    /// What it has voted yes on and does not know the decision of, it asks for (the book, section 7.4; Mohan et al., section
    /// 2.2).
    fn recover(&mut self, ctx: &mut Context<'_, Self>, log: &[Record]) {
        self.resources.recover(log);
        let in_doubt: Vec<TxId> = self.ledger().in_doubt().map(|(tx, _)| tx).collect();
        for tx in in_doubt {
            ctx.mark(marks::RECOVERED_IN_DOUBT);
            self.ask(ctx, tx);
        }
    }
}

impl AsRef<ResourceManager<TwoPhase>> for Participant {
    fn as_ref(&self) -> &ResourceManager<TwoPhase> {
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
            self.recover(ctx, &log);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Work(tx, steps) => {
                if self.resources.work(ctx, from, tx, &steps) {
                    ctx.arm(Timer::Idle(tx), self.settings.idle_timeout);
                }
            }
            Message::Release(tx) => self.resources.abandon(tx),
            Message::Prepare(tx, peers) => self.prepare(ctx, from, tx, peers),
            Message::Commit(tx) => self.decided(ctx, from, tx, Decision::Commit),
            Message::Abort(tx) => self.decided(ctx, from, tx, Decision::Abort),
            Message::Ask(tx) => self.asked(ctx, from, tx),
            Message::Tell(tx, decision) => {
                ctx.mark(marks::A_PEER_KNEW);
                self.learn(ctx, tx, decision);
            }
            Message::Unsure(_) => ctx.mark(marks::A_PEER_IS_IN_DOUBT_AS_WELL),
            message => panic!("no message for a participant: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Idle(tx) => self.resources.give_up(ctx, tx),
            Timer::Doubt(tx) => self.in_doubt_for_long(ctx, tx),
            timer => panic!("no timer of a participant: {timer:?}"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.resources.synced(ctx);
    }
}
