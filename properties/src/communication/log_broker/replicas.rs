//! S2: replicas agree.

use std::collections::BTreeMap;

use seedbed_models::communication::log_broker::LogBroker;
use seedbed_models::communication::log_broker::names::{Offset, TopicPartition};
use seedbed_models::communication::log_broker::numbers::LeaderEpoch;
use seedbed_models::communication::log_broker::record::Batch;
use seedbed_sim::{Broken, PerLife, Property, Verdict, World};

use crate::communication::log_broker::watched::{Committed, broker};

/// S2: below their high watermarks, all replicas of a partition have the same batches (log matching).
#[derive(Clone, Default)]
pub struct ReplicasAgree {
    committed: Committed,
}

impl Property<LogBroker> for ReplicasAgree {
    fn name(&self) -> String {
        "log_broker/replicas_agree".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        self.committed.look(world).map(|_| ())
    }
}

/// In one leader epoch, one broker appends: an offset has one batch in it, wherever it is (KIP-101).
#[derive(Clone, Default)]
pub struct OneLeaderAnEpoch {
    appended: BTreeMap<(TopicPartition, LeaderEpoch, Offset), Batch>,
    /// By node and partition: where its log ended.
    seen: PerLife<BTreeMap<TopicPartition, Offset>>,
}

impl Property<LogBroker> for OneLeaderAnEpoch {
    fn name(&self) -> String {
        "log_broker/one_leader_an_epoch".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        for &node in world.changed() {
            let Some(broker) = broker(world, node) else { continue };
            let seen = self.seen.of(world, node);
            for (partition, replica) in broker.replicas() {
                let seen = seen.entry(partition).or_default();
                *seen = (*seen).min(replica.log.end());
                let batches = replica.log.batches();
                let first = batches.partition_point(|batch| batch.base_offset < *seen);
                for batch in &batches[first..] {
                    let key = (partition, batch.leader_epoch, batch.base_offset);
                    let known = self.appended.entry(key).or_insert_with(|| batch.clone());
                    if known != batch {
                        let words =
                            format!("{node} has {batch:?} in {partition}, and another broker has had {known:?}");
                        return Err(Broken::new([node], words));
                    }
                }
                *seen = replica.log.end();
            }
        }
        Ok(())
    }
}
