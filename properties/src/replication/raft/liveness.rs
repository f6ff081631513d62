//! L: with a connected majority and no faults, there is a leader within a bound, every pending command completes, and
//! everyone who is connected catches up.

use seedbed_models::replication::raft::client::Ask;
use seedbed_models::replication::raft::kv::Output;
use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::{Index, Raft, Server};
use seedbed_sim::{Broken, Invocation, NodeId, Property, Span, Time, Verdict, World};

use super::group::{Group, servers};

/// The time within which a server leads a quorum after the faults have ended: ten of the longest default election
/// timeouts. A split election, one in a few, is repeated after one timeout (paper §9.3).
pub const ELECTED_WITHIN: Span = Span::ms(2_500);

/// The time within which a command is answered after the faults have ended, or after its invocation if that is later:
/// an election, and a few retries of the client to find the new leader.
pub const COMPLETE_WITHIN: Span = Span::ms(2_800);

/// Within [`ELECTED_WITHIN`] after healing, some server leads and a quorum follows it; and so at the end.
#[derive(Clone, Debug, Default)]
pub struct LeaderElected {
    elected: Option<Time>,
}

impl<M: Group> Property<M> for LeaderElected {
    fn name(&self) -> String {
        "raft/leader_elected".into()
    }

    fn is_liveness(&self) -> bool {
        true
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
        let enough = group(world).is_some_and(|membership| membership.quorum(|node| up.contains(&node)));
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

/// The time within which every server of the group has the committed entries after the faults have ended: a snapshot or
/// two, and the entries behind it.
pub const CAUGHT_UP_WITHIN: Span = Span::ms(2_900);

/// At the end every server of the group that is up has the entries that its leader has committed, except the latest
/// ones.
#[derive(Clone, Debug, Default)]
pub struct FollowersCatchUp {
    /// The leader's commit index some time before the end.
    due: Option<Index>,
}

impl FollowersCatchUp {
    /// The time in which an entry reaches every server of a healed world.
    const SPREAD: Span = Span::ms(500);
}

impl<M: Group> Property<M> for FollowersCatchUp {
    fn name(&self) -> String {
        "raft/followers_catch_up".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        let phases = &world.scenario().phases;
        if self.due.is_some() || !world.healed() || world.now() + Self::SPREAD < phases.end_at() {
            return Ok(());
        }
        let leader = leader(world).and_then(|node| M::server(world.process(node)?));
        self.due = leader.map(Server::commit_index);
        Ok(())
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        let (Some(due), Some(group)) = (self.due, group(world)) else { return Ok(()) };
        // If commands or servers are still being added, the commit index keeps moving.
        let quiet =
            leader(world).and_then(|node| M::server(world.process(node)?)).map(Server::commit_index) == Some(due);
        if world.scenario().phases.settle < CAUGHT_UP_WITHIN || !quiet {
            return Ok(());
        }
        let behind =
            servers(world).find(|(node, server)| group.everyone().contains(node) && server.commit_index() < due);
        match behind {
            None => Ok(()),
            Some((node, server)) => {
                let message = format!("{node} has committed up to {}, the others up to {due}", server.commit_index());
                Err(Broken::new([node], message))
            }
        }
    }
}

/// The membership, as known to the server with the highest commit index.
fn group<M: Group>(world: &World<M>) -> Option<&Membership> {
    let latest = servers(world).max_by_key(|(_, server)| (server.commit_index(), server.log().last()))?;
    Some(latest.1.membership())
}

/// The leader that a quorum follows.
fn leader<M: Group>(world: &World<M>) -> Option<NodeId> {
    let led = servers(world).filter(|(_, server)| server.is_leader());
    let (leader, server) = led.max_by_key(|(_, server)| server.term())?;
    let follows = |node: NodeId| {
        let other = world.process(node).and_then(M::server);
        other.is_some_and(|other| other.term() == server.term() && other.leader() == Some(leader))
    };
    server.membership().quorum(follows).then_some(leader)
}

type Asked = Invocation<Ask, Output>;

/// Every operation whose client has not crashed is answered within [`COMPLETE_WITHIN`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandsComplete;

impl Property<Raft> for CommandsComplete {
    fn name(&self) -> String {
        "raft/commands_complete".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<Raft>) -> Verdict {
        let up: Vec<NodeId> = servers(world).map(|(node, _)| node).collect();
        if group(world).is_none_or(|membership| !membership.quorum(|node| up.contains(&node))) {
            return Ok(());
        }
        let heals = world.scenario().phases.heal_at();
        let late = |invocation: &&Asked| {
            matches!(invocation.op, Ask::Reconfigure(_)) && invocation.ended().is_none_or(|at| at > heals)
        };
        let alone = world.history().invocations().iter().filter(late).count() < 2;
        for invocation in world.overdue(COMPLETE_WITHIN) {
            // Nobody can be let in who is not there; and of several who want another group, one waits for the other.
            let possible = match &invocation.op {
                Ask::Reconfigure(goal) => goal.everyone().iter().all(|node| up.contains(node)) && alone,
                Ask::Command(_) | Ask::Transfer { .. } => true,
            };
            if possible {
                let (id, op, client, invoked) =
                    (invocation.id.0, &invocation.op, invocation.client, invocation.invoked);
                let message = format!("operation {id} of {client}, {op:?}, asked for at {invoked}, was never answered");
                return Err(Broken::new([client], message));
            }
        }
        Ok(())
    }
}
