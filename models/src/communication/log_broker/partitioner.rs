//! Which partition a producer appends a record to.
//!
//! - A record with a key goes where its key's hash says: murmur2, made positive, modulo the number of partitions (Kafka,
//!   `BuiltInPartitioner.partitionForKey`, `Utils.murmur2`, `Utils.toPositive`). All clients have to agree on this.
//! - Records without a key *stick* to one partition, so that batches get full: until a batch is (KIP-480), or until as many bytes went
//!   there as a batch has room for, and then to one that is drawn with more weight on short queues (KIP-794, *uniform sticky*).
//! - Or each goes to the next partition (`RoundRobinPartitioner`), whatever its key.
//!
//! **Different from Kafka**: KIP-480 draws again until another partition than the last comes; here the draw is among the others.

use std::collections::BTreeMap;

use seedbed_sim::Named;
use serde::{Deserialize, Serialize};

use crate::communication::log_broker::names::Topic;

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;

/// The hash that Kafka's clients agree on: 32-bit MurmurHash2, little endian, with Kafka's seed (`Utils.murmur2`).
pub fn murmur2(data: &[u8]) -> u32 {
    let words = data.chunks_exact(4);
    let rest = words.remainder();
    let mut hash = SEED ^ data.len() as u32;
    for word in words {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (word ^ (word >> 24)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| (tail << 8) | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// Drops the sign, as Kafka's clients do before they take the remainder (`Utils.toPositive`). It is not the absolute value.
pub const fn to_positive(hash: u32) -> u32 {
    hash & 0x7fff_ffff
}

/// The partition of a key.
///
/// # Panics
/// If the topic has no partitions.
pub fn partition_for_key(key: &[u8], partitions: u16) -> u16 {
    assert!(partitions > 0, "a key is hashed to one of some partitions");
    (to_positive(murmur2(key)) % u32::from(partitions)) as u16
}

/// How a producer chooses partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Partitioning {
    /// By key; without one, the partition changes with each new batch (KIP-480, Kafka 2.4 to 3.2).
    StickyByBatch,
    /// By key; without one, the partition changes after `batch.size` bytes, and short queues are preferred (KIP-794, the default since 3.3).
    UniformSticky,
    /// One after the other, whatever the key.
    RoundRobin,
}

/// What a producer knows of a topic when it chooses.
#[derive(Clone, Copy, Debug)]
pub struct Queues<'a> {
    /// How many partitions the topic has.
    pub partitions: u16,
    /// The partitions that have a leader, ascending, and how many batches wait for each.
    pub available: &'a [(u16, u64)],
}

/// A number below another, drawn.
pub type Draw<'a> = &'a mut dyn FnMut(u64) -> u64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    /// Where records without a key go.
    sticky: Option<u16>,
    /// How many bytes went there since it was chosen (KIP-794).
    produced: u64,
    /// How many records were given out one after the other.
    turn: u64,
}

/// A partitioner, with what it knows of each topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partitioner {
    partitioning: Partitioning,
    /// As many bytes go to a partition before the next is chosen (KIP-794, `batch.size`).
    sticky_bytes: u64,
    topics: BTreeMap<Topic, State>,
}

impl Partitioner {
    /// A partitioner. `batch_size` matters where [`Partitioning::UniformSticky`] is chosen.
    pub fn new(partitioning: Partitioning, batch_size: u64) -> Self {
        Partitioner { partitioning, sticky_bytes: batch_size.max(1), topics: BTreeMap::new() }
    }

    /// The partition of the next record.
    pub fn partition(&mut self, topic: Topic, key: Option<&[u8]>, queues: Queues<'_>, draw: Draw<'_>) -> u16 {
        let state = self.topics.entry(topic).or_default();
        match (self.partitioning, key) {
            (Partitioning::RoundRobin, _) => {
                let turn = state.turn;
                state.turn += 1;
                match queues.available {
                    [] => (turn % u64::from(queues.partitions)) as u16,
                    available => available[(turn % available.len() as u64) as usize].0,
                }
            }
            (_, Some(key)) => partition_for_key(key, queues.partitions),
            (Partitioning::StickyByBatch, None) => match state.sticky {
                Some(sticky) => sticky,
                None => *state.sticky.insert(another(None, queues, draw)),
            },
            (Partitioning::UniformSticky, None) => match state.sticky {
                Some(sticky) => sticky,
                None => *state.sticky.insert(by_load(queues, draw)),
            },
        }
    }

    /// A record without a key needs a new batch, since that of its partition is full: the next partition gets it (KIP-480,
    /// `onNewBatch`). Returns that, unless another partitioner is used, or the partition has changed already.
    pub fn on_new_batch(&mut self, topic: Topic, full: u16, queues: Queues<'_>, draw: Draw<'_>) -> Option<u16> {
        let state = self.topics.entry(topic).or_default();
        if self.partitioning != Partitioning::StickyByBatch || state.sticky != Some(full) {
            return None;
        }
        Some(*state.sticky.insert(another(Some(full), queues, draw)))
    }

    /// A record without a key was appended to the partition that is stuck to. After `batch.size` bytes the next one is chosen, but
    /// not in the middle of a batch that could still grow, unless twice as many bytes went there (`updatePartitionInfo`;
    /// otherwise a batch is cut short by each change, KAFKA-14156).
    pub fn appended(&mut self, topic: Topic, bytes: u64, at_the_end_of_a_batch: bool) {
        let state = self.topics.entry(topic).or_default();
        if self.partitioning != Partitioning::UniformSticky {
            return;
        }
        state.produced += bytes;
        let enough = state.produced >= self.sticky_bytes && at_the_end_of_a_batch;
        if enough || state.produced >= 2 * self.sticky_bytes {
            (state.sticky, state.produced) = (None, 0);
        }
    }
}

/// One of the partitions with a leader, but not this one, if there is another (KIP-480).
fn another(not: Option<u16>, queues: Queues<'_>, draw: Draw<'_>) -> u16 {
    let others: Vec<u16> =
        queues.available.iter().map(|(partition, _)| *partition).filter(|p| Some(*p) != not).collect();
    match (&others[..], queues.available) {
        ([], []) => draw(queues.partitions.into()) as u16,
        ([], [(only, _), ..]) => *only,
        (others, _) => others[draw(others.len() as u64) as usize],
    }
}

/// One of the partitions with a leader: each weighs as much as its queue is shorter than the longest, and one (KIP-794,
/// `updatePartitionLoadStats`).
fn by_load(queues: Queues<'_>, draw: Draw<'_>) -> u16 {
    let Some(longest) = queues.available.iter().map(|(_, length)| *length).max() else {
        return draw(queues.partitions.into()) as u16;
    };
    let weight = |length: u64| longest + 1 - length;
    let sum = queues.available.iter().map(|(_, length)| weight(*length)).sum();
    let mut drawn = draw(sum);
    for (partition, length) in queues.available {
        match drawn.checked_sub(weight(*length)) {
            Some(rest) => drawn = rest,
            None => return *partition,
        }
    }
    unreachable!("what is drawn is below the sum of the weights")
}
