//! What nobody promises of processing: that who does not acknowledge has processed what it got, and that nothing is processed twice.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::journal::{Event, Fate};
use seedbed_models::communication::message_queue::client::consumer::Did;
use seedbed_models::communication::message_queue::names::{BodyId, ChannelId, CopyId, DeliveryTag};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::message_queue::acks::Consumers;
use crate::communication::message_queue::reader::Reader;

type Delivery = (ChannelId, DeliveryTag);

/// Every delivery, and of which copy it is.
#[derive(Clone, Default)]
struct Deliveries {
    reader: Reader,
    copies: BTreeMap<Delivery, CopyId>,
    /// Those that are settled by being delivered.
    settled: BTreeSet<Delivery>,
    bodies: BTreeMap<CopyId, BodyId>,
}

impl Deliveries {
    fn read(&mut self, world: &World<MessageQueue>) {
        let Some(news) = self.reader.news(world) else { return };
        let mut last = None;
        for entry in news.entries {
            match &entry.event {
                Event::Entered { copy, message, .. } => _ = self.bodies.insert(*copy, message.body.id),
                Event::Delivered { copy, channel, tag, consumer: Some(_), .. } => {
                    self.copies.insert((*channel, *tag), *copy);
                    last = Some((*channel, *tag));
                }
                Event::Left { fate: Fate::AutoAcked, .. } => self.settled.extend(last.take()),
                _ => {}
            }
        }
    }
}

/// The node that has opened a connection is a part of its name.
fn node_of(channel: ChannelId) -> NodeId {
    NodeId((channel.connection.0 >> 48) as u16)
}

/// A message that is gone because it was delivered to a consumer which does not acknowledge was processed by it, though it crash.
#[derive(Clone, Default)]
pub struct AutoAckedIsProcessed {
    deliveries: Deliveries,
    consumers: Consumers,
}

impl Property<MessageQueue> for AutoAckedIsProcessed {
    fn name(&self) -> String {
        "message_queue/auto_acked_is_processed".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        self.consumers.read(world)?;
        let fallen: Vec<NodeId> =
            world.changed().iter().copied().filter(|node| world.process(*node).is_none()).collect();
        self.deliveries.read(world);
        for delivery in &self.deliveries.settled {
            let node = node_of(delivery.0);
            if fallen.contains(&node) && !self.consumers.processed.contains(delivery) {
                let copy = self.deliveries.copies[delivery];
                let body = self.deliveries.bodies.get(&copy);
                let words =
                    format!("{body:?} was delivered to {node}, which has crashed and not processed it: it is gone");
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}

/// A copy is processed once, though its acknowledgement be lost.
#[derive(Clone, Default)]
pub struct ProcessedOnce {
    deliveries: Deliveries,
    consumers: Consumers,
    processed: BTreeMap<CopyId, NodeId>,
}

impl Property<MessageQueue> for ProcessedOnce {
    fn name(&self) -> String {
        "message_queue/processed_once".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        self.deliveries.read(world);
        for (node, did) in self.consumers.read(world)? {
            let Did::Processed { body, channel, tag } = did else { continue };
            let Some(copy) = self.deliveries.copies.get(&(*channel, *tag)) else { continue };
            if let Some(before) = self.processed.insert(*copy, node) {
                let words = format!("{before} has processed {body:?}, and now {node} does again");
                return Err(Broken::new([before, node], words));
            }
        }
        Ok(())
    }
}
