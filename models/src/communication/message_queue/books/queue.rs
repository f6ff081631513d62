//! A queue: what is ready, and who consumes.

use seedbed_sim::Time;

use crate::communication::message_queue::books::command::AckMode;
use crate::communication::message_queue::books::ready::Ready;
use crate::communication::message_queue::books::settings::{Overflow, QueueSettings};
use crate::communication::message_queue::names::{ChannelId, ConsumerTag};

/// A subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Consumer {
    /// On which channel.
    pub channel: ChannelId,
    /// Its name there.
    pub tag: ConsumerTag,
    /// Whether it acknowledges.
    pub mode: AckMode,
    /// The most deliveries that it may have and not have acknowledged; zero is no limit.
    pub prefetch: u16,
    /// Whether it has stepped out of the line, since it had no room for a delivery.
    pub(super) blocked: bool,
}

impl Consumer {
    pub(super) fn is(&self, channel: ChannelId, tag: ConsumerTag) -> bool {
        self.channel == channel && self.tag == tag
    }
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Queue {
    /// What it was declared with.
    pub settings: QueueSettings,
    /// What is ready.
    pub(super) ready: Ready,
    /// Who consumes: those in line, the next to be served first, and behind them those that are blocked, in the order in which they
    /// were. In a queue with a single active consumer that is the first, and stays so.
    pub(super) consumers: Vec<Consumer>,
    /// Whether messages have come back to it that it has not looked at yet.
    pub(super) requeued: bool,
    /// Since when nobody has used it.
    pub(super) unused_since: Time,
}

impl Queue {
    /// An empty queue.
    pub(super) fn new(settings: QueueSettings, now: Time) -> Self {
        Queue { ready: Ready::none(settings.kind), settings, consumers: Vec::new(), requeued: false, unused_since: now }
    }

    /// What is ready, in the order of delivery.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Who consumes.
    pub fn consumers(&self) -> &[Consumer] {
        &self.consumers
    }

    /// A consumer comes into the line, at its end.
    pub(super) fn line_up(&mut self, consumer: Consumer) {
        let in_line = self.consumers.iter().filter(|other| !other.blocked).count();
        self.consumers.insert(in_line, Consumer { blocked: false, ..consumer });
    }

    /// A consumer steps out of the line.
    pub(super) fn block(&mut self, place: usize) {
        let consumer = self.consumers.remove(place);
        self.consumers.push(Consumer { blocked: true, ..consumer });
    }

    /// Whether it refuses a publish (*Queue Length Limit*). As in RabbitMQ's classic queue, a message that a consumer would get at
    /// once is refused too; the messages that are not acknowledged do not count.
    pub(super) fn refuses(&self, off_by_one: bool) -> bool {
        self.settings.overflow != Overflow::DropHead && self.would_exceed(self.ready.len() + 1, off_by_one)
    }

    /// Whether the message at the head has to go.
    pub(super) fn drops_its_head(&self, off_by_one: bool) -> bool {
        self.settings.overflow == Overflow::DropHead && self.would_exceed(self.ready.len(), off_by_one)
    }

    /// With `off_by_one`, which is a planted bug, a queue that is as long as it may be is too long, if anything is in it.
    fn would_exceed(&self, length: usize, off_by_one: bool) -> bool {
        let most = self.settings.max_length.map(|most| u64::from(most).saturating_sub(u64::from(off_by_one)));
        most.is_some_and(|most| length as u64 > most)
    }

    /// When it goes, since nobody uses it (`x-expires`): a queue that has consumers is used.
    pub(super) fn goes_at(&self) -> Option<Time> {
        let expires = self.settings.expires.filter(|_| self.consumers.is_empty())?;
        Some(self.unused_since + expires)
    }
}
