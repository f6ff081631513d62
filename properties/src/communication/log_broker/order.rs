//! S3 and S4: what is committed of a producer.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::log_broker::client::Did;
use seedbed_models::communication::log_broker::names::{Offset, TopicPartition};
use seedbed_models::communication::log_broker::record::Value;
use seedbed_models::communication::log_broker::settings::Acks;
use seedbed_models::communication::log_broker::{LogBroker, Node};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::log_broker::watched::Committed;

/// S3: what is committed of one partition and one life of a producer is in the order in which it was sent. Producers promise so that are
/// idempotent, or have one batch in flight; the latter not of what they have given up, for that may come later.
#[derive(Clone, Default)]
pub struct ProducerOrder {
    did: NewEntries,
    committed: Committed,
    /// By value: whose it is, in which life, and its place among what that has sent to its partition.
    queued: BTreeMap<Value, ((NodeId, u32), usize)>,
    counts: BTreeMap<(NodeId, u32, TopicPartition), usize>,
    given_up: BTreeSet<Value>,
    /// By producer and partition: the last that is committed.
    last: BTreeMap<(NodeId, u32, TopicPartition), (usize, Value)>,
    known: BTreeSet<Value>,
}

impl ProducerOrder {
    fn read(&mut self, world: &World<LogBroker>) -> Verdict {
        for &node in world.changed() {
            let Some(client) = world.process(node).and_then(Node::client) else { continue };
            let life = world.life(node);
            for did in self.did.of(world, node, client.did())? {
                match did {
                    Did::Queued(value, partition) => {
                        let count = self.counts.entry((node, life, *partition)).or_default();
                        self.queued.insert(*value, ((node, life), *count));
                        *count += 1;
                    }
                    Did::GivenUp(value) => _ = self.given_up.insert(*value),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Property<LogBroker> for ProducerOrder {
    fn name(&self) -> String {
        "log_broker/producer_order".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        let producer = world.config().settings.producer;
        if !producer.idempotent && (producer.max_in_flight > 1 || producer.acks == Acks::None) {
            return Ok(());
        }
        self.read(world)?;
        // That replicas agree is another property's.
        let Ok(news) = self.committed.look(world) else { return Ok(()) };
        for (partition, batch) in news {
            for (offset, value) in batch.values() {
                let Some(&((node, life), place)) = self.queued.get(&value) else {
                    return Err(Broken::from(format!("{value:?} at {offset} of {partition} was sent by nobody")));
                };
                let is_late = !producer.idempotent && self.given_up.contains(&value);
                if is_late || !self.known.insert(value) {
                    continue;
                }
                let last = self.last.insert((node, life, partition), (place, value));
                if let Some((_, before)) = last.filter(|(last, _)| *last > place) {
                    let words = format!(
                        "{node} has sent {value:?} before {before:?}; in {partition} it comes behind it, at {offset}"
                    );
                    return Err(Broken::new([node], words));
                }
            }
        }
        Ok(())
    }
}

/// S4: of an idempotent producer nothing is committed twice.
#[derive(Clone, Default)]
pub struct IdempotentOnce {
    committed: Committed,
    known: BTreeMap<Value, (TopicPartition, Offset)>,
}

impl Property<LogBroker> for IdempotentOnce {
    fn name(&self) -> String {
        "log_broker/idempotent_once".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        if !world.config().settings.producer.idempotent {
            return Ok(());
        }
        let Ok(news) = self.committed.look(world) else { return Ok(()) };
        for (partition, batch) in news {
            for (offset, value) in batch.values() {
                if let Some((before, at)) = self.known.insert(value, (partition, offset)) {
                    return Err(Broken::from(format!(
                        "{value:?} is at {at} of {before}, and again at {offset} of {partition}"
                    )));
                }
            }
        }
        Ok(())
    }
}
