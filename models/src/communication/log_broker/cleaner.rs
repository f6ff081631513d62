//! Retention and compaction of a partition's log (Kafka, *Log Compaction*; `LogCleaner`, `Cleaner.cleanInto`).
//!
//! - **Retention** moves the start of the log: what is too old, or too much, goes (`retention.ms`, `retention.bytes`).
//! - **Compaction** keeps the last record of each key, at its offset. Records of aborted transactions go. A *tombstone* goes when it has
//!   been the last of its key for `delete.retention.ms` since a compaction has seen it first, so that whoever reads the log from its
//!   beginning within that time learns of the deletion (KIP-534); the marker of a transaction too, if nothing is left of that. The last
//!   batch of a producer stays, maybe without records, for its sequence numbers.
//!
//! Nothing is compacted that is not below `to`: the caller keeps that at or below the first unstable offset, for how a transaction ends
//! decides what its records are (KIP-98), and below what is still being written.
//!
//! **Different from Kafka**: a log has no segments, so retention goes batch by batch; when a tombstone may go is remembered here, and not
//! in the header of its batch.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Span, Time};

use crate::communication::log_broker::groups::GroupKey;
use crate::communication::log_broker::names::{Offset, ProducerId};
use crate::communication::log_broker::numbers::TransactionalId;
use crate::communication::log_broker::producers::Producers;
use crate::communication::log_broker::record::{Batch, Contents, Data, Key, Record};

/// By what records are compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompactionKey {
    /// A record of clients.
    User(Key),
    /// What a group's coordinator remembers.
    Group(GroupKey),
    /// What a coordinator of transactions remembers.
    Transaction(TransactionalId),
}

/// The key of a record; one without a key is not kept by compaction.
pub fn key_of(data: &Data) -> Option<CompactionKey> {
    match data {
        Data::User { key, .. } => key.map(CompactionKey::User),
        Data::Group(record) => Some(CompactionKey::Group(record.key)),
        Data::Transaction(record) => Some(CompactionKey::Transaction(record.id)),
    }
}

/// Whether a record says that its key is deleted.
pub fn is_tombstone(data: &Data) -> bool {
    match data {
        Data::User { value, .. } => value.is_none(),
        Data::Group(record) => record.value.is_none(),
        Data::Transaction(_) => false,
    }
}

/// How much of a log is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    /// For how long (`retention.ms`).
    pub time: Option<Span>,
    /// How many offsets (`retention.bytes`, which Kafka counts in bytes).
    pub offsets: Option<u64>,
}

impl Retention {
    /// Where the log is to begin: behind the batches, from the first on, that are too old, or too much. What is not below the high
    /// watermark stays.
    pub fn start(&self, batches: &[Batch], start: Offset, high_watermark: Offset, now: Time) -> Offset {
        let end = batches.last().map_or(start, Batch::next_offset);
        let is_old = |batch: &Batch| match (self.time, batch.records().map(|(_, record)| record.timestamp).max()) {
            (Some(time), Some(latest)) => now.since(latest) > time,
            // Batches without records go with the next that has some.
            (Some(_), None) => true,
            (None, _) => false,
        };
        let is_too_much = |batch: &Batch| self.offsets.is_some_and(|most| end.0 - batch.base_offset.0 > most);
        let goes = |batch: &&Batch| batch.next_offset() <= high_watermark && (is_old(batch) || is_too_much(batch));
        batches.iter().take_while(goes).last().map_or(start, Batch::next_offset).max(start)
    }
}

/// When tombstones and markers may go, by their batches (KIP-534, *delete horizon*).
pub type Horizons = BTreeMap<Offset, Time>;

/// A compaction.
#[derive(Clone, Copy, Debug)]
pub struct Compaction<'a> {
    /// Up to where.
    pub to: Offset,
    /// The time.
    pub now: Time,
    /// How long tombstones stay (`delete.retention.ms`).
    pub delete_retention: Span,
    /// What the partition knows of its producers.
    pub producers: &'a Producers,
}

impl Compaction<'_> {
    /// Compacts a log: what stays of its batches. Offsets stay as they are.
    pub fn compact(&self, batches: &[Batch], horizons: &mut Horizons) -> Vec<Batch> {
        let below = batches.partition_point(|batch| batch.next_offset() <= self.to);
        let aborted = self.aborted(&batches[..below]);
        let last = last_offsets(&batches[..below], &aborted);
        let mut has_records: BTreeSet<ProducerId> = BTreeSet::new();
        let mut kept = Vec::new();
        for batch in &batches[..below] {
            if batch.marker().is_some() {
                let producer = batch.produced.map(|produced| produced.id);
                let has_some = producer.is_some_and(|producer| has_records.remove(&producer));
                let is_over = !has_some && self.is_over(horizons, batch.base_offset);
                if !is_over || self.is_last_of_producer(batch) {
                    kept.push(batch.clone());
                }
                continue;
            }
            let records = self.records(batch, &last, &aborted, horizons);
            let is_empty = records.is_empty();
            if is_empty && !self.is_last_of_producer(batch) {
                continue;
            }
            if let Some(produced) = batch.in_transaction() {
                has_records.insert(produced.id);
            }
            kept.push(Batch { contents: Contents::Records(records), ..batch.clone() });
        }
        kept.extend_from_slice(&batches[below..]);
        horizons.retain(|base, _| kept.iter().any(|batch| batch.base_offset == *base));
        kept
    }

    /// What stays of a batch.
    fn records(
        &self,
        batch: &Batch,
        last: &BTreeMap<CompactionKey, Offset>,
        aborted: &BTreeSet<Offset>,
        horizons: &mut Horizons,
    ) -> Vec<Record> {
        if aborted.contains(&batch.base_offset) {
            return Vec::new();
        }
        let is_last = |(offset, record): &(Offset, &Record)| {
            key_of(&record.data).is_some_and(|key| last.get(&key).is_none_or(|last| offset >= last))
        };
        let stay: Vec<&Record> = batch.records().filter(is_last).map(|(_, record)| record).collect();
        let has_tombstones = stay.iter().any(|record| is_tombstone(&record.data));
        let over = has_tombstones && self.is_over(horizons, batch.base_offset);
        stay.into_iter().filter(|record| !over || !is_tombstone(&record.data)).cloned().collect()
    }

    /// Whether the time of a tombstone or marker is over. It begins when a compaction sees it first.
    fn is_over(&self, horizons: &mut Horizons, base: Offset) -> bool {
        let horizon = *horizons.entry(base).or_insert(self.now + self.delete_retention);
        self.now >= horizon
    }

    /// Whether a batch is the last of its producer: its number is what the producer's next is held against.
    fn is_last_of_producer(&self, batch: &Batch) -> bool {
        let Some(produced) = batch.produced else { return false };
        let Some(known) = self.producers.get(produced.id).filter(|known| known.epoch == produced.epoch) else {
            return false;
        };
        match known.batches.back() {
            Some(last) => last.base_offset == batch.base_offset,
            None => batch.marker().is_some(),
        }
    }

    /// The batches of aborted transactions, by their base offsets.
    fn aborted(&self, batches: &[Batch]) -> BTreeSet<Offset> {
        let mut open: BTreeMap<ProducerId, Vec<Offset>> = BTreeMap::new();
        let mut aborted = BTreeSet::new();
        for batch in batches {
            let Some(produced) = batch.produced else { continue };
            match batch.marker() {
                Some(marker) => {
                    let ended = open.remove(&produced.id).unwrap_or_default();
                    if !marker.committed {
                        aborted.extend(ended);
                    }
                }
                None if produced.transactional => open.entry(produced.id).or_default().push(batch.base_offset),
                None => {}
            }
        }
        assert!(open.is_empty(), "what is compacted is below the first unstable offset");
        aborted
    }
}

/// Where the last record of each key is (`buildOffsetMap`).
fn last_offsets(batches: &[Batch], aborted: &BTreeSet<Offset>) -> BTreeMap<CompactionKey, Offset> {
    let counted = batches.iter().filter(|batch| !aborted.contains(&batch.base_offset));
    let keys = counted.flat_map(|batch| batch.records());
    keys.filter_map(|(offset, record)| Some((key_of(&record.data)?, offset))).collect()
}
