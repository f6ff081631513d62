//! A client that consumes: it processes deliveries, and says of each what is to become of it.

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Context, Span};
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::books::command::{AckMode, Command, Delivery};
use crate::communication::message_queue::books::journal::Settlement;
use crate::communication::message_queue::books::message::{Reason, Refusal};
use crate::communication::message_queue::client::pool::Pool;
use crate::communication::message_queue::marks;
use crate::communication::message_queue::messages::{Frame, QueueProcess, Timer};
use crate::communication::message_queue::names::{
    BodyId, ChannelId, ConnectionId, ConsumerTag, DeliveryTag, QueueName,
};

/// How a consumer acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acks {
    /// Not at all: what is delivered is settled.
    Auto,
    /// Each delivery when it is processed.
    Each,
    /// Several at a time.
    Several(u16),
}

/// How a consumer works.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The queues, in the order of consumer tags from 1 on.
    pub queues: Vec<QueueName>,
    /// How it acknowledges.
    pub acks: Acks,
    /// The most deliveries that are not acknowledged, of each consumer.
    pub prefetch: u16,
    /// The same, of the channel; zero is no limit.
    pub global_prefetch: u16,
    /// The longest that it takes to process one.
    pub service: Span,
}

/// What a consumer has done, in order, for properties.
// Nearly all that a consumer does is about a delivery.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Did {
    /// A delivery has come.
    Received(Delivery),
    /// A delivery was processed with success.
    Processed {
        /// The message.
        body: BodyId,
        /// On which channel it was delivered.
        channel: ChannelId,
        /// Under which tag.
        tag: DeliveryTag,
    },
    /// Deliveries were settled.
    Settled {
        /// The channel.
        channel: ChannelId,
        /// The tag.
        tag: DeliveryTag,
        /// Whether all up to it are meant.
        multiple: bool,
        /// How.
        how: Settlement,
    },
}

/// Deliveries that are processed, and will be acknowledged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Batch {
    last: DeliveryTag,
    count: u16,
}

/// A client that consumes. All of it is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Consumer {
    settings: Settings,
    inbox: VecDeque<Delivery>,
    batches: BTreeMap<ChannelId, Batch>,
    /// How many connections it has lost.
    lost: u64,
    did: Vec<Did>,
}

impl Consumer {
    /// A consumer without a connection.
    pub fn new(settings: Settings) -> Self {
        Consumer { settings, inbox: VecDeque::new(), batches: BTreeMap::new(), lost: 0, did: Vec::new() }
    }

    /// What it has done in this life, in order.
    pub fn did(&self) -> &[Did] {
        &self.did
    }

    /// The deliveries that it has not processed.
    pub fn inbox(&self) -> impl ExactSizeIterator<Item = &Delivery> {
        self.inbox.iter()
    }

    /// Whether it has lost a connection before, in this life.
    pub fn comes_back(&self) -> bool {
        self.lost > 0
    }

    /// A connection is open, and the topology declared: it subscribes, on this channel.
    pub fn subscribe(&mut self, ctx: &mut Context<'_, impl QueueProcess>, pool: &mut Pool, channel: ChannelId) {
        let Settings { acks, prefetch, global_prefetch, .. } = self.settings;
        let mode = if acks == Acks::Auto { AckMode::Auto } else { AckMode::Manual };
        for (prefetch, global) in [(prefetch, false), (global_prefetch, true)] {
            pool.send(ctx, channel.connection, Frame::Consume(Command::Qos { channel, prefetch, global }));
        }
        for (tag, queue) in (1..).zip(&self.settings.queues) {
            let consume = Command::Consume(channel, queue.clone(), ConsumerTag(tag), mode);
            pool.send(ctx, channel.connection, Frame::Consume(consume));
        }
    }

    /// A connection is lost: its deliveries can be settled no more, and will be delivered again.
    pub fn lost(&mut self, ctx: &mut Context<'_, impl QueueProcess>, connection: ConnectionId) {
        self.lost += 1;
        // What is delivered for good is processed, whatever becomes of the connection.
        if self.settings.acks == Acks::Auto {
            return;
        }
        let before = self.inbox.len();
        self.inbox.retain(|delivery| delivery.channel.connection != connection);
        self.batches.retain(|channel, _| channel.connection != connection);
        if self.inbox.len() < before {
            ctx.mark(marks::DELIVERY_OF_A_LOST_CONNECTION_DROPPED);
        }
    }

    /// A delivery has come.
    pub fn deliver(&mut self, ctx: &mut Context<'_, impl QueueProcess>, delivery: Delivery) {
        if delivery.message.death_count(&delivery.queue, Reason::Rejected) > 0 {
            ctx.mark(marks::CAME_BACK_FROM_ITS_DELAY);
        }
        self.did.push(Did::Received(delivery.clone()));
        self.inbox.push_back(delivery);
        if self.inbox.len() == 1 {
            self.arm_work(ctx);
        }
    }

    fn arm_work(&self, ctx: &mut Context<'_, impl QueueProcess>) {
        let after = ctx.draw_span("service", Span::ZERO..=self.settings.service);
        ctx.arm(Timer::Work, after);
    }

    /// The delivery that is processed next. Who acknowledges each by itself works on several at a time, and any of them may be ready
    /// first; who acknowledges several at once has to keep to their order.
    fn next_place(&self, ctx: &mut Context<'_, impl QueueProcess>) -> usize {
        match self.settings.acks {
            Acks::Auto | Acks::Each if self.inbox.len() > 1 => {
                ctx.draw("ready first", 0..=self.inbox.len() as u64 - 1) as usize
            }
            Acks::Auto | Acks::Each | Acks::Several(_) => 0,
        }
    }

    /// A delivery is processed.
    pub fn work(&mut self, ctx: &mut Context<'_, impl QueueProcess>, pool: &mut Pool) {
        let place = self.next_place(ctx);
        let Some(delivery) = self.inbox.remove(place) else { return };
        if !self.inbox.is_empty() {
            self.arm_work(ctx);
        }
        let (channel, tag) = (delivery.channel, delivery.tag);
        if fails(&delivery) && self.settings.acks != Acks::Auto {
            ctx.mark(marks::FAILED_TO_PROCESS);
            // What was processed before it must not share its fate.
            self.acknowledge(ctx, pool, channel);
            return self.settle(ctx, pool, (channel, tag), false, refusal(delivery.message.body.refusal));
        }
        self.did.push(Did::Processed { body: delivery.message.body.id, channel, tag });
        match self.settings.acks {
            Acks::Auto => {}
            Acks::Each => self.settle(ctx, pool, (channel, tag), false, Settlement::Ack),
            Acks::Several(several) => {
                let batch = self.batches.entry(channel).or_insert(Batch { last: tag, count: 0 });
                *batch = Batch { last: tag, count: batch.count + 1 };
                if batch.count >= several {
                    self.acknowledge(ctx, pool, channel);
                } else {
                    ctx.arm(Timer::Flush, self.settings.service + Span::ms(1));
                }
            }
        }
    }

    /// Acknowledges what is processed on a channel, all at once (*Consumer Acknowledgements*, "Acknowledging Multiple Deliveries").
    fn acknowledge(&mut self, ctx: &mut Context<'_, impl QueueProcess>, pool: &mut Pool, channel: ChannelId) {
        let Some(batch) = self.batches.remove(&channel) else { return };
        if batch.count > 1 {
            ctx.mark(marks::ACKED_SEVERAL);
        }
        self.settle(ctx, pool, (channel, batch.last), true, Settlement::Ack);
    }

    /// Nothing more has come for a while.
    pub fn flush(&mut self, ctx: &mut Context<'_, impl QueueProcess>, pool: &mut Pool) {
        let channels: Vec<ChannelId> = self.batches.keys().copied().collect();
        channels.into_iter().for_each(|channel| self.acknowledge(ctx, pool, channel));
    }

    fn settle(
        &mut self,
        ctx: &mut Context<'_, impl QueueProcess>,
        pool: &mut Pool,
        (channel, tag): (ChannelId, DeliveryTag),
        multiple: bool,
        how: Settlement,
    ) {
        self.did.push(Did::Settled { channel, tag, multiple, how });
        pool.send(ctx, channel.connection, Frame::Settle(Command::Settle { channel, tag, multiple, how }));
    }
}

/// Whether a consumer fails to process a delivery: as often as the message says, as far as the broker tells how often it was
/// delivered. Of classic queues, that is whether it was delivered before, and how often it was dead-lettered by a consumer.
fn fails(delivery: &Delivery) -> bool {
    let body = &delivery.message.body;
    let dead = delivery.message.death_count(&delivery.queue, Reason::Rejected);
    let attempts = match body.refusal {
        Refusal::Discard => dead,
        // A quorum queue counts what was rejected, and not what was nacked.
        Refusal::Reject if delivery.delivery_count > 0 => u64::from(delivery.delivery_count),
        Refusal::Nack | Refusal::Reject if delivery.redelivered => u64::from(body.failures),
        Refusal::Nack | Refusal::Reject => 0,
    };
    attempts < u64::from(body.failures)
}

fn refusal(refusal: Refusal) -> Settlement {
    match refusal {
        Refusal::Nack => Settlement::Nack { requeue: true },
        Refusal::Reject => Settlement::Reject { requeue: true },
        Refusal::Discard => Settlement::Reject { requeue: false },
    }
}
