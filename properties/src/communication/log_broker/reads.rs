//! What clients read is what is committed.

use std::collections::BTreeMap;

use seedbed_models::communication::log_broker::client::Did;
use seedbed_models::communication::log_broker::messages::Isolation;
use seedbed_models::communication::log_broker::names::{Offset, TopicPartition};
use seedbed_models::communication::log_broker::record::Value;
use seedbed_models::communication::log_broker::{LogBroker, Node};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::log_broker::watched::Committed;

/// What clients read with one isolation level.
#[derive(Clone)]
pub struct Reads {
    isolation: Isolation,
    did: NewEntries,
    committed: Committed,
}

impl Reads {
    /// Who reads a partition from its beginning sees the records below the high watermark, in their order and without a gap.
    pub fn uncommitted() -> Self {
        Reads { isolation: Isolation::ReadUncommitted, did: NewEntries::default(), committed: Committed::default() }
    }

    /// S7: who reads what is committed sees of each transaction in a partition all records, if it was committed, and otherwise none.
    pub fn committed() -> Self {
        Reads { isolation: Isolation::ReadCommitted, ..Reads::uncommitted() }
    }

    /// The values that are to be read of a partition, with their offsets.
    fn readable(&self, partition: TopicPartition) -> Vec<(Offset, Value)> {
        let batches = self.committed.batches(partition);
        let mut readable: Vec<(Offset, Value)> = Vec::new();
        let mut open: BTreeMap<_, Vec<(Offset, Value)>> = BTreeMap::new();
        for batch in batches {
            let by =
                batch.produced.filter(|produced| produced.transactional && self.isolation == Isolation::ReadCommitted);
            match (by, batch.marker()) {
                (None, _) => readable.extend(batch.values()),
                (Some(by), None) => open.entry(by.id).or_default().extend(batch.values()),
                (Some(by), Some(marker)) => {
                    let values = open.remove(&by.id).unwrap_or_default();
                    readable.extend(values.into_iter().filter(|_| marker.committed));
                }
            }
        }
        readable.sort_unstable();
        readable
    }

    fn check(&self, node: NodeId, partition: TopicPartition, values: &[(Offset, Value)]) -> Verdict {
        let until = values.last().map_or(Offset::ZERO, |(last, _)| last.next());
        let mut readable = self.readable(partition);
        readable.retain(|(offset, _)| *offset < until);
        if readable == values {
            return Ok(());
        }
        let differ = readable.iter().zip(values).position(|(one, other)| one != other);
        let place = differ.unwrap_or(readable.len().min(values.len()));
        let (read, is) = (values.get(place), readable.get(place));
        Err(Broken::new([node], format!("{node} has read {read:?} in {partition}, where it should read {is:?}")))
    }
}

impl Property<LogBroker> for Reads {
    fn name(&self) -> String {
        match self.isolation {
            Isolation::ReadUncommitted => "log_broker/read_uncommitted".into(),
            Isolation::ReadCommitted => "log_broker/read_committed".into(),
        }
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        if self.committed.look(world).is_err() {
            return Ok(());
        }
        for &node in world.changed() {
            let Some(client) = world.process(node).and_then(Node::client) else { continue };
            for did in self.did.of(world, node, client.did())? {
                let Did::Read(isolation, read) = did else { continue };
                for (partition, values) in read.iter().filter(|_| *isolation == self.isolation) {
                    self.check(node, *partition, values)?;
                }
            }
        }
        Ok(())
    }
}
