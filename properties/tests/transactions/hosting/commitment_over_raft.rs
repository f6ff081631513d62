//! Two-phase commit whose participants are state machines over Raft groups, as in Spanner (Corbett et al., OSDI 2012, §4.2.1):
//! the coordinator, the proxies and servers of the groups, and the client are hosted as they are, side by side.

use seedbed_models::parts::client::Client;
use seedbed_models::replication::raft::{self, Membership, Server};
use seedbed_models::transactions::commitment::work::{Op, Ret, workload};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::two_phase_commit::replicated::{Message, Participant, Proxy, Record, Timer};
use seedbed_models::transactions::two_phase_commit::{Coordinator, Settings, TwoPhase};
use seedbed_sim::{Answered, Info, Model, NodeId, Phases, Roles, Span, Time, check};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
#[allow(clippy::large_enum_variant)]
enum Node {
    #[roles("commit")]
    Coordinator(Coordinator),
    Proxy(Proxy),
    #[roles("raft")]
    Server(Server<Participant>),
    #[roles("commit", answers)]
    Client(Client<TwoPhase>),
}

/// The coordinator `n0`; the proxies `n1` and `n2` of the groups `n3` to `n5` and `n6` to `n8`; the client `n9`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bank;

impl Model for Bank {
    type Process = Node;
    const INFO: Info = Info::named("bank", "", "tests", "Two-phase commit over Raft groups.");

    fn size(&self) -> usize {
        10
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        // A vote waits for a group to elect a leader.
        let settings = Settings { vote_timeout: Span::secs(2), idle_timeout: Span::secs(1), ..Settings::default() };
        let group = |proxy: u16| (3 * proxy..3 * proxy + 3).map(NodeId);
        match node.0 {
            0 => Node::Coordinator(Coordinator::new(vec![NodeId(1), NodeId(2)], settings)),
            1 | 2 => Node::Proxy(Proxy::new([(Key(node.0 - 1), 100)], settings, group(node.0), Span::ms(120))),
            3..9 => Node::Server(Server::new(node, Membership::of(group(node.0 / 3)), raft::Settings::default())),
            _ => Node::Client(Client::new(vec![NodeId(0)], Span::ms(200))),
        }
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(4), settle: Span::secs(6) }
    }
}

/// Atomic commitment over groups, under all that a model usually tolerates: every client is answered; in the end no account is
/// locked, and no money has come or gone.
#[test]
fn two_phase_commit_runs_over_raft_groups() {
    check(Bank)
        .workload(workload(9..10, 2, 3..6, Time::ms(3_500)))
        .property(Answered::at_end("bank/answered"))
        .at_end("bank/conserved", |world| {
            let held = [3..6, 6..9].map(|group| {
                let servers = group.filter_map(|node| world.process(NodeId(node))?.server());
                let ahead = servers.max_by_key(|server| server.last_applied())?;
                ahead.machine().ledger().store().readable().find_map(|(_, balance)| balance)
            });
            let fine = matches!(held, [Some(from @ 0..), Some(to @ 0..)] if from + to == 200);
            // A trace that was shrunk may lack nodes.
            if fine || world.present().count() < 10 { Ok(()) } else { Err(format!("the groups hold {held:?}").into()) }
        })
        .seeds(300)
        .run();
}
