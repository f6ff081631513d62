//! Records, and the batches in which they are sent, written and replicated (Kafka, *Message format*, version 2).

use seedbed_sim::Time;
use serde::{Deserialize, Serialize};

use crate::communication::log_broker::groups::GroupRecord;
use crate::communication::log_broker::names::{Offset, ProducerEpoch, ProducerId};
use crate::communication::log_broker::numbers::{CoordinatorEpoch, LeaderEpoch, Sequence};
use crate::communication::log_broker::transactions::record::TransactionRecord;

/// The key of a record of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub u16);

/// The value of a record of clients: no two records have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Value(pub u64);

/// What is in a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// What a client has sent. Without a value it is a tombstone.
    User {
        /// The key, by which it is partitioned and compacted.
        key: Option<Key>,
        /// The value.
        value: Option<Value>,
    },
    /// What the coordinator of a group remembers (`__consumer_offsets`).
    Group(GroupRecord),
    /// What the coordinator of transactions remembers (`__transaction_state`).
    Transaction(TransactionRecord),
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its offset, counted from that of its batch. Compaction leaves gaps.
    pub offset_delta: u32,
    /// When it was made (`CreateTime`).
    pub timestamp: Time,
    /// What is in it.
    pub data: Data,
}

/// How a transaction has ended (`EndTransactionMarker`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Marker {
    /// Whether it was committed, and not aborted.
    pub committed: bool,
    /// Of which coordinator this is.
    pub coordinator_epoch: CoordinatorEpoch,
}

/// What a batch holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Contents {
    /// Records of clients, or of coordinators.
    Records(Vec<Record>),
    /// A control batch: the marker at which a transaction ends.
    Control(Marker),
}

/// Who has produced a batch, and what it is to him.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Produced {
    /// The producer.
    pub id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
    /// The sequence number of the first record; control batches have none.
    pub sequence: Option<Sequence>,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
}

/// A batch before a leader has appended it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Draft {
    /// Who has produced it, if it is idempotent.
    pub produced: Option<Produced>,
    /// What it holds.
    pub contents: Contents,
}

/// A batch in a log. It is appended, replicated and truncated as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Batch {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record as it was appended, counted from the base offset.
    pub last_offset_delta: u32,
    /// The leader that has appended it.
    pub leader_epoch: LeaderEpoch,
    /// Who has produced it, if it is idempotent.
    pub produced: Option<Produced>,
    /// What it holds.
    pub contents: Contents,
}

impl Draft {
    /// A batch of records by nobody in particular.
    pub fn plain(records: impl IntoIterator<Item = (Time, Data)>) -> Self {
        let numbered = records.into_iter().zip(0..);
        let record = |((timestamp, data), offset_delta)| Record { offset_delta, timestamp, data };
        Draft { produced: None, contents: Contents::Records(numbered.map(record).collect()) }
    }

    /// How many offsets it takes.
    pub fn len(&self) -> u32 {
        match &self.contents {
            Contents::Records(records) => records.len() as u32,
            Contents::Control(_) => 1,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Batch {
    /// The offset of the last record, whether compaction has left it or not.
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0 + u64::from(self.last_offset_delta))
    }

    /// The offset behind it.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().next()
    }

    /// Its records with their offsets; none of a control batch.
    pub fn records(&self) -> impl Iterator<Item = (Offset, &Record)> {
        let records = match &self.contents {
            Contents::Records(records) => &records[..],
            Contents::Control(_) => &[],
        };
        records.iter().map(|record| (Offset(self.base_offset.0 + u64::from(record.offset_delta)), record))
    }

    /// The values of clients in it, with their offsets.
    pub fn values(&self) -> impl Iterator<Item = (Offset, Value)> {
        self.records().filter_map(|(offset, record)| match &record.data {
            Data::User { value, .. } => value.map(|value| (offset, value)),
            _ => None,
        })
    }

    /// The marker, if this is a control batch.
    pub fn marker(&self) -> Option<Marker> {
        match self.contents {
            Contents::Control(marker) => Some(marker),
            Contents::Records(_) => None,
        }
    }

    /// Whether it belongs to a transaction and is no marker.
    pub fn in_transaction(&self) -> Option<Produced> {
        self.produced.filter(|produced| produced.transactional && self.marker().is_none())
    }
}
