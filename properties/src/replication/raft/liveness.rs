//! L: with a connected majority and no faults, there is a leader within a bound, every pending command completes, and
//! everyone who is connected catches up.

use std::collections::VecDeque;

use seedbed_models::replication::raft::client::Ask;
use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::{Index, Raft};
use seedbed_sim::{Broken, Invocation, NodeId, Property, Span, Time, Verdict, World};

use super::group::{Group, changed_leaders, servers};

/// How long a world goes on without a leader before it is stuck. An election whose votes are split is repeated after one
/// timeout (paper §9.3); with the narrowest timeouts that are drawn, half of them are split. So a hundred in a row are no
/// bad luck: one run in 10³⁰.
pub const ELECTED_WITHIN: Span = Span::secs(30);

/// How long a command may take once there is a leader: a few retries of its client to find it. The time that elections take
/// is allowed for as in [`ELECTED_WITHIN`].
pub const COMPLETE_WITHIN: Span = Span::ms(2_800);

/// Once the faults have ended some server comes to lead and a quorum follows it; and so at the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeaderElected;

impl<M: Group> Property<M> for LeaderElected {
    fn name(&self) -> String {
        "raft/leader_elected".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn patience(&self) -> Span {
        ELECTED_WITHIN
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        let up: Vec<NodeId> = servers(world).map(|(node, _)| node).collect();
        let enough = group(world).is_some_and(|membership| membership.quorum(|node| up.contains(&node)));
        if !enough || leader(world).is_some() {
            return Ok(());
        }
        let terms: Vec<String> =
            servers(world).map(|(node, server)| format!("{node} is in term {}", server.term())).collect();
        let since = world.now().since(world.scenario().phases.heal_at());
        Err(Broken::new(up, format!("nobody leads {since} after the faults have ended: {}", terms.join(", "))))
    }
}

/// Once the faults have ended every server of the group that is up comes to have the entries that its leader has committed:
/// a snapshot or two, and the entries behind it. While more is committed all the time, it has what was committed a while ago.
#[derive(Clone, Debug, Default)]
pub struct FollowersCatchUp {
    /// The greatest commit index of a leader, each time that it rose: the last that is due, and those that are not yet.
    committed: VecDeque<(Time, Index)>,
}

impl FollowersCatchUp {
    /// The time in which an entry reaches every server of a healed world.
    const SPREAD: Span = Span::ms(500);

    /// Forgets what came before the last that is due.
    fn pass(&mut self, now: Time) {
        while self.committed.get(1).is_some_and(|(at, _)| now.since(*at) >= Self::SPREAD) {
            self.committed.pop_front();
        }
    }
}

impl<M: Group> Property<M> for FollowersCatchUp {
    fn name(&self) -> String {
        "raft/followers_catch_up".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn patience(&self) -> Span {
        ELECTED_WITHIN
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        for (_, server) in changed_leaders(world) {
            let latest = self.committed.back().map_or(Index::ZERO, |(_, latest)| *latest);
            if server.commit_index() > latest {
                self.committed.push_back((world.now(), server.commit_index()));
                self.pass(world.now());
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        // Without a leader nobody can be asked to have more: that is for [`LeaderElected`] to say.
        let (Some(_), Some(group)) = (leader(world), group(world)) else { return Ok(()) };
        self.pass(world.now());
        let Some((since, due)) = self.committed.front().copied() else { return Ok(()) };
        if world.now().since(since) < Self::SPREAD {
            return Ok(());
        }
        let behind =
            servers(world).find(|(node, server)| group.everyone().contains(node) && server.commit_index() < due);
        let Some((node, server)) = behind else { return Ok(()) };
        let message =
            format!("{node} has committed up to {}, the others up to {due} since {since}", server.commit_index());
        Err(Broken::new([node], message))
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

/// Every operation whose client has not crashed is answered once the faults have ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandsComplete;

impl Property<Raft> for CommandsComplete {
    fn name(&self) -> String {
        "raft/commands_complete".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn patience(&self) -> Span {
        ELECTED_WITHIN
    }

    fn at_end(&mut self, world: &World<Raft>) -> Verdict {
        let up: Vec<NodeId> = servers(world).map(|(node, _)| node).collect();
        if group(world).is_none_or(|membership| !membership.quorum(|node| up.contains(&node))) {
            return Ok(());
        }
        for invocation in world.overdue(COMPLETE_WITHIN) {
            // Nobody can be let in who is not there.
            let possible = match &invocation.op {
                Ask::Reconfigure(goal) => goal.everyone().iter().all(|node| up.contains(node)),
                Ask::Command(_) | Ask::Transfer { .. } => true,
            };
            if possible {
                let Invocation { id, op, client, invoked, .. } = invocation;
                let message =
                    format!("operation {} of {client}, {op:?}, asked for at {invoked}, was never answered", id.0);
                return Err(Broken::new([*client], message));
            }
        }
        Ok(())
    }
}
