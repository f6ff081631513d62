//! The log of a partition, as one replica has it.

use crate::communication::log_broker::epochs::Epochs;
use crate::communication::log_broker::names::Offset;
use crate::communication::log_broker::numbers::LeaderEpoch;
use crate::communication::log_broker::producers::{Ended, Producers};
use crate::communication::log_broker::record::{Batch, Draft};

/// A log: batches by ascending offsets, and what follows of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    batches: Vec<Batch>,
    /// The first offset that is kept (`logStartOffset`): retention raises it.
    start: Offset,
    /// The log end offset: the place of the next record.
    end: Offset,
    epochs: Epochs,
    producers: Producers,
}

impl Log {
    /// The batches, in order.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// The first offset that is kept.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// The log end offset (*LEO*).
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Where leader epochs begin.
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// What it knows of producers.
    pub fn producers(&self) -> &Producers {
        &self.producers
    }

    /// The epoch of the last batch.
    pub fn last_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// A leader begins its epoch at the end of the log (KIP-101).
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        self.epochs.begin(epoch, self.end);
    }

    /// A leader gives a batch its offsets and appends it.
    ///
    /// # Panics
    /// If the batch is empty.
    pub fn append_as_leader(&mut self, draft: Draft, leader_epoch: LeaderEpoch) -> Batch {
        assert!(!draft.is_empty(), "a batch has records");
        let (base_offset, last_offset_delta) = (self.end, draft.len() - 1);
        let Draft { produced, contents } = draft;
        let batch = Batch { base_offset, last_offset_delta, leader_epoch, produced, contents };
        self.append(batch.clone());
        batch
    }

    /// Appends a batch that has its offsets: that of a leader on a follower, or one that is read from the disk.
    ///
    /// # Panics
    /// If it does not follow on the log.
    pub fn append(&mut self, batch: Batch) {
        self.append_unknown(batch.clone());
        self.producers.appended(&batch);
    }

    /// The same, without a look at who has produced it, which is a bug that can be planted.
    ///
    /// # Panics
    /// If it does not follow on the log.
    pub fn append_unknown(&mut self, batch: Batch) {
        // Compaction may have left out what was in between.
        assert!(
            batch.base_offset >= self.end,
            "a batch follows on the log: {} comes after {}",
            batch.base_offset,
            self.end
        );
        self.epochs.begin(batch.leader_epoch, batch.base_offset);
        self.end = batch.next_offset();
        self.batches.push(batch);
    }

    /// Truncates the log to this end. What is known of producers is computed anew.
    pub fn truncate_to(&mut self, end: Offset) {
        if end >= self.end {
            return;
        }
        self.batches.retain(|batch| batch.base_offset < end);
        assert!(
            self.batches.last().is_none_or(|batch| batch.next_offset() <= end),
            "a log is truncated between batches: at {end} is none"
        );
        self.end = end;
        self.epochs.truncate_to(end);
        self.producers = Producers::default();
        self.batches.iter().for_each(|batch| self.producers.appended(batch));
    }

    /// Replaces the batches, after retention or compaction: offsets stay, and so does what is known of producers.
    ///
    /// # Panics
    /// If there is a batch from before the start, or behind the end.
    pub fn replace(&mut self, start: Offset, batches: Vec<Batch>) {
        assert!(batches.first().is_none_or(|batch| batch.next_offset() > start), "what is before the start is gone");
        assert!(batches.last().is_none_or(|batch| batch.next_offset() <= self.end), "cleaning adds nothing");
        self.start = start;
        self.batches = batches;
    }

    /// The batches that have offsets from `from` up to `to`, with about as many records at most; one batch at least.
    pub fn read(&self, from: Offset, to: Offset, most: u32) -> Vec<Batch> {
        let first = self.batches.partition_point(|batch| batch.next_offset() <= from);
        let mut records = 0;
        let within = |batch: &&Batch| {
            let fits = batch.next_offset() <= to && (records == 0 || records + batch.last_offset_delta < most);
            records += batch.last_offset_delta + 1;
            fits
        };
        self.batches[first..].iter().take_while(within).cloned().collect()
    }

    /// The batch that has an offset, if it is kept.
    pub fn batch_at(&self, offset: Offset) -> Option<&Batch> {
        let first = self.batches.partition_point(|batch| batch.next_offset() <= offset);
        self.batches.get(first).filter(|batch| batch.base_offset <= offset)
    }

    /// The last stable offset (KIP-98): up to it, all transactions have ended, and their markers are below the high watermark.
    pub fn last_stable(&self, high_watermark: Offset) -> Offset {
        self.producers.first_unstable(high_watermark).map_or(high_watermark, |first| first.min(high_watermark))
    }

    /// The aborted transactions that have records or their marker in this range, for who reads it (`abortedTransactions`).
    pub fn aborted_between(&self, from: Offset, to: Offset) -> Vec<Ended> {
        let concerns = |ended: &&Ended| !ended.committed && ended.last >= from && ended.first < to;
        self.producers.ended().iter().filter(concerns).copied().collect()
    }
}
