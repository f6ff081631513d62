//! Exchanges, queues, channels and consumers: how they come and go (AMQP 0-9-1, §1.5 to §1.8; RabbitMQ, *Queues*).

use crate::communication::message_queue::books::channel::Channel;
use crate::communication::message_queue::books::command::{AckMode, Answer, Effects, Exception, OnlyIf};
use crate::communication::message_queue::books::exchange::{Binding, Exchange, ExchangeKind};
use crate::communication::message_queue::books::journal::{Event, Fate, Return};
use crate::communication::message_queue::books::queue::{Consumer, Queue};
use crate::communication::message_queue::books::settings::{QueueKind, QueueSettings};
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::names::{ChannelId, ConnectionId, ConsumerTag, ExchangeName, QueueName};

/// What a command answers, or why its channel is closed.
pub(super) type Outcome = Result<Answer, Exception>;

impl Books {
    /// `exchange.declare`: again and the same it changes nothing, again and different it is refused.
    pub(super) fn declare_exchange(&mut self, name: ExchangeName, kind: ExchangeKind, durable: bool) -> Outcome {
        match self.exchanges.get(&name) {
            _ if name.is_default() => Err(Exception::AccessRefused),
            Some(known) if (known.kind, known.durable) != (kind, durable) => Err(Exception::PreconditionFailed),
            Some(_) => Ok(Answer::Done),
            None => {
                self.exchanges.insert(name, Exchange::new(kind, durable));
                Ok(Answer::Done)
            }
        }
    }

    /// `exchange.delete`: its bindings go with it. One that is not there is deleted already.
    pub(super) fn delete_exchange(&mut self, name: &ExchangeName, only_if: OnlyIf) -> Outcome {
        if name.is_default() {
            return Err(Exception::AccessRefused);
        }
        let is_used = self.exchanges.get(name).is_some_and(|exchange| exchange.bindings().next().is_some());
        if only_if.unused && is_used {
            return Err(Exception::PreconditionFailed);
        }
        self.exchanges.remove(name);
        Ok(Answer::Done)
    }

    /// `queue.declare`.
    pub(super) fn declare_queue(&mut self, name: QueueName, settings: QueueSettings) -> Outcome {
        let now = self.now;
        settings.validate().map_err(|_| Exception::PreconditionFailed)?;
        if let Some(known) = self.queues.get_mut(&name) {
            if known.settings != settings {
                return Err(Exception::PreconditionFailed);
            }
            known.unused_since = now;
            return Ok(Answer::Ready(known.ready.len() as u64));
        }
        self.queues.insert(name, Queue::new(settings, now));
        Ok(Answer::Ready(0))
    }

    /// `queue.delete`. RabbitMQ deletes quorum queues on no condition. One that is not there is deleted already.
    pub(super) fn delete_queue(&mut self, name: &QueueName, only_if: OnlyIf, effects: &mut Effects) -> Outcome {
        if let Some(queue) = self.queues.get(name) {
            if queue.settings.kind == QueueKind::Quorum && only_if != OnlyIf::default() {
                return Err(Exception::NotImplemented);
            }
            let (is_used, is_empty) = (!queue.consumers.is_empty(), queue.ready.is_empty());
            if only_if.unused && is_used || only_if.empty && !is_empty {
                return Err(Exception::PreconditionFailed);
            }
        }
        Ok(Answer::Ready(self.remove_queue(name, effects)))
    }

    /// Removes a queue, and says how many messages were ready: nothing of it is dead-lettered; its consumers are told.
    pub(super) fn remove_queue(&mut self, name: &QueueName, effects: &mut Effects) -> u64 {
        let Some(mut queue) = self.queues.remove(name) else { return 0 };
        let ready = queue.ready.len() as u64;
        let unacked: Vec<_> = self
            .unacked()
            .filter(|(_, _, unacked)| unacked.queue == *name)
            .map(|(_, _, unacked)| unacked.queued.id)
            .collect();
        let gone = queue.ready.drain().into_iter().map(|queued| queued.id).chain(unacked);
        for copy in gone.collect::<Vec<_>>() {
            self.record(Event::Left { copy, queue: name.clone(), fate: Fate::QueueDeleted });
        }
        self.channels.values_mut().for_each(|channel| channel.orphan(name));
        self.exchanges.values_mut().for_each(|exchange| exchange.unbind_all(name));
        for consumer in queue.consumers {
            effects.cancelled.push((consumer.channel, consumer.tag));
            self.record(Event::Unsubscribed { queue: name.clone(), channel: consumer.channel, consumer: consumer.tag });
        }
        ready
    }

    /// `queue.purge`: what is ready goes, what is not acknowledged stays.
    pub(super) fn purge(&mut self, name: &QueueName) -> Outcome {
        let queue = self.queues.get_mut(name).ok_or(Exception::NotFound)?;
        let gone = queue.ready.drain();
        for queued in &gone {
            self.record(Event::Left { copy: queued.id, queue: name.clone(), fate: Fate::Purged });
        }
        Ok(Answer::Ready(gone.len() as u64))
    }

    /// `queue.bind`, `queue.unbind`. The default exchange has the bindings that it has.
    pub(super) fn bind(&mut self, exchange: &ExchangeName, queue: QueueName, binding: Binding, there: bool) -> Outcome {
        if exchange.is_default() {
            return Err(Exception::AccessRefused);
        }
        if !self.has_exchange(exchange) || !self.queues.contains_key(&queue) {
            return if there { Err(Exception::NotFound) } else { Ok(Answer::Done) };
        }
        let exchange = self.exchanges.get_mut(exchange).expect("it was looked for");
        if there {
            exchange.bind(queue, binding);
        } else {
            exchange.unbind(&queue, &binding);
        }
        Ok(Answer::Done)
    }

    /// `channel.open`.
    pub(super) fn open_channel(&mut self, channel: ChannelId) -> Outcome {
        self.channels.entry(channel).or_default();
        Ok(Answer::Done)
    }

    /// A channel ends: its consumers are gone, and what it had not acknowledged goes back (*Consumer Acknowledgements*, "Automatic
    /// Requeueing").
    pub(super) fn close_channel(&mut self, channel: ChannelId, why: Return) {
        let Some(of_channel) = self.channels.remove(&channel) else { return };
        let now = self.now;
        let mut gone = Vec::new();
        for (name, queue) in &mut self.queues {
            let before = queue.consumers.len();
            let (ended, others) = queue.consumers.iter().partition(|consumer| consumer.channel == channel);
            queue.consumers = others;
            gone.extend(Vec::into_iter(ended).map(|consumer: Consumer| (name.clone(), consumer.tag)));
            if queue.consumers.is_empty() && before > 0 {
                queue.unused_since = now;
            }
        }
        for (queue, consumer) in gone {
            self.record(Event::Unsubscribed { queue, channel, consumer });
        }
        for unacked in of_channel.into_unacked().filter(|unacked| !unacked.orphaned) {
            self.give_back(&unacked.queue, unacked.queued, why);
        }
    }

    /// All channels of a connection end.
    pub(super) fn close_connection(&mut self, connection: ConnectionId) {
        let channels: Vec<ChannelId> = self.channels.keys().filter(|id| id.connection == connection).copied().collect();
        channels.into_iter().for_each(|channel| self.close_channel(channel, Return::Closed));
    }

    /// `basic.qos`.
    pub(super) fn qos(&mut self, channel: ChannelId, prefetch: u16, global: bool) -> Outcome {
        let of_channel = self.channels.get_mut(&channel).expect("commands on a channel come while it is open");
        if global {
            of_channel.global_prefetch = prefetch;
        } else {
            of_channel.prefetch = prefetch;
        }
        Ok(Answer::Done)
    }

    /// `basic.consume`. Quorum queues know no limit of a channel (*Quorum Queues*, "Global QoS").
    pub(super) fn consume(&mut self, channel: ChannelId, name: QueueName, tag: ConsumerTag, mode: AckMode) -> Outcome {
        let is_taken = |queue: &Queue| queue.consumers.iter().any(|consumer| consumer.is(channel, tag));
        if self.queues.values().any(is_taken) {
            return Err(Exception::NotAllowed);
        }
        let Channel { prefetch, global_prefetch, .. } = self.channels[&channel];
        let queue = self.queues.get_mut(&name).ok_or(Exception::NotFound)?;
        if queue.settings.kind == QueueKind::Quorum && global_prefetch > 0 {
            return Err(Exception::NotImplemented);
        }
        queue.line_up(Consumer { channel, tag, mode, prefetch, blocked: false });
        self.record(Event::Subscribed { queue: name, channel, consumer: tag });
        Ok(Answer::Done)
    }

    /// `basic.cancel`: what was delivered stays with its channel.
    pub(super) fn cancel(&mut self, channel: ChannelId, tag: ConsumerTag) -> Outcome {
        let now = self.now;
        let subscribed =
            self.queues.iter_mut().find(|(_, queue)| queue.consumers.iter().any(|other| other.is(channel, tag)));
        let Some((name, queue)) = subscribed else { return Ok(Answer::Done) };
        queue.consumers.retain(|other| !other.is(channel, tag));
        queue.unused_since = now;
        let queue = name.clone();
        self.record(Event::Unsubscribed { queue, channel, consumer: tag });
        Ok(Answer::Done)
    }

    /// `basic.get`.
    pub(super) fn get(&mut self, channel: ChannelId, name: &QueueName, mode: AckMode) -> Outcome {
        let now = self.now;
        let queue = self.queues.get_mut(name).ok_or(Exception::NotFound)?;
        if queue.settings.refuses_get() {
            return Err(Exception::ResourceLocked);
        }
        queue.unused_since = now;
        let head = self.take_head(name);
        let got = head.map(|queued| Box::new(self.deliver(name, queued, channel, None, mode)));
        Ok(Answer::Got(got))
    }

    /// The broker has restarted (RabbitMQ, *Queues*, "Durability"): connections are gone, and with them what is not durable. In a quorum
    /// queue all messages are (*Quorum Queues*, "Feature Matrix").
    pub(super) fn restart(&mut self, effects: &mut Effects) {
        self.take_over();
        let transient: Vec<QueueName> =
            self.queues.iter().filter(|(_, queue)| !queue.settings.durable).map(|(name, _)| name.clone()).collect();
        for name in transient {
            self.remove_queue(&name, effects);
        }
        self.exchanges.retain(|_, exchange| exchange.durable);
        let mut lost = Vec::new();
        for (name, queue) in self.queues.iter_mut().filter(|(_, queue)| queue.settings.kind == QueueKind::Classic) {
            let gone = queue.ready.extract(|queued| !queued.message.properties.persistent);
            lost.extend(gone.into_iter().map(|queued| (name.clone(), queued.id)));
        }
        for (queue, copy) in lost {
            self.record(Event::Left { copy, queue, fate: Fate::NotDurable });
        }
    }

    /// Nobody is connected to who leads now.
    pub(super) fn take_over(&mut self) {
        let channels: Vec<ChannelId> = self.channels.keys().copied().collect();
        channels.into_iter().for_each(|channel| self.close_channel(channel, Return::BrokerLost));
    }
}
