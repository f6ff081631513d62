//! What has become of each copy, by the journal alone.

use std::collections::BTreeMap;

use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Fate, Origin, Settlement};
use seedbed_models::communication::message_queue::books::message::Message;
use seedbed_models::communication::message_queue::names::{
    BodyId, ChannelId, ConsumerTag, CopyId, DeliveryTag, QueueName,
};
use seedbed_sim::Time;

/// Who has a delivery that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    pub channel: ChannelId,
    pub tag: DeliveryTag,
}

/// Where a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Ready,
    Unacked(Holder),
    Left(Fate),
}

/// A copy.
#[derive(Clone, Debug)]
pub struct Copied {
    pub queue: QueueName,
    pub message: Message,
    pub origin: Origin,
    pub entered: Time,
    pub place: Place,
    /// How often it was delivered.
    pub delivered: u32,
    /// How often it came back for a failure.
    pub failed: u32,
    /// When it came back last, as the number of an entry.
    pub returned: Option<u64>,
}

/// All copies.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    copies: BTreeMap<CopyId, Copied>,
    of_body: BTreeMap<BodyId, Vec<CopyId>>,
    /// The consumers of each queue, in the order in which they have subscribed.
    consumers: BTreeMap<QueueName, Vec<(ChannelId, ConsumerTag)>>,
    /// The deliveries that are not settled.
    held: BTreeMap<(ChannelId, DeliveryTag), CopyId>,
    entries: u64,
}

impl Ledger {
    pub fn copy(&self, id: CopyId) -> Option<&Copied> {
        self.copies.get(&id)
    }

    pub fn copies(&self) -> impl Iterator<Item = (CopyId, &Copied)> {
        self.copies.iter().map(|(id, copied)| (*id, copied))
    }

    /// The copies of a message, its dead letters included.
    pub fn of_body(&self, body: BodyId) -> impl Iterator<Item = (CopyId, &Copied)> {
        self.of_body.get(&body).into_iter().flatten().map(|id| (*id, &self.copies[id]))
    }

    /// The copies that are ready in a queue.
    pub fn ready_in<'a>(&'a self, queue: &'a QueueName) -> impl Iterator<Item = (CopyId, &'a Copied)> {
        self.copies().filter(move |(_, copied)| copied.place == Place::Ready && copied.queue == *queue)
    }

    pub fn consumers(&self, queue: &QueueName) -> &[(ChannelId, ConsumerTag)] {
        self.consumers.get(queue).map_or(&[], Vec::as_slice)
    }

    /// The copies that a channel means by a tag: that of the tag, or with `multiple` all up to it.
    pub fn meant(&self, channel: ChannelId, tag: DeliveryTag, multiple: bool) -> Vec<CopyId> {
        let all = multiple && tag == DeliveryTag(0);
        let is_meant = |of: DeliveryTag| of == tag || multiple && (of < tag || all);
        let first = (channel, DeliveryTag(0));
        let of_channel = self.held.range(first..).take_while(|((of, _), _)| *of == channel);
        of_channel.filter(|((_, of), _)| is_meant(*of)).map(|(_, copy)| *copy).collect()
    }

    /// Takes the next entry.
    pub fn read(&mut self, entry: &Entry) {
        self.entries += 1;
        match &entry.event {
            Event::Entered { copy, queue, message, origin } => {
                self.of_body.entry(message.body.id).or_default().push(*copy);
                let copied = Copied {
                    queue: queue.clone(),
                    message: message.clone(),
                    origin: *origin,
                    entered: entry.at,
                    place: Place::Ready,
                    delivered: 0,
                    failed: 0,
                    returned: None,
                };
                self.copies.insert(*copy, copied);
            }
            Event::Delivered { copy, channel, tag, .. } => {
                self.move_to(*copy, Place::Unacked(Holder { channel: *channel, tag: *tag }));
                self.held.insert((*channel, *tag), *copy);
                if let Some(copied) = self.copies.get_mut(copy) {
                    copied.delivered += 1;
                }
            }
            Event::Returned { copy, why, .. } => {
                self.move_to(*copy, Place::Ready);
                if let Some(copied) = self.copies.get_mut(copy) {
                    copied.failed += u32::from(why.is_failure());
                    copied.returned = Some(self.entries);
                }
            }
            Event::Left { copy, fate, .. } => self.move_to(*copy, Place::Left(*fate)),
            Event::Subscribed { queue, channel, consumer } => {
                self.consumers.entry(queue.clone()).or_default().push((*channel, *consumer));
            }
            Event::Unsubscribed { queue, channel, consumer } => {
                let consumers = self.consumers.entry(queue.clone()).or_default();
                consumers.retain(|other| *other != (*channel, *consumer));
            }
            Event::Published { .. } | Event::Refused { .. } | Event::Unroutable { .. } | Event::Settled { .. } => {}
        }
    }

    fn move_to(&mut self, copy: CopyId, place: Place) {
        let Some(copied) = self.copies.get_mut(&copy) else { return };
        if let Place::Unacked(Holder { channel, tag }) = std::mem::replace(&mut copied.place, place) {
            self.held.remove(&(channel, tag));
        }
    }
}

/// Whether this is how deliveries are acknowledged.
pub fn is_ack(how: Settlement) -> bool {
    how == Settlement::Ack
}
