//! A session with a Raft group that replicates a state machine of one's own, here a counter: servers and sessions are hosted as
//! they are, whatever the machine.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::messages::Message;
use seedbed_models::replication::raft::record::Record;
use seedbed_models::replication::raft::session_client::SessionClient;
use seedbed_models::replication::raft::settings::Timer;
use seedbed_models::replication::raft::{Server, Settings};
use seedbed_sim::{
    FaultClass, Info, Model, NodeId, Operation, Phases, Roles, Span, Swarm, Time, Verdict, Workload, World, check,
};
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
#[roles(Message<Counter>, Timer, Record<Counter>, u64, u64)]
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
            return Node::Server(Server::new(node, Membership::of(servers), Settings::default()));
        }
        let mut session = SessionClient::new(servers.collect(), Span::ms(100));
        session.set_nonce(node.0.into());
        Node::Client(session)
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(4) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let add = (100u64..1_900, 3u16..5).prop_map(|(at, client)| Operation {
            at: Time::ms(at),
            client: NodeId(client),
            op: 1,
        });
        prop::collection::vec(add, 1..20).boxed()
    }
}

/// Each addition is executed once: no two return the same sum, and when all have returned the sum is their number.
fn executed_once(world: &World<Counting>) -> Verdict {
    let asked = world.history().invocations();
    let returned: Vec<u64> = asked.iter().filter_map(|asked| asked.returned().copied()).collect();
    let apart: BTreeSet<&u64> = returned.iter().collect();
    let servers = world.processes().filter_map(|(_, node)| node.server());
    let sum = servers.map(|server| server.machine().0).max().unwrap_or(0);
    if returned.len() == asked.len() && apart.len() == asked.len() && sum == asked.len() as u64 {
        return Ok(());
    }
    Err(format!("{} additions were asked for, {returned:?} were returned, the sum is {sum}", asked.len()).into())
}

#[test]
fn a_session_serves_any_state_machine() {
    let swarm = Swarm::only([FaultClass::Loss, FaultClass::Dup, FaultClass::Partition]);
    check(Counting).faults(swarm).at_end("counting/executed_once", executed_once).seeds(50).run();
}
