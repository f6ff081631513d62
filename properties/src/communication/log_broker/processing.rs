//! S6: what is committed was processed; and what is processed when all is over.

use std::collections::BTreeMap;

use seedbed_models::communication::log_broker::consumer::Did;
use seedbed_models::communication::log_broker::groups::{GroupKey, GroupValue};
use seedbed_models::communication::log_broker::names::{Offset, TopicPartition};
use seedbed_models::communication::log_broker::record::{Data, Value};
use seedbed_models::communication::log_broker::settings::{Commits, ORDERS};
use seedbed_models::communication::log_broker::{LogBroker, Node};
use seedbed_sim::{Broken, NodeId, Property, Span, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::log_broker::watched::Committed;

/// What consumers have processed.
#[derive(Clone, Default)]
struct Processing {
    did: NewEntries,
    processed: BTreeMap<(TopicPartition, Offset), (NodeId, Value)>,
}

impl Processing {
    /// Reads on. Returns what was processed that somebody had processed before: by whom, and by whom again.
    fn look(&mut self, world: &World<LogBroker>) -> Result<Vec<(TopicPartition, Offset, NodeId, NodeId)>, Broken> {
        let mut again = Vec::new();
        for &node in world.changed() {
            let Some(consumer) = world.process(node).and_then(Node::consumer) else { continue };
            for did in self.did.of(world, node, consumer.did())? {
                let Did::Processed(partition, offset, value) = did else { continue };
                if let Some((before, _)) = self.processed.insert((*partition, *offset), (node, *value)) {
                    again.push((*partition, *offset, before, node));
                }
            }
        }
        Ok(again)
    }
}

/// S6: a committed position never runs ahead of processing: all committed records below it were processed by somebody. Whoever commits
/// before does not promise it.
#[derive(Clone, Default)]
pub struct CommittedWhenProcessed {
    processing: Processing,
    committed: Committed,
    /// By partition: up to where all was found to be processed.
    checked: BTreeMap<TopicPartition, Offset>,
}

impl CommittedWhenProcessed {
    fn check(&mut self, partition: TopicPartition, to: Offset) -> Verdict {
        let from = self.checked.get(&partition).copied().unwrap_or_default();
        let batches = self.committed.batches(partition);
        let first = batches.partition_point(|batch| batch.next_offset() <= from);
        let values = batches[first..].iter().flat_map(|batch| batch.values());
        for (offset, value) in values.filter(|(offset, _)| *offset >= from).take_while(|(offset, _)| *offset < to) {
            if !self.processing.processed.contains_key(&(partition, offset)) {
                let words = format!("{to} of {partition} is committed, and nobody has processed {value:?} at {offset}");
                return Err(words.into());
            }
        }
        self.checked.insert(partition, from.max(to));
        Ok(())
    }
}

impl Property<LogBroker> for CommittedWhenProcessed {
    fn name(&self) -> String {
        "log_broker/committed_when_processed".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        let config = world.config();
        if config.consumers == 0 || config.settings.consumer.commits == Commits::BeforeProcessing {
            return Ok(());
        }
        self.processing.look(world)?;
        let Ok(news) = self.committed.look(world) else { return Ok(()) };
        for (_, batch) in news {
            for (_, record) in batch.records() {
                let Data::Group(record) = &record.data else { continue };
                if let (GroupKey::Position(_, partition), Some(GroupValue::Position { position, .. })) =
                    (record.key, &record.value)
                {
                    self.check(partition, position.offset)?;
                }
            }
        }
        Ok(())
    }
}

/// L: when the faults have ended, all that is committed in the topic is processed (*at least once*): by whoever commits after it has
/// processed.
#[derive(Clone)]
pub struct AllIsProcessed {
    also_early: bool,
    processing: Processing,
    committed: Committed,
}

impl AllIsProcessed {
    /// Of consumers that promise it.
    pub fn where_promised() -> Self {
        AllIsProcessed { also_early: false, processing: Processing::default(), committed: Committed::default() }
    }

    /// Of those too that commit before they process.
    pub fn always() -> Self {
        AllIsProcessed { also_early: true, ..AllIsProcessed::where_promised() }
    }
}

impl Property<LogBroker> for AllIsProcessed {
    fn name(&self) -> String {
        if self.also_early { "log_broker/processed_at_least_once" } else { "log_broker/all_is_processed" }.into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn patience(&self) -> Span {
        Span::secs(10)
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        self.processing.look(world)?;
        drop(self.committed.look(world));
        Ok(())
    }

    fn at_end(&mut self, world: &World<LogBroker>) -> Verdict {
        let config = world.config();
        let is_early = config.settings.consumer.commits == Commits::BeforeProcessing;
        let consumers = world.present().filter(|node| config.consumer_ids().contains(&node.0)).count();
        if consumers == 0 || is_early && !self.also_early {
            return Ok(());
        }
        let partitions = (0..config.partitions).map(|number| TopicPartition::new(ORDERS, number));
        for partition in partitions {
            for (offset, value) in self.committed.batches(partition).iter().flat_map(|batch| batch.values()) {
                if !self.processing.processed.contains_key(&(partition, offset)) {
                    return Err(format!("nobody has processed {value:?}, at {offset} of {partition}").into());
                }
            }
        }
        Ok(())
    }
}

/// A record is processed once. Nobody promises that.
#[derive(Clone, Default)]
pub struct ProcessedOnce(Processing);

impl Property<LogBroker> for ProcessedOnce {
    fn name(&self) -> String {
        "log_broker/processed_once".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        match self.0.look(world)?.first() {
            None => Ok(()),
            Some((partition, offset, first, second)) => {
                let words = format!("{second} processes {offset} of {partition}, which {first} has processed");
                Err(Broken::new([*first, *second], words))
            }
        }
    }
}
