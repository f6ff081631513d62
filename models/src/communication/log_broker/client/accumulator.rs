//! The batches of a producer that are not acknowledged yet, a queue for each partition (Kafka, `RecordAccumulator`).

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Span, Time};

use crate::communication::log_broker::names::{ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::{Correlation, Sequence};
use crate::communication::log_broker::record::{Contents, Data, Draft, Key, Produced, Record, Value};

/// A record that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pending {
    /// Which of the operation's it is.
    pub index: usize,
    /// Its key.
    pub key: Option<Key>,
    /// Its value.
    pub value: Value,
    /// When it was made.
    pub timestamp: Time,
}

/// By which id and epoch, and from which sequence number on, a batch was sent first. It is sent again with the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Numbered {
    /// The producer id.
    pub id: ProducerId,
    /// The producer epoch.
    pub epoch: ProducerEpoch,
    /// The sequence number of the first record.
    pub sequence: Sequence,
}

/// An attempt to send a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// Its request.
    pub correlation: Correlation,
    /// Whether no batch before it was under way: then nothing can be missing before it.
    pub is_first: bool,
}

/// A batch that is not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Batch {
    /// Its records.
    pub records: Vec<Pending>,
    /// When its first record came.
    pub created: Time,
    /// Its number, once it was sent.
    pub numbered: Option<Numbered>,
    /// The attempt that is under way.
    pub attempt: Option<Attempt>,
    /// How often it was sent.
    pub attempts: u32,
    /// When it may be sent again.
    pub not_before: Time,
}

/// The queue of a partition.
#[derive(Clone, Debug, Default, Hash)]
pub struct Queue {
    /// The batches, in the order of their records.
    pub batches: VecDeque<Batch>,
    /// The next sequence numbers of this partition, by producer id and epoch.
    pub next: BTreeMap<(ProducerId, ProducerEpoch), Sequence>,
}

/// The batches of a producer.
#[derive(Clone, Debug, Default, Hash)]
pub struct Accumulator {
    /// By partition.
    pub queues: BTreeMap<TopicPartition, Queue>,
}

impl Batch {
    /// The batch as it is sent.
    pub fn draft(&self, transactional: bool) -> Draft {
        let record = |(pending, offset_delta): (&Pending, u32)| Record {
            offset_delta,
            timestamp: pending.timestamp,
            data: Data::User { key: pending.key, value: Some(pending.value) },
        };
        let produced = self.numbered.map(|numbered| Produced {
            id: numbered.id,
            epoch: numbered.epoch,
            sequence: Some(numbered.sequence),
            transactional,
        });
        Draft { produced, contents: Contents::Records(self.records.iter().zip(0..).map(record).collect()) }
    }
}

impl Queue {
    /// How many batches are under way.
    pub fn in_flight(&self) -> usize {
        self.batches.iter().filter(|batch| batch.attempt.is_some()).count()
    }
}

impl Accumulator {
    /// Adds a record to the last batch of its partition, or a new one if that is full or was sent.
    pub fn append(&mut self, partition: TopicPartition, pending: Pending, batch_size: u32) {
        let queue = self.queues.entry(partition).or_default();
        let is_open = |batch: &&mut Batch| batch.attempts == 0 && batch.records.len() < batch_size as usize;
        match queue.batches.back_mut().filter(is_open) {
            Some(batch) => batch.records.push(pending),
            None => queue.batches.push_back(Batch {
                records: vec![pending],
                created: pending.timestamp,
                numbered: None,
                attempt: None,
                attempts: 0,
                not_before: pending.timestamp,
            }),
        }
    }

    /// Whether the next record of a partition begins a new batch, and there is one before it.
    pub fn is_full(&self, partition: TopicPartition, batch_size: u32) -> bool {
        let last = self.queues.get(&partition).and_then(|queue| queue.batches.back());
        last.is_some_and(|batch| batch.attempts > 0 || batch.records.len() >= batch_size as usize)
    }

    /// The batch that is under way in this request.
    pub fn sent_in(&mut self, partition: TopicPartition, correlation: Correlation) -> Option<(usize, &mut Batch)> {
        let queue = self.queues.get_mut(&partition)?;
        let is_meant = |batch: &Batch| batch.attempt.is_some_and(|attempt| attempt.correlation == correlation);
        queue.batches.iter_mut().enumerate().find(|(_, batch)| is_meant(batch))
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queues.values().all(|queue| queue.batches.is_empty())
    }

    /// When something is to be done next: a batch lingers no longer, may be sent again, or is given up.
    pub fn next_due(&self, linger: Span, delivery_timeout: Span, now: Time) -> Option<Time> {
        let due = |batch: &Batch| {
            let sending = batch.attempt.is_none().then(|| batch.not_before.max(batch.created + linger));
            let expiry = batch.created + delivery_timeout;
            sending.into_iter().chain([expiry]).filter(|at| *at > now).min()
        };
        self.queues.values().flat_map(|queue| &queue.batches).filter_map(due).min()
    }
}
