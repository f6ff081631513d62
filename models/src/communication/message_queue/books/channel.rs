//! A channel: its deliveries that are not acknowledged. Each is here and nowhere else, so it has one owner.

use std::collections::BTreeMap;

use crate::communication::message_queue::books::message::Queued;
use crate::communication::message_queue::names::{ConsumerTag, DeliveryTag, QueueName};

/// A delivery that is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unacked {
    /// The queue it goes back to.
    pub queue: QueueName,
    /// To which consumer it was delivered; `None` if it was asked for by `basic.get`.
    pub consumer: Option<ConsumerTag>,
    /// The copy.
    pub queued: Queued,
    /// Whether that queue was deleted since: then whatever becomes of the delivery is of no account.
    pub orphaned: bool,
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Channel {
    last_tag: u64,
    /// The limit of each consumer that subscribes from now on.
    pub(super) prefetch: u16,
    /// The limit of the channel.
    pub(super) global_prefetch: u16,
    unacked: BTreeMap<DeliveryTag, Unacked>,
}

impl Channel {
    /// The deliveries that are not acknowledged, by their tags.
    pub fn unacked(&self) -> impl Iterator<Item = (DeliveryTag, &Unacked)> {
        self.unacked.iter().map(|(tag, unacked)| (*tag, unacked))
    }

    /// How many of them a consumer has.
    pub fn unacked_of(&self, consumer: ConsumerTag) -> usize {
        self.unacked.values().filter(|unacked| unacked.consumer == Some(consumer)).count()
    }

    /// Whether it may have one more. What `basic.get` asks for is not limited, and counts.
    pub(super) fn has_room(&self) -> bool {
        self.global_prefetch == 0 || self.unacked.len() < usize::from(self.global_prefetch)
    }

    /// The limit of the channel; zero is none.
    pub fn global_prefetch(&self) -> u16 {
        self.global_prefetch
    }

    /// The tag of the next delivery.
    pub(super) fn next_tag(&mut self) -> DeliveryTag {
        self.last_tag += 1;
        DeliveryTag(self.last_tag)
    }

    /// A delivery waits to be acknowledged.
    pub(super) fn owns(&mut self, tag: DeliveryTag, unacked: Unacked) {
        let before = self.unacked.insert(tag, unacked);
        assert!(before.is_none(), "a delivery tag is used once on a channel: {before:?}");
    }

    /// The deliveries that a tag stands for: itself, or with `multiple` all up to it; zero with `multiple` is all. `None` if it is
    /// unknown (RabbitMQ closes the channel then).
    pub(super) fn meant(&self, tag: DeliveryTag, multiple: bool) -> Option<Vec<DeliveryTag>> {
        if multiple && tag == DeliveryTag(0) {
            return Some(self.unacked.keys().copied().collect());
        }
        if !self.unacked.contains_key(&tag) {
            return None;
        }
        let first = if multiple { DeliveryTag(0) } else { tag };
        Some(self.unacked.range(first..=tag).map(|(tag, _)| *tag).collect())
    }

    /// Takes a delivery that was waiting.
    pub(super) fn take(&mut self, tag: DeliveryTag) -> Option<Unacked> {
        self.unacked.remove(&tag)
    }

    /// A queue is gone. A later one of its name is another one.
    pub(super) fn orphan(&mut self, queue: &QueueName) {
        self.unacked.values_mut().filter(|unacked| unacked.queue == *queue).for_each(|unacked| unacked.orphaned = true);
    }

    /// All deliveries that wait, in the order of their tags.
    pub(super) fn into_unacked(self) -> impl Iterator<Item = Unacked> {
        self.unacked.into_values()
    }

    /// The oldest delivery that waits, and the first behind a tag: for planted bugs.
    pub(super) fn oldest(&self) -> Option<DeliveryTag> {
        self.unacked.keys().next().copied()
    }

    pub(super) fn behind(&self, tag: DeliveryTag) -> Option<DeliveryTag> {
        self.unacked.keys().find(|other| **other > tag).copied()
    }
}
