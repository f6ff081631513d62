//! What a partition knows of its producers (KIP-98, `ProducerStateManager`): the last sequence numbers, by which what was sent twice is
//! appended once; transactions that are under way, below which the last stable offset stays; and those that were aborted. It is a
//! function of the log, and each replica computes it of its own.

use std::collections::{BTreeMap, VecDeque};

use crate::communication::log_broker::names::{Offset, ProducerEpoch, ProducerId};
use crate::communication::log_broker::numbers::{CoordinatorEpoch, Sequence};
use crate::communication::log_broker::record::{Batch, Produced};

/// How many batches of a producer are remembered: as many as it may have in flight (`max.in.flight.requests.per.connection`).
pub const REMEMBERED: usize = 5;

/// A batch that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Appended {
    /// Its first sequence number.
    pub first: Sequence,
    /// Its last one.
    pub last: Sequence,
    /// Its base offset.
    pub base_offset: Offset,
    /// Its last offset.
    pub last_offset: Offset,
}

/// What is known of a producer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// The latest epoch.
    pub epoch: ProducerEpoch,
    /// Its last batches in that epoch, the latest last.
    pub batches: VecDeque<Appended>,
    /// Where its transaction has begun, if one is under way.
    pub transaction: Option<Offset>,
    /// Which coordinator has written the last marker.
    pub coordinator_epoch: Option<CoordinatorEpoch>,
}

impl Known {
    fn new(epoch: ProducerEpoch) -> Self {
        Known { epoch, batches: VecDeque::new(), transaction: None, coordinator_epoch: None }
    }
}

/// A transaction that has ended in this partition. Whoever reads what is committed leaves out the records of those that were aborted
/// (`AbortedTxn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ended {
    /// The producer.
    pub producer: ProducerId,
    /// The offset of its first record.
    pub first: Offset,
    /// The offset of its marker.
    pub last: Offset,
    /// Whether it was committed, and not aborted.
    pub committed: bool,
}

/// What becomes of a batch that a producer has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is the next.
    Next,
    /// It was appended before, here.
    Duplicate(Appended),
    /// A batch before it is missing, or it is older than what is remembered.
    OutOfOrder,
    /// A later epoch of its producer has been here.
    Fenced,
}

/// What a partition knows of its producers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Producers {
    known: BTreeMap<ProducerId, Known>,
    ended: Vec<Ended>,
}

impl Producers {
    /// What is known of a producer.
    pub fn get(&self, id: ProducerId) -> Option<&Known> {
        self.known.get(&id)
    }

    /// All that are known.
    pub fn all(&self) -> impl Iterator<Item = (ProducerId, &Known)> {
        self.known.iter().map(|(id, known)| (*id, known))
    }

    /// Where the first transaction begins that is still under way, or whose marker is not below `high_watermark`.
    pub fn first_unstable(&self, high_watermark: Offset) -> Option<Offset> {
        let under_way = self.known.values().filter_map(|known| known.transaction);
        let not_yet = self.ended.iter().filter(|ended| ended.last >= high_watermark).map(|ended| ended.first);
        under_way.chain(not_yet).min()
    }

    /// The transactions that have ended here.
    pub fn ended(&self) -> &[Ended] {
        &self.ended
    }

    /// Checks a batch of records before it is appended. Kafka accepts any sequence number of a producer that it does not know, for
    /// retention may have deleted what it knew (KIP-360); here that is kept, and requests may overtake each other, so the first
    /// number is zero.
    pub fn check(&self, produced: Produced, records: u32) -> Check {
        let Some(sequence) = produced.sequence else { return Check::Next };
        let Some(known) = self.known.get(&produced.id) else {
            return if sequence == Sequence(0) { Check::Next } else { Check::OutOfOrder };
        };
        if produced.epoch < known.epoch {
            return Check::Fenced;
        }
        if produced.epoch > known.epoch {
            return if sequence == Sequence(0) { Check::Next } else { Check::OutOfOrder };
        }
        let last = sequence.plus(records.max(1) - 1);
        if let Some(same) = known.batches.iter().find(|batch| batch.first == sequence && batch.last == last) {
            return Check::Duplicate(*same);
        }
        let next = known.batches.back().map_or(Sequence(0), |batch| batch.last.next());
        if sequence == next { Check::Next } else { Check::OutOfOrder }
    }

    /// A batch was appended.
    pub fn appended(&mut self, batch: &Batch) {
        let Some(produced) = batch.produced else { return };
        let known = self.known.entry(produced.id).or_insert_with(|| Known::new(produced.epoch));
        assert!(
            produced.epoch >= known.epoch,
            "a fenced producer appends nothing: {produced:?} after {:?}",
            known.epoch
        );
        if produced.epoch > known.epoch {
            known.epoch = produced.epoch;
            known.batches.clear();
        }
        if let Some(marker) = batch.marker() {
            known.coordinator_epoch = Some(marker.coordinator_epoch);
            if let Some(first) = known.transaction.take() {
                let (producer, last, committed) = (produced.id, batch.base_offset, marker.committed);
                self.ended.push(Ended { producer, first, last, committed });
            }
            return;
        }
        if let Some(first) = produced.sequence {
            known.batches.push_back(Appended {
                first,
                last: first.plus(batch.last_offset_delta),
                base_offset: batch.base_offset,
                last_offset: batch.last_offset(),
            });
            if known.batches.len() > REMEMBERED {
                known.batches.pop_front();
            }
        }
        if produced.transactional {
            known.transaction.get_or_insert(batch.base_offset);
        }
    }
}
