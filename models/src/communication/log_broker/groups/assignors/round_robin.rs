//! The round-robin assignor: all partitions of all topics in order, each to the next member that wants it (`RoundRobinAssignor`). If
//! all want the same, their shares differ by one at most.

use crate::communication::log_broker::groups::assignors::{Assignment, Member, Sizes, in_order, nothing, partitions};

pub(super) fn assign(sizes: &Sizes, members: &[Member]) -> Assignment {
    let mut assignment = nothing(members);
    let sorted = in_order(members);
    let mut turn = 0;
    for partition in partitions(sizes) {
        let from_turn = (0..sorted.len()).map(|step| (turn + step) % sorted.len());
        let Some(place) = from_turn.into_iter().find(|place| sorted[*place].subscription.wants(partition)) else {
            continue;
        };
        assignment.entry(sorted[place].id).or_default().insert(partition);
        turn = place + 1;
    }
    assignment
}
