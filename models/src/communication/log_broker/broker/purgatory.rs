//! Requests that wait (Kafka's *purgatory*): produce requests for followers, fetch requests for records.

use seedbed_sim::Time;

use crate::communication::log_broker::controller::active::Asker;
use crate::communication::log_broker::messages::{FetchPartition, Fetcher};
use crate::communication::log_broker::names::{Offset, TopicPartition};
use crate::communication::log_broker::numbers::{LeaderEpoch, SessionId, TransactionalId};

/// A produce request that waits until all in-sync replicas have its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DelayedProduce {
    /// Whom to answer.
    pub asker: Asker,
    /// What was asked for.
    pub answer: Answer,
    /// The partition.
    pub partition: TopicPartition,
    /// The leader that has appended the batch.
    pub leader_epoch: LeaderEpoch,
    /// The offset of its first record.
    pub base: Offset,
    /// The offset behind it, which the high watermark has to reach.
    pub required: Offset,
    /// Until when.
    pub deadline: Time,
}

/// What is answered when a batch is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A producer, its offset.
    Produce,
    /// A coordinator, that its marker is written.
    Marker,
}

/// A record of the coordinator of transactions that is not committed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DelayedAppend {
    /// The partition of the coordinator's log.
    pub partition: TopicPartition,
    /// The leader that has appended it.
    pub leader_epoch: LeaderEpoch,
    /// The offset behind it, which the high watermark has to reach.
    pub required: Offset,
    /// Of which transactional id it is.
    pub id: TransactionalId,
}

/// A fetch request that waits for records.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DelayedFetch {
    /// Whom to answer.
    pub asker: Asker,
    /// In which session.
    pub session: SessionId,
    /// Who fetches.
    pub by: Fetcher,
    /// What.
    pub partitions: Vec<(TopicPartition, FetchPartition)>,
    /// Until when.
    pub deadline: Time,
}

/// All that wait.
#[derive(Clone, Debug, Default, Hash)]
pub struct Purgatory {
    /// Produce requests.
    pub produces: Vec<DelayedProduce>,
    /// Fetch requests.
    pub fetches: Vec<DelayedFetch>,
    /// Records of coordinators.
    pub appends: Vec<DelayedAppend>,
}

impl Purgatory {
    /// When the first of them has waited long enough.
    pub fn next_deadline(&self) -> Option<Time> {
        let produces = self.produces.iter().map(|waiting| waiting.deadline);
        produces.chain(self.fetches.iter().map(|waiting| waiting.deadline)).min()
    }
}
