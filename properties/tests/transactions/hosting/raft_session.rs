//! A session with a Raft group that replicates a state machine of one's own, here a counter: servers and sessions are hosted as
//! they are, whatever the machine.

use std::collections::BTreeSet;

use proptest::strategy::Just;
use seedbed_models::replication::raft::{self, Membership, Server, SessionClient, StateMachine};
use seedbed_sim::{Answered, Info, Model, NodeId, Phases, Roles, Span, Time, check, workload};
use serde::{Deserialize, Serialize};

/// Adds, and returns the sum.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
struct Counter(u64);

impl StateMachine for Counter {
    type Command = u64;
    type Output = u64;

    fn apply(&mut self, by: &u64) -> u64 {
        self.0 += by;
        self.0
    }
}

#[derive(Clone, Debug, Hash, Roles)]
#[roles(raft::Message<Counter>, raft::Timer, raft::Record<Counter>, u64, u64)]
#[allow(clippy::large_enum_variant)]
enum Node {
    Server(Server<Counter>),
    Client(SessionClient<Counter>),
}

/// Three servers, then two clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counting;

impl Model for Counting {
    type Process = Node;
    const INFO: Info = Info::named("counting", "", "tests", "A counter on a Raft group.");

    fn size(&self) -> usize {
        5
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        let servers = (0..3).map(NodeId);
        if node.0 < 3 {
            return Node::Server(Server::new(node, Membership::of(servers), raft::Settings::default()));
        }
        Node::Client(SessionClient::new(servers.collect(), Span::ms(100)))
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(4) }
    }
}

/// Each addition is executed once, under all that a model usually tolerates: no two return the same sum, and the sum is the
/// number of additions. Those whose client crashed and forgot them may be executed or not.
#[test]
fn a_session_serves_any_state_machine() {
    check(Counting)
        .workload(workload(3..5, 1..20, Time::ms(1_900), Just(1)))
        .property(Answered::at_end("counting/answered"))
        .at_end("counting/executed_once", |world| {
            let servers = world.processes().filter_map(|(_, node)| node.server());
            let sum = servers.map(|server| server.machine().0 as usize).max().unwrap_or(0);
            let (asked, returned) = (world.history().invocations().len(), world.history().returned().count());
            let apart: BTreeSet<&u64> = world.history().returned().collect();
            if apart.len() == returned && (returned..=asked).contains(&sum) {
                return Ok(());
            }
            Err(format!("of {asked} additions {returned} returned, the sums {apart:?}; the last sum is {sum}").into())
        })
        .run();
}
