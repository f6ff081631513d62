//! The books: what a broker knows. They have a clock of their own, the latest time that they were told, so that they are a function of
//! the commands.

use std::collections::BTreeMap;

use seedbed_sim::Time;

use crate::communication::message_queue::books::channel::{Channel, Unacked};
use crate::communication::message_queue::books::exchange::Exchange;
use crate::communication::message_queue::books::journal::{Entry, Event};
use crate::communication::message_queue::books::message::{Message, Queued, Reason};
use crate::communication::message_queue::books::queue::Queue;
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::names::{ChannelId, CopyId, DeliveryTag, ExchangeName, QueueName};

/// The books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Books {
    pub(super) now: Time,
    pub(super) exchanges: BTreeMap<ExchangeName, Exchange>,
    pub(super) queues: BTreeMap<QueueName, Queue>,
    pub(super) channels: BTreeMap<ChannelId, Channel>,
    pub(super) copies: u64,
    /// The dead letters of this moment that have not come anywhere yet.
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) journal: Vec<Entry>,
    pub(super) bug: Option<Bug>,
    /// For a planted bug: what was dead-lettered was not written down.
    pub(super) forgets_dead_letters: bool,
}

/// A message on its way to a dead-letter exchange.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeadLetter {
    /// The copy that has died.
    pub(super) copy: CopyId,
    /// Why.
    pub(super) reason: Reason,
    /// The message, with its new exchange and key.
    pub(super) message: Message,
}

impl Books {
    /// Their clock.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The exchanges.
    pub fn exchanges(&self) -> impl Iterator<Item = (&ExchangeName, &Exchange)> {
        self.exchanges.iter()
    }

    /// The queues.
    pub fn queues(&self) -> impl Iterator<Item = (&QueueName, &Queue)> {
        self.queues.iter()
    }

    /// A queue.
    pub fn queue(&self, name: &QueueName) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// The channels.
    pub fn channels(&self) -> impl Iterator<Item = (ChannelId, &Channel)> {
        self.channels.iter().map(|(id, channel)| (*id, channel))
    }

    /// All deliveries that are not acknowledged, of queues that there are.
    pub fn unacked(&self) -> impl Iterator<Item = (ChannelId, DeliveryTag, &Unacked)> {
        let all = self.channels().flat_map(|(id, channel)| channel.unacked().map(move |(tag, of)| (id, tag, of)));
        all.filter(|(_, _, unacked)| !unacked.orphaned)
    }

    /// All copies, ready or not.
    pub fn copies(&self) -> impl Iterator<Item = (&QueueName, &Queued)> {
        let ready = self.queues.iter().flat_map(|(name, queue)| queue.ready.iter().map(move |queued| (name, queued)));
        ready.chain(self.unacked().map(|(_, _, unacked)| (&unacked.queue, &unacked.queued)))
    }

    /// What has happened, in order.
    pub fn journal(&self) -> &[Entry] {
        &self.journal
    }

    pub(super) fn planted(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub(super) fn record(&mut self, event: Event) {
        self.journal.push(Entry { at: self.now, event });
    }

    pub(super) fn next_copy(&mut self) -> u64 {
        self.copies += 1;
        self.copies
    }
}
