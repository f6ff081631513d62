//! L: with a connected majority and no faults, there is a leader within a bound, and every pending command completes.

use seedbed_models::consensus::raft::{Node, Raft};
use seedbed_sim::{Broken, NodeId, Property, Span, Time, Verdict, World};

use super::group::{Group, servers};

/// Within this long after the faults have ended, somebody leads a quorum: ten of the usual longest election timeouts.
/// An election that is split is held again after one timeout, and one in a few is (paper §9.3).
pub const ELECTED_WITHIN: Span = Span::ms(2_500);

/// Within this long after the faults have ended, or after it was asked for if that is later, a command is answered: an
/// election, and a few of a client's retries to find who won.
pub const COMPLETE_WITHIN: Span = Span::ms(2_800);

/// Within [`ELECTED_WITHIN`] after healing, some server leads and a quorum follows it; and at the end one does still.
#[derive(Clone, Debug, Default)]
pub struct LeaderElected {
    elected: Option<Time>,
}

impl<M: Group> Property<M> for LeaderElected {
    fn name(&self) -> String {
        "raft/leader_elected".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        if world.healed() && self.elected.is_none() && leader(world).is_some() {
            self.elected = Some(world.now());
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        let up: Vec<NodeId> = servers(world).map(|(node, _)| node).collect();
        let enough = servers(world).any(|(_, server)| server.membership().quorum(|node| up.contains(&node)));
        let phases = &world.scenario().phases;
        if !enough || phases.settle < ELECTED_WITHIN {
            return Ok(());
        }
        let deadline = phases.heal_at() + ELECTED_WITHIN;
        if self.elected.is_none_or(|at| at > deadline) {
            let terms: Vec<String> =
                servers(world).map(|(node, server)| format!("{node} is in term {}", server.term())).collect();
            let when = self.elected.map_or("never".to_string(), |at| format!("at {at}"));
            let message = format!("a leader was due by {deadline} and was there {when}: {}", terms.join(", "));
            return Err(Broken::new(up, message));
        }
        Ok(())
    }
}

/// Who leads with a quorum that knows so.
fn leader<M: Group>(world: &World<M>) -> Option<NodeId> {
    let led = servers(world).filter(|(_, server)| server.leads());
    let (leader, server) = led.max_by_key(|(_, server)| server.term())?;
    let follows = |node: NodeId| {
        let other = world.process(node).and_then(M::server);
        other.is_some_and(|other| other.term() == server.term() && other.leader() == Some(leader))
    };
    server.membership().quorum(follows).then_some(leader)
}

/// Every operation whose client lives is answered within [`COMPLETE_WITHIN`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandsComplete;

impl Property<Raft> for CommandsComplete {
    fn name(&self) -> String {
        "raft/commands_complete".into()
    }

    fn at_end(&mut self, world: &World<Raft>) -> Verdict {
        let up: Vec<NodeId> = servers(world).map(|(node, _)| node).collect();
        if !servers(world).any(|(_, server)| server.membership().quorum(|node| up.contains(&node))) {
            return Ok(());
        }
        for invocation in world.history().invocations() {
            let asked = invocation.invoked.max(world.scenario().phases.heal_at());
            // A client that crashed has forgotten its command; one that waits has not.
            let waits = matches!(world.process(invocation.client), Some(Node::Client(client)) if client.open() == Some(invocation.id));
            if waits && world.scenario().phases.end_at().since(asked) >= COMPLETE_WITHIN {
                let (id, op, client, invoked) =
                    (invocation.id.0, &invocation.op, invocation.client, invocation.invoked);
                let message = format!("operation {id} of {client}, {op:?}, asked for at {invoked}, was never answered");
                return Err(Broken::new([client], message));
            }
        }
        Ok(())
    }
}
