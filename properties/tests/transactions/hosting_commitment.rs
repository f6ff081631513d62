//! The roles of two-phase commit in a world that is not theirs: a coordinator and a participant are hosted, and another
//! participant is a state machine that is told what to do, as a replicated log would tell it.

use seedbed_models::parts::client::Client;
use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Decision, Ledger, Members, Op, Ret, State};
use seedbed_models::transactions::store::{Key, Store};
use seedbed_models::transactions::transfer::Transfer;
use seedbed_models::transactions::two_phase_commit::messages::{self, Message as Commit};
use seedbed_models::transactions::two_phase_commit::{Coordinator, Participant, Settings, TwoPhase};
use seedbed_sim::{
    Answer, Case, Context, Hosted, Hosts, Info, Kinded, Model, NodeId, OpId, Operation, Process, Record as Recording,
    Source, Time, run,
};
use serde::{Deserialize, Serialize};

const COMMIT: Hosted = Hosted::named("commit");

#[derive(Clone, Debug, Hash, Kinded, Hosts)]
enum Message {
    #[hosts]
    Commit(Commit),
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Kinded, Hosts)]
enum Timer {
    #[hosts]
    Commit(messages::Timer),
}

#[derive(Clone, Debug, Hash, Hosts)]
enum Record {
    #[hosts]
    Commit(messages::Record),
}

/// The nodes, in this order.
#[derive(Clone, Debug, Hash)]
enum Node {
    Coordinator(Coordinator),
    Participant(Participant),
    Replicated(Ledger),
    Client(Client<TwoPhase>),
}

/// Applies a command. Its result depends on nothing but the ledger and the command.
fn apply(ledger: &mut Ledger, from: NodeId, command: Commit) -> Option<Commit> {
    match command {
        Commit::Work(tx, steps) => Some(Commit::Worked(tx, ledger.work(tx, &steps)?)),
        Commit::Prepare(tx, peers) => Some(vote(ledger, tx, Members { coordinator: from, peers })),
        Commit::Commit(tx) => Some(decide(ledger, tx, Decision::Commit)),
        Commit::Abort(tx) => Some(decide(ledger, tx, Decision::Abort)),
        Commit::Release(tx) => {
            ledger.abandon(tx);
            None
        }
        command => panic!("no command for a participant: {command:?}"),
    }
}

fn vote(ledger: &mut Ledger, tx: TxId, members: Members) -> Commit {
    if let Some(State::Working(_)) = ledger.state(tx) {
        ledger.vote_yes(tx, members);
        return Commit::Yes(tx);
    }
    ledger.vote_no(tx);
    Commit::No(tx)
}

fn decide(ledger: &mut Ledger, tx: TxId, decision: Decision) -> Commit {
    ledger.decide(tx, decision);
    Commit::Ack(tx)
}

impl Node {
    /// Completes the operations that this node has passed on.
    fn completed(ctx: &mut Context<'_, Self>, answers: Vec<Answer<Ret>>) {
        for answer in answers {
            let Answer::Completed(OpId(op), ret) = answer else { panic!("a transaction does not fail: {answer:?}") };
            ctx.complete(OpId(op - OpId::internal(0).0), ret);
        }
    }
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        match self {
            Node::Coordinator(role) => drop(ctx.host(COMMIT, |ctx| role.start(ctx))),
            Node::Participant(role) => drop(ctx.host(COMMIT, |ctx| role.start(ctx))),
            Node::Replicated(_) | Node::Client(_) => {}
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, Message::Commit(message): Message) {
        let answers = match self {
            Node::Coordinator(role) => ctx.host(COMMIT, |ctx| role.message(ctx, from, message)),
            Node::Participant(role) => ctx.host(COMMIT, |ctx| role.message(ctx, from, message)),
            Node::Client(role) => ctx.host(COMMIT, |ctx| role.message(ctx, from, message)),
            Node::Replicated(ledger) => {
                if let Some(reply) = apply(ledger, from, message) {
                    ctx.send(from, reply.into());
                }
                Vec::new()
            }
        };
        Node::completed(ctx, answers);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, Timer::Commit(timer): Timer) {
        match self {
            Node::Coordinator(role) => drop(ctx.host(COMMIT, |ctx| role.timer(ctx, timer))),
            Node::Participant(role) => drop(ctx.host(COMMIT, |ctx| role.timer(ctx, timer))),
            Node::Client(role) => drop(ctx.host(COMMIT, |ctx| role.timer(ctx, timer))),
            Node::Replicated(_) => panic!("a state machine has no timers: {timer:?}"),
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        let Node::Client(client) = self else { panic!("operations are for the client: {op:?}") };
        ctx.host(COMMIT, |ctx| client.invoke(ctx, OpId::internal(op.0), input));
    }
}

/// A bank of two shards, of which one is replicated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bank;

impl Model for Bank {
    type Process = Node;
    const INFO: Info = Info::named("bank", "", "tests", "A bank of two shards.");

    fn size(&self) -> usize {
        4
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        let settings = Settings { read_only: false, ..Settings::default() };
        match node.0 {
            0 => Node::Coordinator(Coordinator::new(vec![NodeId(1), NodeId(2)], settings)),
            1 => Node::Participant(Participant::new(Store::new([Key(0)], 100), settings)),
            2 => Node::Replicated(Ledger::new(Store::new([Key(1)], 100))),
            _ => Node::Client(Client::new(vec![NodeId(0)], settings.vote_timeout)),
        }
    }
}

#[test]
fn a_transaction_commits_over_a_process_and_a_state_machine() {
    let transfer = |at, amount| Operation {
        at: Time::ms(at),
        client: NodeId(3),
        op: Transfer { from: Key(0), to: Key(1), amount }.into(),
    };
    let case = Case { operations: vec![transfer(10, 30), transfer(200, 500)], ..Case::quiet(Bank) };
    let finished = run(&case, &Source::Fixed(Vec::new()), &[], Recording::No).unwrap();
    let returned: Vec<_> = finished.history.invocations().iter().map(|invocation| invocation.returned()).collect();
    assert!(matches!(returned[..], [Some(Ret::Committed { .. }), Some(Ret::Aborted)]), "{returned:?}");
}
