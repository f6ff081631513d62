//! What properties look at: brokers, what controllers have agreed on, and what is committed.

use std::collections::BTreeMap;

use seedbed_models::communication::log_broker::broker::{Broker, Replica};
use seedbed_models::communication::log_broker::controller::metadata::Metadata;
use seedbed_models::communication::log_broker::names::TopicPartition;
use seedbed_models::communication::log_broker::record::Batch;
use seedbed_models::communication::log_broker::{LogBroker, Node};
use seedbed_models::replication::raft::types::Index;
use seedbed_sim::{Broken, NodeId, PerLife, World};

/// A broker that is up.
pub fn broker(world: &World<LogBroker>, node: NodeId) -> Option<&Broker> {
    world.process(node).and_then(Node::broker)
}

/// The latest of what controllers have agreed on, whoever knows it, or knew it before it crashed.
#[derive(Clone, Debug, Default)]
pub struct Agreed {
    applied: Index,
    metadata: Metadata,
}

impl Agreed {
    /// Looks at the controllers that have changed. Says whether there is something new.
    pub fn look(&mut self, world: &World<LogBroker>) -> bool {
        let mut is_new = false;
        for &node in world.changed() {
            let Some(server) = broker(world, node).map(|broker| broker.quorum().server()) else { continue };
            if server.last_applied() > self.applied {
                self.applied = server.last_applied();
                if *server.machine() != self.metadata {
                    (self.metadata, is_new) = (server.machine().clone(), true);
                }
            }
        }
        is_new
    }

    /// What they have agreed on.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The replica of a node, if it is up, and in sync or eligible in the life that it is in.
    pub fn kept_by<'w>(
        &self,
        world: &'w World<LogBroker>,
        node: NodeId,
        partition: TopicPartition,
    ) -> Option<&'w Replica> {
        let state = self.metadata.partition(partition)?;
        let broker = broker(world, node)?;
        let is_registered = broker.registration().epoch.is_some_and(|epoch| self.metadata.is_registered(node, epoch));
        let is_kept = is_registered && (state.isr.contains(&node) || state.elr.contains(&node));
        broker.replica(partition).filter(|_| is_kept)
    }
}

/// What is committed, batch by batch: what any replica has below its high watermark.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    batches: BTreeMap<TopicPartition, Vec<Batch>>,
    /// By node and partition: how many batches below the high watermark were compared.
    seen: PerLife<BTreeMap<TopicPartition, usize>>,
}

impl Committed {
    /// What was committed since the last call, as far as replicas agree on it.
    ///
    /// # Errors
    /// Two replicas differ below their high watermarks.
    pub fn look(&mut self, world: &World<LogBroker>) -> Result<Vec<(TopicPartition, Batch)>, Broken> {
        let mut news = Vec::new();
        for &node in world.changed() {
            let Some(broker) = broker(world, node) else { continue };
            let seen = self.seen.of(world, node);
            for (partition, replica) in broker.replicas() {
                let seen = seen.entry(partition).or_default();
                let agreed = self.batches.entry(partition).or_default();
                let below = |batch: &&Batch| batch.next_offset() <= replica.high_watermark;
                for batch in replica.log.batches().iter().skip(*seen).take_while(below) {
                    match agreed.get(*seen) {
                        Some(other) if other != batch => {
                            let words = format!(
                                "{node} has in {partition} below its high watermark {batch:?}, and another broker has {other:?}"
                            );
                            return Err(Broken::new([node], words));
                        }
                        Some(_) => {}
                        None => {
                            agreed.push(batch.clone());
                            news.push((partition, batch.clone()));
                        }
                    }
                    *seen += 1;
                }
            }
        }
        Ok(news)
    }

    /// The committed batches of a partition.
    pub fn batches(&self, partition: TopicPartition) -> &[Batch] {
        self.batches.get(&partition).map_or(&[], Vec::as_slice)
    }
}
