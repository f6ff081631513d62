//! How messages leave queues to consumers (RabbitMQ, *Consumers*; *Consumer Prefetch*).

use crate::communication::message_queue::books::channel::Unacked;
use crate::communication::message_queue::books::command::{AckMode, Delivery, Effects};
use crate::communication::message_queue::books::journal::{Event, Fate};
use crate::communication::message_queue::books::message::Queued;
use crate::communication::message_queue::books::queue::Consumer;
use crate::communication::message_queue::books::settings::QueueKind;
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::names::{ChannelId, ConsumerTag, QueueName};

impl Books {
    /// Delivers what is ready to consumers that have room, one message to each in turn. Says whether there was any.
    pub(super) fn deliver_all(&mut self, name: &QueueName, effects: &mut Effects) -> bool {
        let mut delivered = false;
        // Whose turn it is changes with a delivery alone.
        while self.head_may_be_delivered(name)
            && let Some(consumer) = self.next_consumer(name)
        {
            let queued = self.take_head(name).expect("the head was there a moment ago");
            let copy = self.planted(Bug::DeliveredTwice).then(|| queued.clone());
            let other = if copy.is_some() { self.next_consumer(name) } else { None };
            for (consumer, queued) in [(Some(consumer), Some(queued)), (other, copy)] {
                let (Some(Consumer { channel, tag, mode, .. }), Some(queued)) = (consumer, queued) else { continue };
                effects.deliveries.push(self.deliver(name, queued, channel, Some(tag), mode));
            }
            delivered = true;
        }
        delivered
    }

    /// Whether a queue has a head, and that may be delivered.
    fn head_may_be_delivered(&self, name: &QueueName) -> bool {
        let head = self.queues.get(name).and_then(|queue| queue.ready.head());
        head.is_some_and(|head| self.planted(Bug::DeliversExpired) || head.may_be_delivered(self.now))
    }

    /// The head of a queue, if there is one that may be delivered.
    pub(super) fn take_head(&mut self, name: &QueueName) -> Option<Queued> {
        if self.head_may_be_delivered(name) { self.queues.get_mut(name)?.ready.pop() } else { None }
    }

    /// Gives a message to who consumes it, or has asked for it.
    pub(super) fn deliver(
        &mut self,
        name: &QueueName,
        mut queued: Queued,
        channel: ChannelId,
        consumer: Option<ConsumerTag>,
        mode: AckMode,
    ) -> Delivery {
        let of_channel = self.channels.get_mut(&channel).expect("a delivery goes to a channel that is open");
        let tag = of_channel.next_tag();
        let redelivered = queued.acquired > 0 && self.bug != Some(Bug::RedeliveredNotSaid);
        queued.acquired += 1;
        let is_quorum = self.queues[name].settings.kind == QueueKind::Quorum;
        let delivery = Delivery {
            channel,
            consumer,
            tag,
            redelivered,
            delivery_count: if is_quorum { queued.failed } else { 0 },
            queue: name.clone(),
            message: queued.message.clone(),
        };
        let (copy, queue, manual) = (queued.id, name.clone(), mode == AckMode::Manual);
        if manual {
            let of_channel = self.channels.get_mut(&channel).expect("it was there a moment ago");
            of_channel.owns(tag, Unacked { queue: queue.clone(), consumer, queued, orphaned: false });
        }
        self.record(Event::Delivered { copy, queue: queue.clone(), channel, consumer, tag, redelivered, manual });
        if !manual {
            self.record(Event::Left { copy, queue, fate: Fate::AutoAcked });
        }
        delivery
    }

    /// The consumer that is served next: the first that has room, and then it is the last. With a single active consumer, only the
    /// first, and it stays (*Consumers*, "Single Active Consumer").
    fn next_consumer(&mut self, name: &QueueName) -> Option<Consumer> {
        let queue = self.queues.get(name)?;
        let candidates = if queue.settings.single_active && !self.planted(Bug::SingleActiveIgnored) {
            &queue.consumers[..queue.consumers.len().min(1)]
        } else {
            &queue.consumers[..]
        };
        let place = candidates.iter().position(|consumer| self.has_room(consumer))?;
        let queue = self.queues.get_mut(name)?;
        let consumer = queue.consumers[place];
        if !queue.settings.single_active {
            queue.consumers.remove(place);
            queue.consumers.push(consumer);
        }
        Some(consumer)
    }

    /// *Consumer Prefetch*: both limits hold, that of the consumer and that of its channel. Who does not acknowledge has no limit.
    fn has_room(&self, consumer: &Consumer) -> bool {
        if consumer.mode == AckMode::Auto || self.planted(Bug::PrefetchIgnored) {
            return true;
        }
        let Some(channel) = self.channels.get(&consumer.channel) else { return false };
        let own = consumer.prefetch == 0 || channel.unacked_of(consumer.tag) < usize::from(consumer.prefetch);
        own && channel.has_room()
    }
}
