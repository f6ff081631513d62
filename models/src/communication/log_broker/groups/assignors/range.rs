//! The range assignor: of each topic, the members that want it get contiguous ranges, as equal as can be, the first ones the longer
//! (`RangeAssignor`). Members get the partitions of the same numbers of topics of the same size, which joins need; and the first ones
//! more than their share, if there are many topics.

use crate::communication::log_broker::groups::assignors::{Assignment, Member, Sizes, in_order, nothing};
use crate::communication::log_broker::names::TopicPartition;

pub(super) fn assign(sizes: &Sizes, members: &[Member]) -> Assignment {
    let mut assignment = nothing(members);
    let sorted = in_order(members);
    for (topic, size) in sizes {
        let wanting: Vec<&&Member> = sorted.iter().filter(|m| m.subscription.topics.contains(topic)).collect();
        let mut next = 0;
        for (place, member) in wanting.iter().enumerate() {
            let (share, longer) = (usize::from(*size) / wanting.len(), usize::from(*size) % wanting.len());
            let length = share + usize::from(place < longer);
            let range = (next..next + length).map(|partition| TopicPartition::new(*topic, partition as u16));
            assignment.entry(member.id).or_default().extend(range);
            next += length;
        }
    }
    assignment
}
