//! Two-phase commit whose participants are state machines over Raft groups, as in Spanner (Corbett et al., OSDI 2012, §4.2.1).
//! The coordinator, the servers and the client are hosted as they are; a gateway turns what the coordinator says to a
//! participant into commands of its group.

mod shard;

use proptest::prelude::*;
use seedbed_models::parts::client::Client;
use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::session_client::SessionClient;
use seedbed_models::replication::raft::{self, Server, messages, record, settings};
use seedbed_models::transactions::commitment::{Members, Op, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::Transfer;
use seedbed_models::transactions::two_phase_commit::messages::{
    Message as Commit, Record as Log, Timer as CommitTimer,
};
use seedbed_models::transactions::two_phase_commit::{Coordinator, Settings, TwoPhase};
use seedbed_sim::{
    Answer, Context, FaultClass, Hosted, Hosts, Info, Kinded, Model, NodeId, OpId, Operation, Phases, Process, Roles,
    Span, Swarm, Time, Workload, World, check,
};
use serde::{Deserialize, Serialize};

use self::shard::{Command, Output, Shard};

#[derive(Clone, Debug, Hash, Kinded, Hosts)]
enum Message {
    #[hosts]
    Commit(Commit),
    #[hosts]
    Raft(messages::Message<Shard>),
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Kinded, Hosts)]
enum Timer {
    #[hosts]
    Commit(CommitTimer),
    #[hosts]
    Raft(settings::Timer),
}

#[derive(Clone, Debug, Hash, Hosts)]
enum Record {
    #[hosts]
    Commit(Log),
    #[hosts]
    Raft(record::Record<Shard>),
}

#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
#[allow(clippy::large_enum_variant)]
enum Node {
    #[roles("commit")]
    Coordinator(Coordinator),
    Gateway(Gateway),
    #[roles("raft")]
    Server(Server<Shard>),
    #[roles("commit", answers)]
    Client(Client<TwoPhase>),
}

/// Stands for a participant: it hosts a session with the group.
#[derive(Clone, Debug, Hash)]
struct Gateway {
    session: SessionClient<Shard>,
    coordinator: NodeId,
    commands: u64,
}

impl Gateway {
    fn host(
        &mut self,
        ctx: &mut Context<'_, Self>,
        run: impl FnOnce(&mut SessionClient<Shard>, &mut Context<'_, SessionClient<Shard>>),
    ) {
        for answer in ctx.host(Hosted::named("shard"), |ctx| run(&mut self.session, ctx)) {
            if let Answer::Completed(_, Output(Some(reply))) = answer {
                ctx.send(self.coordinator, reply.message().into());
            }
        }
    }
}

impl Process for Gateway {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.session.set_nonce(ctx.now().0 ^ (u64::from(ctx.id().0) << 48));
        self.host(ctx, |session, ctx| session.start(ctx));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let command = match message {
            Message::Raft(message) => return self.host(ctx, |session, ctx| session.message(ctx, from, message)),
            Message::Commit(Commit::Work(tx, steps)) => Command::Work(tx, steps),
            Message::Commit(Commit::Prepare(tx, peers)) => Command::Prepare(tx, Members { coordinator: from, peers }),
            Message::Commit(Commit::Commit(tx)) => Command::Decide(tx, true),
            Message::Commit(Commit::Abort(tx)) => Command::Decide(tx, false),
            Message::Commit(Commit::Release(tx)) => Command::Release(tx),
            Message::Commit(message) => panic!("no command for a participant: {message:?}"),
        };
        self.commands += 1;
        let op = OpId::internal(self.commands);
        self.host(ctx, |session, ctx| session.invoke(ctx, op, command));
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        let Timer::Raft(timer) = timer else { panic!("no timer of a gateway: {timer:?}") };
        self.host(ctx, |session, ctx| session.timer(ctx, timer));
    }
}

/// The coordinator `n0`, the gateways `n1` and `n2`, two groups of three servers, the client `n9`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bank;

/// The servers of the group behind a gateway.
fn group(gateway: u16) -> impl Iterator<Item = NodeId> {
    (3 * gateway..3 * gateway + 3).map(NodeId)
}

impl Model for Bank {
    type Process = Node;
    const INFO: Info = Info::named("bank", "", "tests", "Two-phase commit over Raft groups.");

    fn size(&self) -> usize {
        10
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        // A vote waits for a group to elect a leader.
        let settings = Settings { vote_timeout: Span::secs(2), ..Settings::default() };
        match node.0 {
            0 => Node::Coordinator(Coordinator::new(vec![NodeId(1), NodeId(2)], settings)),
            1 | 2 => {
                let session = SessionClient::new(group(node.0).collect(), Span::ms(120));
                Node::Gateway(Gateway { session, coordinator: NodeId(0), commands: 0 })
            }
            3..9 => Node::Server(Server::new(node, Membership::of(group(node.0 / 3)), raft::Settings::default())),
            _ => Node::Client(Client::new(vec![NodeId(0)], Span::ms(200))),
        }
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(4), settle: Span::secs(6) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let transfer = (500u64..3_500, 1i64..60).prop_map(|(at, amount)| Operation {
            at: Time::ms(at),
            client: NodeId(9),
            op: Transfer { from: Key(0), to: Key(1), amount }.into(),
        });
        prop::collection::vec(transfer, 3..6).boxed()
    }
}

/// What a group holds of an account, by the server that has executed most.
fn balance(world: &World<Bank>, gateway: u16, account: Key) -> i64 {
    let servers = group(gateway).filter_map(|node| world.process(node)?.server());
    let ahead = servers.max_by_key(|server| server.last_applied()).expect("the world has healed");
    ahead.machine().store().get(account).expect("it is kept there").value
}

/// Atomic commitment over groups whose messages are lost and which are cut apart: no money comes or goes, and every client is
/// answered.
#[test]
fn two_phase_commit_runs_over_raft_groups() {
    check(Bank)
        .faults(Swarm::only([FaultClass::Loss, FaultClass::Partition]))
        .at_end("bank/conserved", |world| {
            let (from, to) = (balance(world, 1, Key(0)), balance(world, 2, Key(1)));
            if from + to == 200 && from >= 0 {
                return Ok(());
            }
            Err(format!("the accounts hold {from} and {to}, and held 100 each").into())
        })
        .at_end("bank/answered", |world| {
            let unanswered = world.history().invocations().iter().filter(|asked| asked.returned().is_none()).count();
            if unanswered == 0 { Ok(()) } else { Err(format!("{unanswered} transfers are not answered").into()) }
        })
        .seeds(30)
        .run();
}
