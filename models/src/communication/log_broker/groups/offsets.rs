//! How far a group is with each partition: what is committed, and what transactions that have not ended will commit (KIP-98, KIP-447).

use std::collections::BTreeMap;

use seedbed_sim::Time;

use crate::communication::log_broker::names::{Offset, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::LeaderEpoch;

/// A position: the offset of the record to be processed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The offset behind all that is processed.
    pub offset: Offset,
    /// The leader epoch of the last record that was processed, by which a truncated log is told (KIP-320).
    pub leader_epoch: Option<LeaderEpoch>,
}

/// A position that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Committed {
    /// The position.
    pub position: Position,
    /// Where the record that says so is in `__consumer_offsets`. Of two the later counts, whatever the positions are.
    pub at: Offset,
    /// When.
    pub time: Time,
}

/// The positions of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Offsets {
    committed: BTreeMap<TopicPartition, Committed>,
    /// What transactions have written and not ended.
    in_transactions: BTreeMap<ProducerId, BTreeMap<TopicPartition, Committed>>,
    /// What a transaction is about to write: how many records are under way.
    under_way: BTreeMap<TopicPartition, u32>,
}

impl Offsets {
    /// Where the group is with a partition.
    pub fn get(&self, partition: TopicPartition) -> Option<&Committed> {
        self.committed.get(&partition)
    }

    /// All that is committed.
    pub fn committed(&self) -> impl Iterator<Item = (TopicPartition, &Committed)> {
        self.committed.iter().map(|(partition, committed)| (*partition, committed))
    }

    /// Whether there is nothing, and nothing to come.
    pub fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.in_transactions.is_empty() && self.under_way.is_empty()
    }

    /// Whether a transaction that has not ended may change where the group is with a partition (KIP-447).
    pub fn is_unstable(&self, partition: TopicPartition) -> bool {
        let written = self.in_transactions.values().any(|positions| positions.contains_key(&partition));
        written || self.under_way.contains_key(&partition)
    }

    /// A position is committed. One that is in the log before what is known changes nothing.
    pub fn commit(&mut self, partition: TopicPartition, committed: Committed) {
        let known = self.committed.entry(partition).or_insert(committed);
        if committed.at > known.at {
            *known = committed;
        }
    }

    /// The position of a partition is forgotten.
    pub fn forget(&mut self, partition: TopicPartition) {
        self.committed.remove(&partition);
    }

    /// A transaction begins to write positions.
    pub fn begin_in_transaction(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        partitions.into_iter().for_each(|partition| *self.under_way.entry(partition).or_insert(0) += 1);
    }

    /// They are written, or not.
    ///
    /// # Panics
    /// If nothing was under way.
    pub fn end_in_transaction(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        for partition in partitions {
            let count = self.under_way.get_mut(&partition).expect("what ends being written has begun to be");
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&partition);
            }
        }
    }

    /// A transaction has written a position.
    pub fn in_transaction(&mut self, producer: ProducerId, partition: TopicPartition, committed: Committed) {
        self.in_transactions.entry(producer).or_default().insert(partition, committed);
    }

    /// The marker of a transaction is written (KIP-98: "the pending offsets are materialized, or dropped"). Returns what is committed by
    /// it.
    pub fn end(&mut self, producer: ProducerId, is_commit: bool) -> Vec<(TopicPartition, Position)> {
        let positions = self.in_transactions.remove(&producer).unwrap_or_default();
        if !is_commit {
            return Vec::new();
        }
        positions.iter().for_each(|(partition, committed)| self.commit(*partition, *committed));
        positions.into_iter().map(|(partition, committed)| (partition, committed.position)).collect()
    }
}
