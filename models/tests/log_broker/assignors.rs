//! Assignors: examples of their documentation, and properties on drawn groups, against all assignments there are.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use seedbed_models::communication::log_broker::Bug;
use seedbed_models::communication::log_broker::groups::assignors::Sizes;
use seedbed_models::communication::log_broker::groups::{Assignment, Assignor, Member, Subscription};
use seedbed_models::communication::log_broker::names::{Generation, InstanceId, MemberId, Topic, TopicPartition};

fn tp(topic: u16, partition: u16) -> TopicPartition {
    TopicPartition::new(Topic(topic), partition)
}

fn sizes(of: &[u16]) -> Sizes {
    (0..).map(Topic).zip(of.iter().copied()).collect()
}

fn member(id: u64, topics: &[u16]) -> Member {
    Member { id: MemberId(id), instance: None, subscription: Subscription::to(topics.iter().map(|t| Topic(*t))) }
}

fn owning(id: u64, topics: &[u16], generation: u32, owned: &[TopicPartition]) -> Member {
    let mut member = member(id, topics);
    member.subscription.owned = owned.iter().copied().collect();
    member.subscription.generation = Some(Generation(generation));
    member
}

fn share(assignment: &Assignment, id: u64) -> Vec<TopicPartition> {
    assignment[&MemberId(id)].iter().copied().collect()
}

// The example of `RangeAssignor`'s documentation: two consumers, two topics of three partitions.
#[test]
fn range() {
    let assignment = Assignor::Range.assign(&sizes(&[3, 3]), &[member(0, &[0, 1]), member(1, &[0, 1])], None);
    assert_eq!(share(&assignment, 0), [tp(0, 0), tp(0, 1), tp(1, 0), tp(1, 1)]);
    assert_eq!(share(&assignment, 1), [tp(0, 2), tp(1, 2)]);
}

// KIP-345: a static member that comes back under another name gets the same.
#[test]
fn static_members_come_first_by_their_lasting_names() {
    for restarted in [1, 9] {
        let named = |id, instance| Member { instance: Some(InstanceId(instance)), ..member(id, &[0]) };
        let members = [member(0, &[0]), named(restarted, 7), named(5, 8)];
        for assignor in [Assignor::Range, Assignor::RoundRobin] {
            let assignment = assignor.assign(&sizes(&[3]), &members, None);
            assert_eq!(share(&assignment, restarted), [tp(0, 0)]);
            assert_eq!(share(&assignment, 5), [tp(0, 1)]);
            assert_eq!(share(&assignment, 0), [tp(0, 2)]);
        }
    }
}

// The examples of `RoundRobinAssignor`'s documentation: the same subscriptions; then different ones, where it is not balanced.
#[test]
fn round_robin() {
    let assignment = Assignor::RoundRobin.assign(&sizes(&[3, 3]), &[member(0, &[0, 1]), member(1, &[0, 1])], None);
    assert_eq!(share(&assignment, 0), [tp(0, 0), tp(0, 2), tp(1, 1)]);
    assert_eq!(share(&assignment, 1), [tp(0, 1), tp(1, 0), tp(1, 2)]);
    let members = [member(0, &[0]), member(1, &[0, 1]), member(2, &[0, 1, 2])];
    let assignment = Assignor::RoundRobin.assign(&sizes(&[1, 2, 3]), &members, None);
    assert_eq!(share(&assignment, 0), [tp(0, 0)]);
    assert_eq!(share(&assignment, 1), [tp(1, 0)]);
    assert_eq!(share(&assignment, 2), [tp(1, 1), tp(2, 0), tp(2, 1), tp(2, 2)]);
}

// KIP-54, example 2: with the same subscriptions as above the sticky assignor is balanced, and a member that leaves moves only its own.
#[test]
fn sticky_is_balanced_where_round_robin_is_not() {
    let members = [member(0, &[0]), member(1, &[0, 1]), member(2, &[0, 1, 2])];
    let assignment = Assignor::Sticky.assign(&sizes(&[1, 2, 3]), &members, None);
    assert_eq!(share(&assignment, 0), [tp(0, 0)]);
    assert_eq!(share(&assignment, 1), [tp(1, 0), tp(1, 1)]);
    assert_eq!(share(&assignment, 2), [tp(2, 0), tp(2, 1), tp(2, 2)]);
}

// KIP-54, example 1: three consumers, four topics of two partitions; one leaves, and the others keep all they had.
#[test]
fn a_member_that_leaves_moves_only_its_own() {
    let topics = [0, 1, 2, 3];
    let members = [member(0, &topics), member(1, &topics), member(2, &topics)];
    let before = Assignor::Sticky.assign(&sizes(&[2, 2, 2, 2]), &members, None);
    let left = [owning(0, &topics, 1, &share(&before, 0)), owning(2, &topics, 1, &share(&before, 2))];
    let after = Assignor::Sticky.assign(&sizes(&[2, 2, 2, 2]), &left, None);
    for id in [0, 2] {
        assert!(after[&MemberId(id)].is_superset(&before[&MemberId(id)]));
        assert_eq!(after[&MemberId(id)].len(), 4);
    }
}

// Whose claim is of an older generation has missed that it lost the partition.
#[test]
fn the_claim_of_the_latest_generation_counts() {
    let members = [owning(0, &[0], 1, &[tp(0, 0), tp(0, 1)]), owning(1, &[0], 2, &[tp(0, 1)])];
    let assignment = Assignor::Sticky.assign(&sizes(&[2]), &members, None);
    assert_eq!((share(&assignment, 0), share(&assignment, 1)), (vec![tp(0, 0)], vec![tp(0, 1)]));
}

// KIP-429: "the second rebalance".
#[test]
fn cooperative_moves_in_two_rebalances() {
    let all = [tp(0, 0), tp(0, 1), tp(0, 2), tp(0, 3)];
    let first = Assignor::CooperativeSticky.assign(&sizes(&[4]), &[owning(0, &[0], 1, &all), member(1, &[0])], None);
    let kept = share(&first, 0);
    assert_eq!((kept.len(), share(&first, 1)), (2, vec![]), "what is taken from one goes to nobody");
    let members = [owning(0, &[0], 2, &kept), owning(1, &[0], 2, &[])];
    let second = Assignor::CooperativeSticky.assign(&sizes(&[4]), &members, None);
    assert_eq!((share(&second, 0), share(&second, 1).len()), (kept, 2));
}

// Two claims of one generation are both wrong: whoever is to have the partition waits until the other has given it back.
#[test]
fn cooperative_waits_where_two_claim_the_same() {
    let members = [owning(0, &[0], 1, &[tp(0, 0)]), owning(1, &[0], 1, &[tp(0, 0)])];
    let assignment = Assignor::CooperativeSticky.assign(&sizes(&[1]), &members, None);
    assert_eq!((share(&assignment, 0), share(&assignment, 1)), (vec![], vec![]));
}

/// A group: its members with what they want, and what each had.
fn groups(most_members: u64, most_partitions: u16) -> impl Strategy<Value = (Sizes, Vec<Member>)> {
    let topics = prop::collection::vec(0..=most_partitions, 1..=3);
    (topics, 1..=most_members, any::<bool>()).prop_flat_map(|(topics, members, alike)| {
        let count = topics.len();
        let size = sizes(&topics);
        let all: Vec<TopicPartition> =
            size.iter().flat_map(|(topic, size)| (0..*size).map(|p| TopicPartition::new(*topic, p))).collect();
        let wants = prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.7), count), members as usize);
        let owners = prop::collection::vec(0..=members, all.len());
        let generations = prop::collection::vec(1_u32..3, members as usize);
        (Just(size), wants, owners, generations).prop_map(move |(size, wants, owners, generations)| {
            let members = (0..members).map(|id| {
                let topics: Vec<u16> =
                    (0..count as u16).filter(|t| alike || wants[id as usize][usize::from(*t)]).collect();
                let owned: Vec<TopicPartition> =
                    all.iter().zip(&owners).filter(|(_, owner)| **owner == id).map(|(p, _)| *p).collect();
                owning(id, &topics, generations[id as usize], &owned)
            });
            (size, members.collect())
        })
    })
}

fn wanted(sizes: &Sizes, members: &[Member]) -> Vec<TopicPartition> {
    let all = sizes.iter().flat_map(|(topic, size)| (0..*size).map(|p| TopicPartition::new(*topic, p)));
    all.filter(|p| members.iter().any(|m| m.subscription.wants(*p))).collect()
}

/// How unequal an assignment is, and how much of it has moved: less is better.
fn rating(members: &[Member], assignment: &Assignment) -> (usize, usize) {
    let squares = assignment.values().map(|share| share.len() * share.len()).sum();
    let owner = |p| members.iter().find(|m| m.subscription.owned.contains(p));
    let moved = |id: &MemberId, p| owner(p).is_some_and(|owner| owner.id != *id);
    let moves = assignment.iter().map(|(id, share)| share.iter().filter(|p| moved(id, p)).count()).sum();
    (squares, moves)
}

/// The best rating of all assignments that give away everything that somebody wants.
fn best(sizes: &Sizes, members: &[Member]) -> (usize, usize) {
    let mut all: Vec<Assignment> = vec![members.iter().map(|m| (m.id, BTreeSet::new())).collect()];
    for partition in wanted(sizes, members) {
        let with = |assignment: &Assignment, id: MemberId| {
            let mut assignment = assignment.clone();
            assignment.entry(id).or_default().insert(partition);
            assignment
        };
        let takers: Vec<MemberId> = members.iter().filter(|m| m.subscription.wants(partition)).map(|m| m.id).collect();
        all = all.iter().flat_map(|a| takers.iter().map(|id| with(a, *id)).collect::<Vec<_>>()).collect();
    }
    all.iter().map(|assignment| rating(members, assignment)).min().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Every assignor gives away all that somebody wants (cooperative: or waits), and forgets no member.
    #[test]
    fn all_is_assigned((sizes, members) in groups(6, 6)) {
        for assignor in [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky] {
            let assignment = assignor.assign(&sizes, &members, None);
            let given: BTreeSet<TopicPartition> = assignment.values().flatten().copied().collect();
            prop_assert_eq!(given, wanted(&sizes, &members).into_iter().collect());
            prop_assert_eq!(assignment.len(), members.len());
        }
    }

    /// With one subscription for all, the shares of round robin and of sticky differ by at most one, of range by one a topic.
    #[test]
    fn equal_subscriptions_are_balanced((sizes, mut members) in groups(6, 6)) {
        for member in &mut members {
            member.subscription.topics = sizes.keys().copied().collect();
        }
        for (assignor, most) in [(Assignor::RoundRobin, 1), (Assignor::Sticky, 1), (Assignor::Range, sizes.len())] {
            let assignment = assignor.assign(&sizes, &members, None);
            let lengths = || assignment.values().map(BTreeSet::len);
            prop_assert!(lengths().max().unwrap() - lengths().min().unwrap() <= most);
        }
    }

    /// KIP-54: no assignment is more balanced, and of those as balanced none moves less.
    #[test]
    fn sticky_is_the_best_there_is((sizes, members) in groups(3, 2)) {
        let assignment = Assignor::Sticky.assign(&sizes, &members, None);
        prop_assert_eq!(rating(&members, &assignment), best(&sizes, &members));
    }

    /// KIP-54's own words for balance: who has two less than another can take nothing from it.
    #[test]
    fn sticky_is_balanced((sizes, members) in groups(8, 8)) {
        let assignment = Assignor::Sticky.assign(&sizes, &members, None);
        for poor in &members {
            for rich in assignment.values() {
                let far = assignment[&poor.id].len() + 2 <= rich.len();
                prop_assert!(!far || !rich.iter().any(|p| poor.subscription.wants(*p)));
            }
        }
    }

    /// An assignment that is balanced stays as it is.
    #[test]
    fn sticky_stays((sizes, members) in groups(6, 6)) {
        let assignment = Assignor::Sticky.assign(&sizes, &members, None);
        let again: Vec<Member> = members.iter().map(|m| {
            let topics: Vec<u16> = m.subscription.topics.iter().map(|t| t.0).collect();
            owning(m.id.0, &topics, 5, &share(&assignment, m.id.0))
        }).collect();
        prop_assert_eq!(Assignor::Sticky.assign(&sizes, &again, None), assignment.clone());
        prop_assert_eq!(Assignor::CooperativeSticky.assign(&sizes, &again, None), assignment);
    }

    /// KIP-429: nobody gets what another still has; two rebalances later all is where the sticky assignor wants it.
    #[test]
    fn cooperative_takes_two_rebalances((sizes, members) in groups(6, 6)) {
        let first = Assignor::CooperativeSticky.assign(&sizes, &members, None);
        let owner: BTreeMap<TopicPartition, MemberId> =
            members.iter().flat_map(|m| m.subscription.owned.iter().map(|p| (*p, m.id))).collect();
        for (id, share) in &first {
            prop_assert!(share.iter().all(|p| owner.get(p).is_none_or(|owner| owner == id)));
        }
        let revoked: Vec<Member> = members.iter().map(|m| {
            let topics: Vec<u16> = m.subscription.topics.iter().map(|t| t.0).collect();
            owning(m.id.0, &topics, 5, &share(&first, m.id.0))
        }).collect();
        let second = Assignor::CooperativeSticky.assign(&sizes, &revoked, None);
        let given: BTreeSet<TopicPartition> = second.values().flatten().copied().collect();
        prop_assert_eq!(given, wanted(&sizes, &members).into_iter().collect());
        for (id, share) in &first {
            prop_assert!(share.is_subset(&second[id]), "what a member keeps it keeps");
        }
    }
}

/// The planted bug gives a partition away before it was given back.
#[test]
fn the_bug_owns_twice() {
    let members = [owning(0, &[0], 1, &[tp(0, 0), tp(0, 1)]), member(1, &[0])];
    let assignment = Assignor::CooperativeSticky.assign(&sizes(&[2]), &members, Some(Bug::CooperativeOwnsTwice));
    assert_eq!(share(&assignment, 1).len(), 1);
}
