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
        self.unblock(name);
        while self.has_head(name) {
            let Some(consumer) = self.next_consumer(name) else { break };
            let queued = self.take_head(name).expect("there is one");
            let copy = self.planted(Bug::DeliveredTwice).then(|| queued.clone());
            let other = if copy.is_some() { self.next_consumer(name) } else { None };
            for (consumer, queued) in [(Some(consumer), Some(queued)), (other, copy)] {
                let (Some(Consumer { channel, tag, mode, .. }), Some(queued)) = (consumer, queued) else { continue };
                effects.deliveries.push(self.deliver(name, queued, channel, Some(tag), mode));
            }
            self.block_at_once(name);
            delivered = true;
        }
        delivered
    }

    /// Whether there is a head of a queue, and it may be delivered.
    fn has_head(&self, name: &QueueName) -> bool {
        let careless = self.planted(Bug::DeliversExpired);
        let head = self.queues.get(name).and_then(|queue| queue.ready.head());
        head.is_some_and(|head| careless || head.may_be_delivered(self.now))
    }

    /// The head of a queue, if there is one that may be delivered.
    pub(super) fn take_head(&mut self, name: &QueueName) -> Option<Queued> {
        let has_head = self.has_head(name);
        self.queues.get_mut(name).filter(|_| has_head)?.ready.pop()
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

    /// The consumer that is served next: the first in line, and then it is the last (*Consumers*, "round-robin"). Who is first and has
    /// no room steps out of the line, and comes to its end when there is room again. With a single active consumer, only the first is
    /// served, and stays the first (*Consumers*, "Single Active Consumer").
    fn next_consumer(&mut self, name: &QueueName) -> Option<Consumer> {
        let queue = self.queues.get(name)?;
        if queue.settings.single_active && !self.planted(Bug::SingleActiveIgnored) {
            return queue.consumers.first().filter(|consumer| self.has_room(consumer)).copied();
        }
        loop {
            let first = *self.queues.get(name)?.consumers.first().filter(|consumer| !consumer.blocked)?;
            let has_room = self.has_room(&first);
            let queue = self.queues.get_mut(name)?;
            if has_room {
                queue.consumers.remove(0);
                queue.line_up(first);
                return Some(first);
            }
            queue.block(0);
        }
    }

    /// Consumers that have room again come into the line.
    fn unblock(&mut self, name: &QueueName) {
        let Some(queue) = self.queues.get(name) else { return };
        let is_free = |consumer: &Consumer| consumer.blocked && self.has_room(consumer);
        let (free, others): (Vec<Consumer>, Vec<Consumer>) = queue.consumers.iter().copied().partition(is_free);
        let Some(queue) = self.queues.get_mut(name) else { return };
        queue.consumers = others;
        free.into_iter().for_each(|consumer| queue.line_up(consumer));
    }

    /// A classic queue sees that a consumer has no room when it is first in line; a quorum queue does with the delivery that takes the
    /// last of it.
    fn block_at_once(&mut self, name: &QueueName) {
        let Some(queue) = self.queues.get(name).filter(|queue| queue.settings.kind == QueueKind::Quorum) else {
            return;
        };
        let is_full = |consumer: &Consumer| !consumer.blocked && !self.has_room(consumer);
        if queue.settings.single_active {
            return;
        }
        let full = queue.consumers.iter().position(is_full);
        if let (Some(place), Some(queue)) = (full, self.queues.get_mut(name)) {
            queue.block(place);
        }
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
