//! How the leader of a group divides partitions (`partition.assignment.strategy`). Pure functions of the members' subscriptions and
//! of the topics' sizes; nothing in them depends on the order in which members are listed.

mod balance;
mod cooperative;
mod range;
mod round_robin;
mod sticky;

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::Named;
use serde::{Deserialize, Serialize};

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::groups::subscription::Subscription;
use crate::communication::log_broker::names::{InstanceId, MemberId, Topic, TopicPartition};

/// Who gets what: an entry for each member.
pub type Assignment = BTreeMap<MemberId, BTreeSet<TopicPartition>>;

/// How many partitions each topic has.
pub type Sizes = BTreeMap<Topic, u16>;

/// A member, as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Its name.
    pub id: MemberId,
    /// Its name through all of its lives, if it is static.
    pub instance: Option<InstanceId>,
    /// What it wants and has.
    pub subscription: Subscription,
}

/// An assignor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Assignor {
    /// Of each topic, a contiguous range for each member (`RangeAssignor`).
    Range,
    /// All partitions, one after the other (`RoundRobinAssignor`).
    RoundRobin,
    /// As balanced as can be, and then as little moved as can be (`StickyAssignor`, KIP-54).
    Sticky,
    /// The same, but nobody gets what another has not given back yet (`CooperativeStickyAssignor`, KIP-429).
    CooperativeSticky,
}

impl Assignor {
    /// Whether members keep what they have while they rebalance (KIP-429, `RebalanceProtocol.COOPERATIVE`).
    pub fn is_cooperative(self) -> bool {
        self == Assignor::CooperativeSticky
    }

    /// Divides the partitions of these topics. Each goes to a member that wants it, if there is one; with the cooperative
    /// assignor, to nobody while another has to give it back.
    ///
    /// # Panics
    /// If a partition would go to two members, or to one that does not want it.
    pub fn assign(self, sizes: &Sizes, members: &[Member], bug: Option<Bug>) -> Assignment {
        let assignment = match self {
            Assignor::Range => range::assign(sizes, members),
            Assignor::RoundRobin => round_robin::assign(sizes, members),
            Assignor::Sticky => sticky::assign(sizes, members),
            Assignor::CooperativeSticky => cooperative::assign(sizes, members, bug),
        };
        let mut given = BTreeSet::new();
        for member in members {
            for partition in assignment.get(&member.id).expect("every member has an entry in an assignment") {
                assert!(member.subscription.wants(*partition), "an assignor gives members what they want");
                assert!(given.insert(*partition), "an assignor gives a partition to one member");
            }
        }
        assignment
    }
}

/// The members in the order in which assignors take them: static ones first, by their lasting names, so that a static member that
/// comes back under another `member.id` gets the same (KIP-345, `MemberInfo.compareTo`).
fn in_order(members: &[Member]) -> Vec<&Member> {
    let mut sorted: Vec<&Member> = members.iter().collect();
    sorted.sort_by_key(|member| (member.instance.is_none(), member.instance, member.id));
    sorted
}

/// The partitions of these topics, ascending.
fn partitions(sizes: &Sizes) -> impl Iterator<Item = TopicPartition> {
    sizes.iter().flat_map(|(topic, size)| (0..*size).map(|partition| TopicPartition::new(*topic, partition)))
}

/// Nothing for anybody.
fn nothing(members: &[Member]) -> Assignment {
    members.iter().map(|member| (member.id, BTreeSet::new())).collect()
}
