//! S7, membership: "it must be impossible for the cluster to make decisions unilaterally in two disjoint majorities"
//! (thesis §4.1).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::{Index, Payload, Server, Term};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Time, Verdict, World};

use super::group::{Group, changed};

/// Every quorum of a leader's configuration intersects every quorum of the last committed one. Checked when a leader is
/// elected and when its configuration changes, because only then does it begin to use one.
///
/// A deposed leader may use an old configuration without knowing it, but commits nothing, because its term is over;
/// leader completeness checks that.
#[derive(Clone, Debug, Default)]
pub struct QuorumsMeet {
    /// The last committed configuration, with details for messages.
    committed: Option<Committed>,
    /// The latest term with a leader: leaders of earlier ones decide nothing any more.
    latest: Term,
    seen: PerLife<Seen>,
    /// Cached results for pairs of configurations, because few pairs are compared many times.
    known: BTreeMap<[Vec<NodeId>; 4], bool>,
}

#[derive(Clone, Debug)]
struct Committed {
    index: Index,
    membership: Membership,
    by: NodeId,
    at: Time,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The term that it leads; zero if it does not lead.
    led: Term,
    config: Index,
    commit: Index,
}

impl<M: Group> Property<M> for QuorumsMeet {
    fn name(&self) -> String {
        "raft/membership".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed(world).try_for_each(|(node, server)| self.judge(world, node, server))
    }
}

impl QuorumsMeet {
    #[inline]
    fn judge<M: Group>(&mut self, world: &World<M>, node: NodeId, server: &Server<M::Machine>) -> Verdict {
        let led = if server.is_leader() { server.term() } else { Term(0) };
        let now = Seen { led, config: server.configuration_index(), commit: server.commit_index() };
        let before = std::mem::replace(self.seen.of(world, node), now);
        // In one event a leader may commit one configuration and begin the next, or step down with the last.
        if before.commit != now.commit {
            self.record(world.now(), node, server, before.commit);
        }
        self.latest = self.latest.max(led);
        if led == self.latest && server.is_leader() && (before.led != now.led || before.config != now.config) {
            self.meets(node, server)
        } else {
            Ok(())
        }
    }

    /// Records the last configuration that a server knows to be committed.
    fn record<S: StateMachine>(&mut self, at: Time, by: NodeId, server: &Server<S>, known: Index) {
        let log = server.log();
        let mut index = server.commit_index();
        while index > known.max(log.base()) {
            if let Some(Payload::Config(membership)) = log.entry(index).map(|entry| &entry.payload) {
                if self.committed.as_ref().is_none_or(|last| last.index < index) {
                    self.committed = Some(Committed { index, membership: membership.clone(), by, at });
                }
                return;
            }
            index = index.before();
        }
    }

    fn meets<S: StateMachine>(&mut self, leader: NodeId, server: &Server<S>) -> Verdict {
        let Some(Committed { index, membership, by, at }) = &self.committed else {
            return Ok(());
        };
        let own = server.membership();
        // Without new voters the quorums always intersect.
        if own.voters == membership.voters && own.outgoing == membership.outgoing {
            return Ok(());
        }
        let key = [&own.voters, &own.outgoing, &membership.voters, &membership.outgoing].map(Clone::clone);
        if *self.known.entry(key).or_insert_with(|| quorums_meet(own, membership)) {
            return Ok(());
        }
        let message = format!(
            "{leader}, leader of term {}, acts on {}, of which a quorum need not meet one of {}, which {by} knew at {at} to be committed at index {index}",
            server.term(),
            describe(own),
            describe(membership)
        );
        Err(Broken::new([leader, *by], message))
    }
}

/// Whether every quorum of one configuration intersects every quorum of the other.
///
/// Two of them are disjoint if and only if the servers can be dealt to two sides so that one side is a quorum of one
/// configuration, and the other side of the other. A side is a quorum if it has a majority of each half, of old voters and of
/// new ones, so only numbers matter: servers that vote in the same halves are dealt together, and what is remembered of a deal
/// is how many votes each half still lacks. These are polynomially many, where sets of servers are exponentially many.
pub fn quorums_meet(one: &Membership, other: &Membership) -> bool {
    let halves = [&one.voters, &one.outgoing, &other.voters, &other.outgoing];
    let mut everyone = halves.map(|half| &half[..]).concat();
    everyone.sort_unstable();
    everyone.dedup();
    let mut alike: BTreeMap<[bool; 4], usize> = BTreeMap::new();
    for server in everyone {
        *alike.entry(halves.map(|half| half.contains(&server))).or_default() += 1;
    }
    let majorities = halves.map(|half| if half.is_empty() { 0 } else { half.len() / 2 + 1 });
    let mut lacking = BTreeSet::from([majorities]);
    for (votes_in, count) in alike {
        let dealt = |lacks: &[usize; 4]| {
            let lacks = *lacks;
            (0..=count).map(move |first| {
                let sides = [first, first, count - first, count - first];
                std::array::from_fn(|half| lacks[half].saturating_sub(if votes_in[half] { sides[half] } else { 0 }))
            })
        };
        lacking = lacking.iter().flat_map(dealt).collect();
    }
    !lacking.contains(&[0; 4])
}

fn describe(membership: &Membership) -> String {
    let list = |nodes: &[NodeId]| nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if membership.is_joint() {
        format!("{{{}}} and {{{}}} jointly", list(&membership.outgoing), list(&membership.voters))
    } else {
        format!("{{{}}}", list(&membership.voters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(voters: &[u16]) -> Membership {
        Membership::of(voters.iter().copied().map(NodeId))
    }

    #[test]
    fn one_server_more_or_fewer_meets_and_two_do_not() {
        assert!(quorums_meet(&of(&[1, 2, 3]), &of(&[1, 2, 3, 4])));
        assert!(quorums_meet(&of(&[1, 2, 3]), &of(&[1, 2])));
        assert!(!quorums_meet(&of(&[1, 2, 3]), &of(&[1, 2, 3, 4, 5])));
        // Both differ by one from {1 2 3 4}, in opposite directions: the bug of the single-server change.
        assert!(!quorums_meet(&of(&[1, 2, 3, 4, 5]), &of(&[2, 3, 4])));
    }

    #[test]
    fn a_joint_configuration_meets_both_of_its_halves() {
        let joint = Membership { outgoing: of(&[1, 2, 3]).voters, ..of(&[4, 5, 6]) };
        assert!(quorums_meet(&joint, &of(&[1, 2, 3])));
        assert!(quorums_meet(&joint, &of(&[4, 5, 6])));
        assert!(!quorums_meet(&of(&[1, 2, 3]), &of(&[4, 5, 6])));
    }

    #[test]
    fn groups_of_hundreds_are_compared() {
        let all: Vec<u16> = (0..301).collect();
        assert!(quorums_meet(&of(&all), &of(&all[..300])));
        assert!(!quorums_meet(&of(&all), &of(&all[..299])));
        let joint = Membership { outgoing: of(&all).voters, ..of(&all[..100]) };
        assert!(quorums_meet(&joint, &of(&all)) && quorums_meet(&joint, &of(&all[..100])));
        assert!(!quorums_meet(&joint, &of(&all[101..])));
    }

    /// By looking at every set of servers: if it is a quorum of one, its complement must be none of the other.
    fn meet_by_sets(one: &Membership, other: &Membership) -> bool {
        let everyone = [one.everyone(), other.everyone()].concat();
        (0u32..1 << SERVERS).all(|set| {
            let is_in = |node: NodeId| set >> node.0 & 1 == 1;
            assert!(everyone.iter().all(|node| node.0 < SERVERS));
            !(one.quorum(is_in) && other.quorum(|node| !is_in(node)))
        })
    }

    const SERVERS: u16 = 8;

    fn memberships() -> impl Strategy<Value = Membership> {
        let some = || proptest::sample::subsequence((0..SERVERS).collect::<Vec<_>>(), 0..=usize::from(SERVERS));
        (some(), proptest::option::of(some()), some()).prop_map(|(voters, outgoing, learners)| {
            let outgoing = of(&outgoing.unwrap_or_default()).voters;
            Membership { outgoing, ..of(&voters) }.with_learners(learners.into_iter().map(NodeId))
        })
    }

    proptest! {
        #[test]
        fn it_agrees_with_looking_at_all_sets(one in memberships(), other in memberships()) {
            prop_assert_eq!(quorums_meet(&one, &other), meet_by_sets(&one, &other), "{:?} {:?}", one, other);
        }
    }
}
