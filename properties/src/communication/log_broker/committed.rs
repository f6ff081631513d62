//! S1: what is acknowledged is kept.

use std::collections::BTreeMap;

use seedbed_models::communication::log_broker::broker::Replica;
use seedbed_models::communication::log_broker::client::Did;
use seedbed_models::communication::log_broker::names::{Offset, TopicPartition};
use seedbed_models::communication::log_broker::record::Value;
use seedbed_models::communication::log_broker::settings::Acks;
use seedbed_models::communication::log_broker::{LogBroker, Node};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::log_broker::watched::Agreed;

/// S1: a record that was acknowledged by all in-sync replicas is at its offset in the log of every replica that may lead: of those that
/// are in sync, or eligible, by what controllers have agreed on, and whose brokers are up in the life that is registered. So it is
/// never lost, and never moves.
#[derive(Clone)]
pub struct CommittedIsKept {
    name: &'static str,
    acks: Acks,
    did: NewEntries,
    agreed: Agreed,
    acked: BTreeMap<TopicPartition, BTreeMap<Offset, (NodeId, Value)>>,
    /// By node: where the logs ended of which all was looked at.
    seen: PerLife<BTreeMap<TopicPartition, Offset>>,
}

impl CommittedIsKept {
    /// Of records that all in-sync replicas have acknowledged.
    pub fn of_all() -> Self {
        CommittedIsKept::of("log_broker/committed_is_kept", Acks::All)
    }

    /// Of records that only a leader has acknowledged: which nobody promises.
    pub fn of_leaders() -> Self {
        CommittedIsKept::of("log_broker/acked_by_the_leader_is_kept", Acks::Leader)
    }

    fn of(name: &'static str, acks: Acks) -> Self {
        let (did, agreed) = (NewEntries::default(), Agreed::default());
        CommittedIsKept { name, acks, did, agreed, acked: BTreeMap::new(), seen: PerLife::default() }
    }

    /// Reads what clients say. Returns the partitions of which something was acknowledged.
    fn read(&mut self, world: &World<LogBroker>) -> Result<Vec<TopicPartition>, Broken> {
        let mut news = Vec::new();
        for &node in world.changed() {
            let Some(client) = world.process(node).and_then(Node::client) else { continue };
            for did in self.did.of(world, node, client.did())? {
                let Did::Acked { value, partition, offset, acks } = did else { continue };
                if *acks != self.acks {
                    continue;
                }
                self.acked.entry(*partition).or_default().insert(*offset, (node, *value));
                news.push(*partition);
            }
        }
        Ok(news)
    }

    fn check(&self, node: NodeId, partition: TopicPartition, replica: &Replica) -> Verdict {
        for (offset, (client, value)) in self.acked.get(&partition).into_iter().flatten() {
            let batch = replica.log.batch_at(*offset);
            let found = batch.and_then(|batch| batch.values().find(|(at, _)| at == offset));
            if found.map(|(_, found)| found) != Some(*value) {
                let words = format!(
                    "{value:?} was acknowledged to {client} at {offset} of {partition}; {node}, which may lead, has {found:?} there"
                );
                return Err(Broken::new([node, *client], words));
            }
        }
        Ok(())
    }
}

impl Property<LogBroker> for CommittedIsKept {
    fn name(&self) -> String {
        self.name.into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        let acked = self.read(world)?;
        let is_new = self.agreed.look(world);
        let nodes: Vec<NodeId> =
            if is_new || !acked.is_empty() { world.present().collect() } else { world.changed().to_vec() };
        for node in nodes {
            for (partition, _) in self.agreed.metadata().partitions() {
                let Some(replica) = self.agreed.kept_by(world, node, partition) else {
                    self.seen.of(world, node).remove(&partition);
                    continue;
                };
                // Logs only lose what they lose by becoming shorter.
                let end = replica.log.end();
                let seen = self.seen.of(world, node).insert(partition, end);
                if acked.contains(&partition) || seen.is_none_or(|seen| end < seen) {
                    self.check(node, partition, replica)?;
                }
            }
        }
        Ok(())
    }
}
