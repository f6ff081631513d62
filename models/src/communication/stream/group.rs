//! A consumer group: how far it has come, which entries are pending, and for whom.

use std::collections::BTreeMap;

use crate::communication::stream::command::ConsumerName;
use crate::communication::stream::id::{Id, Millis};

/// A pending entry (`streamNACK`): it was delivered, and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nack {
    /// Who has it.
    pub consumer: ConsumerName,
    /// When it was last delivered, on the clock of the server that delivered it.
    pub delivered: Millis,
    /// How often it was delivered.
    pub deliveries: u64,
}

impl Nack {
    /// For how long it has not been delivered: no time, where the clock has gone back.
    pub fn idle(&self, now: Millis) -> Millis {
        now.saturating_sub(self.delivered)
    }
}

/// A group (`streamCG`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// The greatest entry that was delivered: new is what is greater.
    pub last_delivered: Id,
    /// How many entries of the stream were read up to there, if that is known (`entries_read`).
    pub entries_read: Option<u64>,
    /// The *pending entries list*.
    pub pending: BTreeMap<Id, Nack>,
    /// The consumers, and when each was last heard of, which a replica does not know.
    pub consumers: BTreeMap<ConsumerName, Millis>,
}

impl Group {
    /// A group that goes on behind this entry.
    pub fn new(last_delivered: Id, entries_read: Option<u64>) -> Self {
        Group { last_delivered, entries_read, pending: BTreeMap::new(), consumers: BTreeMap::new() }
    }

    /// The pending entries of a consumer.
    pub fn pending_of(&self, consumer: ConsumerName) -> impl Iterator<Item = (Id, &Nack)> {
        self.pending.iter().filter(move |(_, nack)| nack.consumer == consumer).map(|(id, nack)| (*id, nack))
    }
}
