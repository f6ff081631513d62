//! A participant: it does the work, votes, and does what is decided. Who has voted yes cannot go back.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{Decision, Ledger, Pledge, Report, Standing, Write};
use crate::transactions::store::{Cell, Key, Step, Store};
use crate::transactions::two_phase_commit::bugs::Bug;
use crate::transactions::two_phase_commit::marks;
use crate::transactions::two_phase_commit::messages::{Message, Timer};
use crate::transactions::two_phase_commit::model::{LOG, Node, Record};
use crate::transactions::two_phase_commit::settings::Settings;

/// A participant.
#[derive(Clone, Debug, Hash)]
pub struct Participant {
    settings: Settings,
    bug: Option<Bug>,
    /// What its store held before anything was done.
    initial: Store,
    ledger: Ledger,
}

impl Participant {
    /// A participant whose store begins like this.
    pub fn new(initial: Store, settings: Settings, bug: Option<Bug>) -> Self {
        Participant { settings, bug, ledger: Ledger::new(initial.clone()), initial }
    }

    /// What it holds.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What it would hold after a crash that leaves this log.
    pub fn after_recovery<'r>(&self, log: impl IntoIterator<Item = &'r Record>) -> Ledger {
        Ledger::recover(self.initial.clone(), log.into_iter().filter_map(Record::of_participant).cloned())
    }

    /// Recovers from the log. What it has voted yes on and does not know the end of, it asks for (the book, section 7.4;
    /// Mohan et al., section 2.2).
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(log) = wal::recover(ctx, LOG) else { return };
        self.ledger = self.after_recovery(&log);
        for tx in self.in_doubt() {
            ctx.mark(marks::RECOVERED_IN_DOUBT);
            self.ask(ctx, tx);
        }
    }

    fn in_doubt(&self) -> Vec<TxId> {
        self.ledger.undecided().map(|(tx, _)| tx).collect()
    }

    pub(super) fn synced(&mut self, ctx: &mut Context<'_, Node>) {
        self.ledger.synced(ctx);
    }

    pub(super) fn message(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, message: Message) {
        match message {
            Message::Work { tx, steps } => self.work(ctx, from, tx, &steps),
            Message::Release { tx } => self.ledger.abandon(tx),
            Message::Prepare { tx, peers } => self.prepare(ctx, from, tx, peers),
            Message::Commit { tx } => self.told(ctx, from, tx, Decision::Commit),
            Message::Abort { tx } => self.told(ctx, from, tx, Decision::Abort),
            Message::Ask { tx } => self.asked(ctx, from, tx),
            Message::Tell { tx, decision } => {
                ctx.mark(marks::A_PEER_KNEW);
                self.learn(ctx, tx, decision);
            }
            Message::Unsure { .. } => ctx.mark(marks::A_PEER_IS_IN_DOUBT_AS_WELL),
            message => panic!("a participant is not sent this: {from} sent it {message:?}"),
        }
    }

    /// Does the work under locks, but for work that it has voted on or begun.
    fn work(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, steps: &[Step]) {
        let reads: BTreeMap<Key, Cell> = match self.ledger.standing(tx) {
            None => self.ledger.work(tx, steps),
            Some(Standing::Working(prepared)) => prepared.reads.clone(),
            Some(Standing::Unable) => BTreeMap::new(),
            Some(_) => return,
        };
        ctx.arm(Timer::Idle(tx), self.settings.idle);
        ctx.send(from, Message::Worked { tx, reads });
    }

    /// Votes. The vote leaves once its record is durable.
    fn prepare(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, peers: Vec<NodeId>) {
        ctx.cancel(&Timer::Idle(tx));
        match self.ledger.standing(tx) {
            Some(Standing::Working(prepared)) if prepared.read_only() && self.settings.read_only => {
                ctx.mark(marks::VOTED_READ_ONLY);
                self.ledger.vote_read_only(tx);
                ctx.send(from, Message::ReadOnly { tx });
            }
            Some(Standing::Working(_)) => {
                let write = match self.bug {
                    Some(Bug::VoteNotLogged) => Write::Not,
                    _ => Write::Forced,
                };
                self.ledger.vote_yes(ctx, tx, Pledge { coordinator: from, peers }, write);
                ctx.send(from, Message::Yes { tx });
                ctx.arm(Timer::Doubt(tx), self.settings.doubt);
            }
            // Who only reads has nothing to abort, and may have voted before and forgotten it.
            Some(Standing::Unable) | None if self.settings.read_only && !peers.contains(&ctx.id()) => {
                ctx.mark(marks::VOTED_NO_WITHOUT_A_RECORD);
                self.ledger.abandon(tx);
                ctx.send(from, Message::No { tx });
            }
            // It could not do the work, or has forgotten it: in a crash, or because nobody asked for long.
            Some(Standing::Unable) | None => {
                ctx.mark(marks::VOTED_NO);
                self.ledger.vote_no(ctx, tx, self.settings.presumption.participant_writes(Decision::Abort));
                ctx.send(from, Message::No { tx });
            }
            Some(Standing::Aborted) => ctx.send(from, Message::No { tx }),
            Some(Standing::Uncertain(_)) => ctx.send(from, Message::Yes { tx }),
            Some(Standing::Left) => ctx.send(from, Message::ReadOnly { tx }),
            // The question is old.
            Some(Standing::Committed) => {}
            Some(Standing::PreCommitted(_)) => panic!("two-phase commit knows no pre-commit: {tx}"),
        }
    }

    /// The coordinator tells what is decided. What it must not forget before all know it is acknowledged.
    fn told(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId, decision: Decision) {
        self.learn(ctx, tx, decision);
        if !self.settings.presumption.covers(decision) {
            ctx.send(from, Message::Ack { tx });
        }
    }

    /// Does what is decided.
    fn learn(&mut self, ctx: &mut Context<'_, Node>, tx: TxId, decision: Decision) {
        let standing = self.ledger.standing(tx);
        // The answer to an old question may be a presumption on what is long forgotten: who knows does not listen.
        if matches!(standing, Some(Standing::Committed | Standing::Aborted | Standing::Left)) {
            return;
        }
        let voted_yes = standing.and_then(Standing::pledge).is_some();
        assert!(
            voted_yes || decision == Decision::Abort,
            "only who voted yes is told to commit: {tx} stands {standing:?}"
        );
        ctx.cancel(&Timer::Idle(tx));
        ctx.cancel(&Timer::Doubt(tx));
        self.ledger.decide(ctx, tx, decision, self.settings.presumption.participant_writes(decision));
    }

    pub(super) fn timer(&mut self, ctx: &mut Context<'_, Node>, timer: Timer) {
        match timer {
            Timer::Idle(tx) => {
                ctx.mark(marks::WORK_GIVEN_UP);
                self.ledger.abandon(tx);
            }
            Timer::Doubt(tx) => self.doubt(ctx, tx),
            timer => panic!("this is not a participant's timer: {timer:?}"),
        }
    }

    /// The timeout action in the uncertainty period: it may not decide, so it asks.
    fn doubt(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        if self.bug == Some(Bug::UnilateralAbortAfterYes) {
            return self.learn(ctx, tx, Decision::Abort);
        }
        ctx.mark(marks::IN_DOUBT_FOR_LONG);
        self.ask(ctx, tx);
    }

    /// Asks the coordinator, and in the cooperative termination protocol all other participants as well.
    fn ask(&mut self, ctx: &mut Context<'_, Node>, tx: TxId) {
        let Some(Pledge { coordinator, peers }) = self.ledger.standing(tx).and_then(Standing::pledge).cloned() else {
            return;
        };
        ctx.send(coordinator, Message::Inquire { tx });
        if self.settings.cooperative {
            let me = ctx.id();
            ctx.broadcast(peers.into_iter().filter(|peer| *peer != me), Message::Ask { tx });
        }
        ctx.arm(Timer::Doubt(tx), self.settings.doubt);
    }

    /// The responder's part of the cooperative termination protocol (the book, section 7.4): who knows tells; who has
    /// not voted aborts and tells; who is in doubt cannot help.
    fn asked(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, tx: TxId) {
        ctx.cancel(&Timer::Idle(tx));
        match self.ledger.report(ctx, tx) {
            Report::Decided(decision) => ctx.send(from, Message::Tell { tx, decision }),
            Report::Uncertain | Report::PreCommitted => ctx.send(from, Message::Unsure { tx }),
        }
    }
}
