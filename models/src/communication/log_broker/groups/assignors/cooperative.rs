//! The cooperative sticky assignor (KIP-429): where the sticky assignor would move a partition, it is taken from its owner in one
//! rebalance, and given to the next owner in another, which the old one asks for when it has given it back.

use std::collections::{BTreeMap, BTreeSet};

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::groups::assignors::{Assignment, Member, Sizes, sticky};
use crate::communication::log_broker::names::{MemberId, TopicPartition};

pub(super) fn assign(sizes: &Sizes, members: &[Member], bug: Option<Bug>) -> Assignment {
    let mut assignment = sticky::assign(sizes, members);
    if bug == Some(Bug::CooperativeOwnsTwice) {
        return assignment;
    }
    let mut holders: BTreeMap<TopicPartition, BTreeSet<MemberId>> = BTreeMap::new();
    for member in members {
        for partition in &member.subscription.owned {
            holders.entry(*partition).or_default().insert(member.id);
        }
    }
    let owners = sticky::owners(members);
    for (member, share) in &mut assignment {
        // Whoever's claim counts goes on with it: others that have it too were fenced, and will give it back.
        share.retain(|partition| {
            let held_by_others = holders.get(partition).is_some_and(|holders| holders.iter().any(|h| h != member));
            !held_by_others || owners.get(partition) == Some(member)
        });
    }
    assignment
}
