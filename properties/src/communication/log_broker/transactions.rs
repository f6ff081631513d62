//! S7: transactions.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::log_broker::client::Did;
use seedbed_models::communication::log_broker::names::{ProducerId, TopicPartition};
use seedbed_models::communication::log_broker::record::{Batch, Value};
use seedbed_models::communication::log_broker::{LogBroker, Node};
use seedbed_sim::{Broken, NodeId, OpId, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::log_broker::watched::Committed;

/// The operation that has sent a value.
fn op_of(value: Value) -> OpId {
    OpId(value.0 >> 8)
}

/// S7: all records of a transaction are committed, in all partitions, or none is: it has one end. It is committed only if its producer
/// has asked for that, and its end is the one that its producer was told.
#[derive(Clone, Default)]
pub struct AllOrNone {
    did: NewEntries,
    committed: Committed,
    /// The transactions that are under way, as the logs say.
    open: BTreeMap<(TopicPartition, ProducerId), Vec<Value>>,
    /// How each has ended, and where that was seen first.
    ends: BTreeMap<OpId, (bool, TopicPartition)>,
    /// Those that their producers have asked to commit.
    asked: BTreeSet<OpId>,
    told: BTreeMap<OpId, (NodeId, bool)>,
}

impl AllOrNone {
    fn read(&mut self, world: &World<LogBroker>) -> Verdict {
        for &node in world.changed() {
            let Some(client) = world.process(node).and_then(Node::client) else { continue };
            for did in self.did.of(world, node, client.did())? {
                match did {
                    Did::Decided { op, commit: true } => _ = self.asked.insert(*op),
                    Did::Ended { op, outcome: Some(outcome) } => {
                        self.told.insert(*op, (node, *outcome));
                        self.agrees(*op)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Whether the end of a transaction is the one that its producer was told.
    fn agrees(&self, op: OpId) -> Verdict {
        let (Some((node, told)), Some((end, partition))) = (self.told.get(&op), self.ends.get(&op)) else {
            return Ok(());
        };
        if told == end {
            return Ok(());
        }
        let word = |committed: bool| if committed { "committed" } else { "aborted" };
        let words = format!(
            "{node} was told that transaction {} is {}; in {partition} it is {}",
            op.0,
            word(*told),
            word(*end)
        );
        Err(Broken::new([*node], words))
    }

    fn batch(&mut self, partition: TopicPartition, batch: &Batch) -> Verdict {
        let Some(produced) = batch.produced.filter(|produced| produced.transactional) else { return Ok(()) };
        let Some(marker) = batch.marker() else {
            let open = self.open.entry((partition, produced.id)).or_default();
            open.extend(batch.values().map(|(_, value)| value));
            return Ok(());
        };
        for value in self.open.remove(&(partition, produced.id)).into_iter().flatten() {
            let op = op_of(value);
            let (end, elsewhere) = *self.ends.entry(op).or_insert((marker.committed, partition));
            if end != marker.committed {
                let words = format!(
                    "transaction {} has ended in {partition} and {elsewhere} in different ways: {value:?}",
                    op.0
                );
                return Err(words.into());
            }
            if marker.committed && !self.asked.contains(&op) {
                return Err(format!(
                    "transaction {} is committed in {partition}, and its producer has not asked for it",
                    op.0
                )
                .into());
            }
            self.agrees(op)?;
        }
        Ok(())
    }
}

impl Property<LogBroker> for AllOrNone {
    fn name(&self) -> String {
        "log_broker/all_or_none".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        self.read(world)?;
        let Ok(news) = self.committed.look(world) else { return Ok(()) };
        news.iter().try_for_each(|(partition, batch)| self.batch(*partition, batch))
    }
}

/// When the faults have ended, every transaction comes to an end: no partition that can be written to waits for a marker.
#[derive(Clone, Default)]
pub struct TransactionsEnd {
    committed: Committed,
    open: BTreeSet<(TopicPartition, ProducerId)>,
}

impl Property<LogBroker> for TransactionsEnd {
    fn name(&self) -> String {
        "log_broker/transactions_end".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    /// Leaders have to be elected first.
    fn patience(&self) -> seedbed_sim::Span {
        seedbed_sim::Span::secs(10)
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        let Ok(news) = self.committed.look(world) else { return Ok(()) };
        for (partition, batch) in news {
            let Some(produced) = batch.produced.filter(|produced| produced.transactional) else { continue };
            match batch.marker() {
                Some(_) => _ = self.open.remove(&(partition, produced.id)),
                None => _ = self.open.insert((partition, produced.id)),
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<LogBroker>) -> Verdict {
        use crate::communication::log_broker::watched::broker;
        // Partitions that have lost all their in-sync replicas are not written to any more.
        let metadata =
            world.processes().filter_map(|(node, _)| broker(world, node)).map(|broker| broker.quorum().metadata());
        let Some(metadata) = metadata
            .max_by_key(|metadata| metadata.partitions().map(|(_, state)| state.partition_epoch.0).sum::<u32>())
        else {
            return Ok(());
        };
        let is_writable = |partition: TopicPartition| {
            let state = metadata.partition(partition);
            state.is_some_and(|state| state.leader.is_some() && state.isr.len() >= usize::from(metadata.min_insync()))
        };
        let all_writable = metadata.partitions().all(|(partition, _)| is_writable(partition));
        match self.open.first().filter(|_| all_writable) {
            Some((partition, producer)) => {
                Err(format!("a transaction of {producer:?} has not ended in {partition}").into())
            }
            None => Ok(()),
        }
    }
}
