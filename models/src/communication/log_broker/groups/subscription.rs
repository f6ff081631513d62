//! What a member tells the leader of its group (`ConsumerProtocolSubscription`).

use std::collections::BTreeSet;

use crate::communication::log_broker::names::{Generation, Topic, TopicPartition};

/// What a member wants, and has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// The topics that it wants partitions of.
    pub topics: BTreeSet<Topic>,
    /// The partitions that it has: with the eager protocol none, for it gave them back before it joined (KIP-429). The sticky
    /// assignor learns of those from its `user data`, which is here [`Subscription::previously`].
    pub owned: BTreeSet<TopicPartition>,
    /// What it had in its last generation, though it has given it back: where the sticky assignor sticks (KIP-54).
    pub previously: BTreeSet<TopicPartition>,
    /// The generation in which it got what it has or had: who missed a round has a claim that may be outdated.
    pub generation: Option<Generation>,
}

impl Subscription {
    /// A member that has nothing yet.
    pub fn to(topics: impl IntoIterator<Item = Topic>) -> Self {
        Subscription { topics: topics.into_iter().collect(), ..Subscription::default() }
    }

    /// Whether it wants this partition.
    pub fn wants(&self, partition: TopicPartition) -> bool {
        self.topics.contains(&partition.topic)
    }

    /// What it claims to have, or to have had last.
    pub fn claims(&self) -> impl Iterator<Item = TopicPartition> {
        self.owned.union(&self.previously).copied()
    }
}
