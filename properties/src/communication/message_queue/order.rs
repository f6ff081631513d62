//! S8: order, from the publisher to the books, in the books, and from there to the consumer.

use std::collections::BTreeMap;

use seedbed_models::communication::message_queue::books::journal::{Entry, Event};
use seedbed_models::communication::message_queue::books::settings::QueueKind;
use seedbed_models::communication::message_queue::client::consumer;
use seedbed_models::communication::message_queue::client::publisher;
use seedbed_models::communication::message_queue::names::{BodyId, ChannelId, CopyId, QueueName};
use seedbed_models::communication::message_queue::topology::WORK;
use seedbed_models::communication::message_queue::{MessageQueue, Node};
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::message_queue::acks::Consumers;
use crate::communication::message_queue::audit::{Finding, Rule};
use crate::communication::message_queue::ledger::{Copied, Ledger};
use crate::communication::message_queue::reader::Reader;

/// What is delivered is the first of what is ready: the highest priority first, then as messages have come. A classic queue gives what
/// has come back its old place; a quorum queue delivers it before all that is new, as it has come back.
#[derive(Clone, Default)]
pub struct PublishOrder;

/// The priority of a message in its queue.
fn priority(model: &MessageQueue, copied: &Copied) -> u8 {
    let said = copied.message.properties.priority;
    match (model.queues, model.max_priority.filter(|_| copied.queue.as_str() == WORK)) {
        (QueueKind::Classic, None) => 0,
        (QueueKind::Classic, Some(most)) => said.unwrap_or(0).min(most),
        (QueueKind::Quorum, _) => said.unwrap_or(4).min(31),
    }
}

/// Whether a copy goes before another.
pub fn goes_before(model: &MessageQueue, (first, one): (CopyId, &Copied), (second, other): (CopyId, &Copied)) -> bool {
    match (model.queues, one.returned, other.returned) {
        (QueueKind::Quorum, Some(first), Some(second)) => first < second,
        (QueueKind::Quorum, Some(_), None) => true,
        (QueueKind::Quorum, None, Some(_)) => false,
        _ => {
            let (higher, lower) = (priority(model, one), priority(model, other));
            higher > lower || higher == lower && first < second
        }
    }
}

impl Rule for PublishOrder {
    const NAME: &'static str = "message_queue/publish_order";

    fn entry(&mut self, model: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let Event::Delivered { copy, queue, .. } = &entry.event else { return Ok(()) };
        let Some(copied) = ledger.copy(*copy) else { return Ok(()) };
        let overtaken =
            ledger.ready_in(queue).find(|other| other.0 != *copy && goes_before(model, *other, (*copy, copied)));
        match overtaken {
            Some((other, _)) => Err(format!("{copy:?} is delivered from {queue:?}, and {other:?} goes before it")),
            None => Ok(()),
        }
    }
}

/// What publishers have sent on each channel, of all their lives.
#[derive(Clone, Default)]
struct Sent {
    seen: NewEntries,
    by_channel: BTreeMap<ChannelId, Vec<BodyId>>,
}

impl Sent {
    fn read(&mut self, world: &World<MessageQueue>) -> Result<(), Broken> {
        for &node in world.changed() {
            let client = world.process(node).and_then(Node::client);
            let Some(publisher) = client.and_then(|client| client.publisher()) else { continue };
            for did in self.seen.of(world, node, publisher.did())? {
                if let publisher::Did::Sent(channel, body) = did {
                    self.by_channel.entry(*channel).or_default().push(*body);
                }
            }
        }
        Ok(())
    }
}

/// The publishes of a channel are executed in the order in which they were sent on it, each once, and none is left out.
#[derive(Clone, Default)]
pub struct PublishedAsSent {
    reader: Reader,
    sent: Sent,
    published: BTreeMap<ChannelId, usize>,
}

impl Property<MessageQueue> for PublishedAsSent {
    fn name(&self) -> String {
        "message_queue/published_as_sent".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        self.sent.read(world)?;
        let Some(news) = self.reader.news(world) else { return Ok(()) };
        if news.anew {
            self.published.clear();
        }
        for entry in news.entries {
            let Event::Published { channel, message, .. } = &entry.event else { continue };
            let place = self.published.entry(*channel).or_default();
            let sent = self.sent.by_channel.get(channel).and_then(|sent| sent.get(*place));
            if sent != Some(&message.body.id) {
                let words = format!("publish {place} of {channel:?} is {:?}, and {sent:?} was sent", message.body.id);
                return Err(Broken::new([news.node], words));
            }
            *place += 1;
        }
        Ok(())
    }
}

/// What a consumer gets on a channel is what the books have delivered there, in that order: tags go up one by one, and each has the
/// message, the queue and the flag that the journal has.
#[derive(Clone, Default)]
pub struct ReceivedAsDelivered {
    reader: Reader,
    consumers: Consumers,
    ledger: Ledger,
    delivered: BTreeMap<ChannelId, Vec<Delivered>>,
    received: BTreeMap<ChannelId, usize>,
}

type Delivered = (u64, QueueName, BodyId, bool);

impl ReceivedAsDelivered {
    fn journal(&mut self, entry: &Entry) {
        if let Event::Delivered { copy, queue, channel, tag, redelivered, .. } = &entry.event
            && let Some(copied) = self.ledger.copy(*copy)
        {
            let delivered = (tag.0, queue.clone(), copied.message.body.id, *redelivered);
            let known = self.delivered.entry(*channel).or_default();
            // A journal that is replayed says again what was said.
            if known.last().is_none_or(|last| last.0 < tag.0) {
                known.push(delivered);
            }
        }
        self.ledger.read(entry);
    }
}

impl Property<MessageQueue> for ReceivedAsDelivered {
    fn name(&self) -> String {
        "message_queue/received_as_delivered".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        if let Some(news) = self.reader.news(world) {
            if news.anew {
                self.ledger = Ledger::default();
            }
            news.entries.iter().for_each(|entry| self.journal(entry));
        }
        for (node, did) in self.consumers.read(world)? {
            let consumer::Did::Received(delivery) = did else { continue };
            let place = self.received.entry(delivery.channel).or_default();
            let delivered = self.delivered.get(&delivery.channel).and_then(|all| all.get(*place));
            let body = delivery.message.body.id;
            let received = (delivery.tag.0, delivery.queue.clone(), body, delivery.redelivered);
            if delivered != Some(&received) {
                let words =
                    format!("{node} gets {received:?} on {:?}, and {delivered:?} was delivered", delivery.channel);
                return Err(Broken::new([node], words));
            }
            *place += 1;
        }
        Ok(())
    }
}
