//! How messages come into queues: published, and dead-lettered.

use std::collections::BTreeSet;

use crate::communication::message_queue::books::command::{Answer, Exception, Publish};
use crate::communication::message_queue::books::journal::{Event, Fate, Origin};
use crate::communication::message_queue::books::message::{Message, Queued, Reason};
use crate::communication::message_queue::books::settings::Overflow;
use crate::communication::message_queue::books::state::{Books, DeadLetter};
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::names::{ChannelId, CopyId, ExchangeName, QueueName};

impl Books {
    /// `basic.publish` (AMQP 0-9-1, §1.8.3.7): a copy for each queue that the exchange routes to.
    pub(super) fn publish(&mut self, channel: ChannelId, publish: Publish) -> Result<Answer, Exception> {
        let Publish { exchange, key, mandatory, properties, body } = publish;
        if !exchange.is_default() && !self.exchanges.contains_key(&exchange) {
            return Err(Exception::NotFound);
        }
        let message = Message::new(body, exchange, key, properties);
        let routes = self.route(&message);
        let listed = routes.iter().cloned().collect();
        self.record(Event::Published { channel, message: message.clone(), mandatory, routes: listed });
        let mut accepted = true;
        for queue in &routes {
            accepted &= self.offer(queue, &message, Origin::Published);
        }
        Ok(Answer::Published { routed: !routes.is_empty(), accepted })
    }

    /// The queues to which a message goes.
    fn route(&self, message: &Message) -> BTreeSet<QueueName> {
        if message.exchange.is_default() {
            let named = QueueName::from(message.key.as_str());
            return self.queues.contains_key(&named).then_some(named).into_iter().collect();
        }
        let exchange = self.exchanges.get(&message.exchange);
        exchange.map(|exchange| exchange.route(message, self.planted(Bug::HashNeedsAWord))).unwrap_or_default()
    }

    /// A message comes to a queue, which takes it, unless it is full and refuses.
    fn offer(&mut self, name: &QueueName, message: &Message, origin: Origin) -> bool {
        let Some(queue) = self.queues.get(name) else { return true };
        if queue.refuses(self.planted(Bug::LimitOffByOne)) {
            self.record(Event::Refused { body: message.body.id, queue: name.clone(), origin });
            self.refused(name, message);
            return false;
        }
        self.enter(name, message.clone(), origin);
        true
    }

    /// *Queue Length Limit*: `reject-publish-dlx` dead-letters what it refuses.
    fn refused(&mut self, name: &QueueName, message: &Message) {
        let dead_letters =
            self.queues.get(name).map(|queue| queue.settings.overflow) == Some(Overflow::RejectPublishDlx);
        if dead_letters {
            // It was never in the queue: its copy is one of nothing but this death.
            let copy = CopyId(self.next_copy());
            self.dead_letter(name, copy, message.clone(), Reason::Maxlen);
        }
    }

    fn enter(&mut self, name: &QueueName, message: Message, origin: Origin) {
        let (now, number) = (self.now, self.next_copy());
        self.record(Event::Entered { copy: CopyId(number), queue: name.clone(), message: message.clone(), origin });
        let queue = self.queues.get_mut(name).expect("a message enters a queue that there is");
        let expires = queue.settings.ttl(&message.properties).map(|ttl| now + ttl);
        queue.ready.push(Queued {
            id: CopyId(number),
            position: number,
            priority: queue.settings.priority(&message.properties),
            message,
            arrived: now,
            expires,
            acquired: 0,
            failed: 0,
        });
    }

    /// A copy that has left its queue dies: it goes to the queue's dead-letter exchange, or is gone (*Dead Letter Exchanges*).
    pub(super) fn die(&mut self, name: &QueueName, queued: Queued, reason: Reason) {
        let dead_lettered = self.dead_letter(name, queued.id, queued.message, reason);
        let fate = Fate::Died { reason, dead_lettered };
        self.record(Event::Left { copy: queued.id, queue: name.clone(), fate });
    }

    /// Whether the queue has a dead-letter exchange.
    fn dead_letter(&mut self, name: &QueueName, copy: CopyId, mut message: Message, reason: Reason) -> bool {
        let Some(to) = self.queues.get(name).and_then(|queue| queue.settings.dead_letter.clone()) else { return false };
        if self.planted(Bug::DeathCountReset) {
            message.deaths.retain(|death| death.queue != *name || death.reason != reason);
        }
        message.died(name, reason, self.now);
        message.exchange = to.exchange;
        if let Some(key) = to.key {
            message.key = key;
        }
        self.dead_letters.push(DeadLetter { copy, reason, message });
        true
    }

    /// Publishes the dead letters of this moment (*Dead Letter Exchanges*, "Routing Dead-Lettered Messages"). They are in the same
    /// command as the deaths, so that a crash separates none from its death. (Different from RabbitMQ, whose classic queues
    /// publish them without confirms.)
    pub(super) fn publish_dead_letters(&mut self) {
        for DeadLetter { copy, reason, message } in std::mem::take(&mut self.dead_letters) {
            if self.forgets_dead_letters {
                continue;
            }
            let routes = self.route(&message);
            let mut goes_somewhere = false;
            for queue in routes.iter().filter(|queue| !message.is_in_a_cycle(queue)) {
                goes_somewhere = true;
                self.offer(queue, &message, Origin::DeadLetter(copy, reason));
            }
            if !goes_somewhere {
                self.record(Event::Unroutable { copy });
            }
        }
    }

    /// Whether there is an exchange of this name.
    pub(super) fn has_exchange(&self, name: &ExchangeName) -> bool {
        name.is_default() || self.exchanges.contains_key(name)
    }
}
