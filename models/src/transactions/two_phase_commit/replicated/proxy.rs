//! The proxy of a group: the participant, as coordinators see it.
//!
//! It turns what a coordinator says into commands of the group, and their outputs into replies; and it has a participant's
//! timers, for a state machine has none. All of it is volatile.

use std::collections::BTreeMap;

use seedbed_sim::{Answer, Context, Hosted, NodeId, OpId, Process, Span};

use crate::replication::raft::SessionClient;
use crate::transactions::TxId;
use crate::transactions::commitment::{self, Decision, Members, Op, Ret};
use crate::transactions::store::Key;
use crate::transactions::two_phase_commit::marks;
use crate::transactions::two_phase_commit::messages::{Message as Commit, Timer as Alarm};
use crate::transactions::two_phase_commit::replicated::messages::{Message, Record, Timer};
use crate::transactions::two_phase_commit::replicated::participant::{Command, Output, Participant};
use crate::transactions::two_phase_commit::settings::Settings;

/// A proxy.
#[derive(Clone, Debug, Hash)]
pub struct Proxy {
    /// What the group keeps at the beginning.
    accounts: Vec<(Key, i64)>,
    settings: Settings,
    session: SessionClient<Participant>,
    /// The commands without an output, each with who asked for it: a coordinator, or the proxy itself.
    proposed: BTreeMap<OpId, (NodeId, Command)>,
    /// How many commands there were.
    invoked: u64,
    /// The transactions that the group has voted yes on and knows no decision of, each with its coordinator.
    in_doubt: BTreeMap<TxId, NodeId>,
}

impl Proxy {
    /// The proxy of the group of these servers, which keeps these accounts, each with what it holds at the beginning. A command
    /// that is not answered for `request_timeout` is sent to the next server.
    pub fn new(
        accounts: impl IntoIterator<Item = (Key, i64)>,
        settings: Settings,
        servers: impl IntoIterator<Item = NodeId>,
        request_timeout: Span,
    ) -> Self {
        Proxy {
            accounts: accounts.into_iter().collect(),
            settings,
            session: SessionClient::new(servers.into_iter().collect(), request_timeout),
            proposed: BTreeMap::new(),
            invoked: 0,
            in_doubt: BTreeMap::new(),
        }
    }

    /// Has the group execute a command. One that is on its way is not sent again: a coordinator repeats what is not answered.
    fn propose(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, command: Command) {
        if self.proposed.values().any(|(_, other)| *other == command) {
            return;
        }
        self.invoked += 1;
        let op = OpId::internal(self.invoked);
        self.proposed.insert(op, (from, command.clone()));
        self.host(ctx, |session, ctx| session.invoke(ctx, op, command));
    }

    fn host(
        &mut self,
        ctx: &mut Context<'_, Self>,
        handler: impl FnOnce(&mut SessionClient<Participant>, &mut Context<'_, SessionClient<Participant>>),
    ) {
        for answer in ctx.host(Hosted::named("session"), |ctx| handler(&mut self.session, ctx)) {
            let Answer::Completed(op, output) = answer else { panic!("a group executes each command: {answer:?}") };
            let (from, _) = self.proposed.remove(&op).expect("an output is that of a command");
            self.executed(ctx, from, output);
        }
    }

    /// A coordinator, or another participant, says something.
    fn told(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Commit) {
        let command = match message {
            Commit::Work(tx, steps) => Command::Work(tx, steps),
            Commit::Release(tx) => Command::Abandon(tx),
            Commit::Prepare(tx, peers) => Command::Prepare(tx, Members { coordinator: from, peers }),
            Commit::Commit(tx) => Command::Decide(tx, Decision::Commit),
            Commit::Abort(tx) => Command::Decide(tx, Decision::Abort),
            // Who asks is in doubt, and will hear from the coordinator.
            Commit::Ask(tx) => return ctx.send(from, Commit::Unsure(tx).into()),
            message => panic!("no message for a proxy: {from} sent {message:?}"),
        };
        self.propose(ctx, from, command);
    }

    /// The group has executed a command.
    fn executed(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, output: Output) {
        match output {
            Output::Opened { working, in_doubt } => self.opened(ctx, working, in_doubt),
            Output::Worked(tx, reads) => {
                ctx.arm(Alarm::Idle(tx).into(), self.settings.idle_timeout);
                ctx.send(from, Commit::Worked(tx, reads).into());
            }
            Output::Yes(tx) => {
                ctx.cancel(&Alarm::Idle(tx).into());
                self.in_doubt.insert(tx, from);
                ctx.arm(Alarm::Doubt(tx).into(), self.settings.decision_timeout);
                ctx.send(from, Commit::Yes(tx).into());
            }
            Output::No(tx) => {
                ctx.mark(marks::VOTED_NO);
                ctx.cancel(&Alarm::Idle(tx).into());
                ctx.send(from, Commit::No(tx).into());
            }
            Output::Decided(tx, decision) => {
                ctx.cancel(&Alarm::Idle(tx).into());
                ctx.cancel(&Alarm::Doubt(tx).into());
                self.in_doubt.remove(&tx);
                // What the coordinator must not forget before all know it.
                if !self.settings.presumption.covers(decision) {
                    ctx.send(from, Commit::Ack(tx).into());
                }
            }
            Output::Nothing => {}
        }
    }

    /// The group has told what there is to wait for: what the proxy knew before it started is gone.
    fn opened(&mut self, ctx: &mut Context<'_, Self>, working: Vec<TxId>, in_doubt: BTreeMap<TxId, NodeId>) {
        for tx in working {
            ctx.arm(Alarm::Idle(tx).into(), self.settings.idle_timeout);
        }
        for (tx, coordinator) in in_doubt {
            ctx.mark(marks::RECOVERED_IN_DOUBT);
            self.in_doubt.insert(tx, coordinator);
            self.inquire(ctx, tx);
        }
    }

    /// The timeout action in the uncertainty period (Bernstein, Hadzilacos & Goodman 1987, section 7.4).
    fn inquire(&mut self, ctx: &mut Context<'_, Self>, tx: TxId) {
        ctx.send(self.in_doubt[&tx], Commit::Inquire(tx).into());
        ctx.arm(Alarm::Doubt(tx).into(), self.settings.decision_timeout);
    }
}

impl Process for Proxy {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.host(ctx, |session, ctx| session.start(ctx));
        self.propose(ctx, ctx.id(), Command::Open(self.accounts.clone()));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Raft(message) => self.host(ctx, |session, ctx| session.message(ctx, from, message)),
            Message::Commit(message) => self.told(ctx, from, message),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Raft(timer) => self.host(ctx, |session, ctx| session.timer(ctx, timer)),
            Timer::Commit(Alarm::Idle(tx)) => {
                ctx.mark(commitment::marks::WORK_GIVEN_UP);
                self.propose(ctx, ctx.id(), Command::Abandon(tx));
            }
            Timer::Commit(Alarm::Doubt(tx)) => {
                ctx.mark(marks::IN_DOUBT_FOR_LONG);
                self.inquire(ctx, tx);
            }
            Timer::Commit(timer) => panic!("no timer of a proxy: {timer:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use seedbed_sim::Bench;
    use seedbed_sim::bench::Handled;

    use super::*;
    use crate::replication::raft;
    use crate::replication::raft::types::{RequestId, Session};
    use crate::transactions::two_phase_commit::settings::Presumption;

    const SERVER: NodeId = NodeId(1);
    const COORDINATOR: NodeId = NodeId(7);
    const TX: TxId = TxId(3);

    /// The group has executed the command of this number.
    fn executed(proxy: &mut Bench<Proxy>, sequence: u64, output: Output) -> Handled<Proxy> {
        let id = RequestId { session: Session(1), sequence };
        proxy.message(SERVER, raft::Message::Reply { id, output }.into())
    }

    /// A proxy that has started, and what it did when its group told it of these.
    fn opened(settings: Settings, in_doubt: &[TxId]) -> (Bench<Proxy>, Handled<Proxy>) {
        let mut proxy = Bench::new(Proxy::new([], settings, [SERVER], Span::ms(100)));
        proxy.start();
        proxy.message(SERVER, raft::Message::Registered { nonce: 0, session: Session(1) }.into());
        let in_doubt = in_doubt.iter().map(|tx| (*tx, COORDINATOR)).collect();
        let handled = executed(&mut proxy, 1, Output::Opened { working: Vec::new(), in_doubt });
        (proxy, handled)
    }

    #[test]
    fn who_starts_inquires_about_what_its_group_is_in_doubt_of() {
        let (mut proxy, handled) = opened(Settings::default(), &[TX]);
        let doubt = Timer::from(Alarm::Doubt(TX));
        for handled in [handled, proxy.timer(doubt)] {
            assert_eq!(handled.sent(), [(COORDINATOR, Commit::Inquire(TX).into())]);
            assert_eq!(handled.armed(), [(doubt, Settings::default().decision_timeout)]);
        }
    }

    #[test]
    fn a_command_on_its_way_is_not_sent_again() {
        let (mut proxy, _) = opened(Settings::default(), &[]);
        let prepare = || Message::from(Commit::Prepare(TX, vec![NodeId(0)]));
        assert_eq!(proxy.message(COORDINATOR, prepare()).sent_to(SERVER).len(), 1);
        assert!(proxy.message(COORDINATOR, prepare()).is_empty());
        let handled = executed(&mut proxy, 2, Output::Yes(TX));
        assert_eq!(handled.sent(), [(COORDINATOR, Commit::Yes(TX).into())], "a vote, and no other command");
    }

    #[test]
    fn what_is_presumed_is_not_acknowledged() {
        for (presumption, acknowledged) in [(Presumption::Nothing, true), (Presumption::Abort, false)] {
            let (mut proxy, _) = opened(Settings { presumption, ..Settings::default() }, &[TX]);
            proxy.message(COORDINATOR, Commit::Abort(TX).into());
            let handled = executed(&mut proxy, 2, Output::Decided(TX, Decision::Abort));
            assert_eq!(handled.sent_to(COORDINATOR) == [Commit::Ack(TX).into()], acknowledged);
            assert!(handled.cancelled().contains(&Alarm::Doubt(TX).into()));
        }
    }
}
