//! The sticky assignor (KIP-54): an assignment is as balanced as possible first, and then keeps as much of the last one as possible.
//!
//! **Different from Kafka**: `AbstractStickyAssignor` is a heuristic, and with different subscriptions it may move more than it has to;
//! this one is exact ([`balance`](super::balance)).

use std::collections::BTreeMap;

use crate::communication::log_broker::groups::assignors::balance::Balance;
use crate::communication::log_broker::groups::assignors::{Assignment, Member, Sizes, in_order, partitions};
use crate::communication::log_broker::names::{Generation, MemberId, TopicPartition};

pub(super) fn assign(sizes: &Sizes, members: &[Member]) -> Assignment {
    let owners = owners(members);
    let sorted = in_order(members);
    let mut balance = Balance::among(&sorted);
    for partition in partitions(sizes) {
        let owner = owners.get(&partition).and_then(|owner| sorted.iter().position(|member| member.id == *owner));
        balance.add(partition, owner);
    }
    balance.settle();
    balance.into_assignment()
}

/// Whose claim on each partition counts: that of the latest generation. Two of the same generation are both wrong, and count for
/// nothing (KIP-341 as it is in `AbstractStickyAssignor`: "double claimed").
pub(super) fn owners(members: &[Member]) -> BTreeMap<TopicPartition, MemberId> {
    let mut latest: BTreeMap<TopicPartition, (Option<Generation>, Option<MemberId>)> = BTreeMap::new();
    for member in members {
        let generation = member.subscription.generation;
        for partition in member.subscription.claims() {
            let claim = latest.entry(partition).or_insert((generation, Some(member.id)));
            if generation > claim.0 {
                *claim = (generation, Some(member.id));
            } else if generation == claim.0 && claim.1 != Some(member.id) {
                claim.1 = None;
            }
        }
    }
    latest.into_iter().filter_map(|(partition, (_, owner))| Some((partition, owner?))).collect()
}
