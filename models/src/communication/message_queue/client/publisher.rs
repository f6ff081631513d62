//! A client that publishes: on all channels of its pool in turn, and again what was not confirmed when its connection was lost.

use std::collections::BTreeMap;

use seedbed_sim::{Context, OpId};

use crate::communication::message_queue::books::command::{AckMode, Command, Publish};
use crate::communication::message_queue::books::journal::Settlement;
use crate::communication::message_queue::books::message::Body;
use crate::communication::message_queue::client::pool::Pool;
use crate::communication::message_queue::marks;
use crate::communication::message_queue::messages::{Draft, Frame, Op, Outcome, QueueProcess, Ret, body_id};
use crate::communication::message_queue::names::{BodyId, ChannelId, ConnectionId, QueueName};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Waiting,
    Sent { channel: ChannelId, seq: u64 },
    Ended(Outcome),
}

/// A message that is being published.
#[derive(Clone, Debug, Hash)]
struct Item {
    publish: Publish,
    state: State,
    returned: bool,
}

/// What is under way.
#[derive(Clone, Debug, Hash)]
enum Work {
    Publish(Vec<Item>),
    Get { queue: QueueName, asked: Option<ChannelId> },
}

/// How a publish has ended, for properties.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Published {
    /// The message.
    pub body: BodyId,
    /// Whether it is persistent.
    pub persistent: bool,
    /// Whether its publisher wants it back if it has no route.
    pub mandatory: bool,
    /// How it has ended.
    pub outcome: Outcome,
}

/// What a publisher has done, in order, for properties.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Did {
    /// A message was sent on a channel, for the first time or again.
    Sent(ChannelId, BodyId),
    /// A publish has ended.
    Ended(Published),
    /// A message that was asked for has come, and was acknowledged.
    Got(BodyId),
}

/// A client that publishes.
#[derive(Clone, Debug, Hash)]
pub struct Publisher {
    confirms: bool,
    /// The channels of open connections, and how many publishes each has had.
    channels: BTreeMap<ChannelId, u64>,
    /// How many publishes were sent: the channels take turns.
    sent: usize,
    work: Option<(OpId, Work)>,
    did: Vec<Did>,
}

impl Publisher {
    /// A publisher that asks for confirms, or does not.
    pub fn new(confirms: bool) -> Self {
        Publisher { confirms, channels: BTreeMap::new(), sent: 0, work: None, did: Vec::new() }
    }

    /// What it has done in this life, in order.
    pub fn did(&self) -> &[Did] {
        &self.did
    }

    /// How many publishes wait for their confirms, or to be sent.
    pub fn waiting(&self) -> usize {
        match &self.work {
            Some((_, Work::Publish(items))) => {
                items.iter().filter(|item| !matches!(item.state, State::Ended(_))).count()
            }
            Some((_, Work::Get { .. })) | None => 0,
        }
    }

    /// Begins an operation.
    ///
    /// # Panics
    /// If another one is under way.
    pub fn begin(&mut self, ctx: &mut Context<'_, impl QueueProcess<Ret = Ret>>, pool: &mut Pool, op: OpId, input: Op) {
        assert!(self.work.is_none(), "a client has one operation at a time: {op:?} came during {:?}", self.work);
        let item = |(index, draft): (usize, Draft)| Item {
            publish: Publish {
                exchange: draft.exchange,
                key: draft.key,
                mandatory: draft.mandatory,
                properties: draft.properties,
                body: Body { id: body_id(op, index), failures: draft.failures, refusal: draft.refusal },
            },
            state: State::Waiting,
            returned: false,
        };
        let work = match input {
            Op::Publish(drafts) => Work::Publish(drafts.into_iter().enumerate().map(item).collect()),
            Op::Get(queue) => Work::Get { queue, asked: None },
        };
        self.work = Some((op, work));
        self.go_on(ctx, pool);
    }

    /// A connection is open, and the topology declared: these are its channels.
    pub fn opened(
        &mut self,
        ctx: &mut Context<'_, impl QueueProcess<Ret = Ret>>,
        pool: &mut Pool,
        channels: impl IntoIterator<Item = ChannelId>,
    ) {
        for channel in channels {
            if self.confirms {
                pool.send(ctx, channel.connection, Frame::SelectConfirms(channel));
            }
            self.channels.insert(channel, 0);
        }
        self.go_on(ctx, pool);
    }

    /// A connection is lost. What was sent on it and not confirmed may have arrived or not: it is sent again.
    pub fn lost(
        &mut self,
        ctx: &mut Context<'_, impl QueueProcess<Ret = Ret>>,
        pool: &mut Pool,
        connection: ConnectionId,
    ) {
        self.channels.retain(|channel, _| channel.connection != connection);
        match &mut self.work {
            Some((_, Work::Publish(items))) => {
                for item in items {
                    if matches!(item.state, State::Sent { channel, .. } if channel.connection == connection) {
                        ctx.mark(marks::PUBLISHED_AGAIN);
                        (item.state, item.returned) = (State::Waiting, false);
                    }
                }
            }
            Some((_, Work::Get { asked, .. })) => _ = asked.take_if(|channel| channel.connection == connection),
            None => {}
        }
        self.go_on(ctx, pool);
    }

    /// Sends what waits, if there is a channel.
    fn go_on(&mut self, ctx: &mut Context<'_, impl QueueProcess<Ret = Ret>>, pool: &mut Pool) {
        let Some((_, work)) = &mut self.work else { return };
        let channels: Vec<ChannelId> = self.channels.keys().copied().collect();
        if channels.is_empty() {
            return;
        }
        match work {
            Work::Publish(items) => {
                for item in items.iter_mut().filter(|item| item.state == State::Waiting) {
                    let channel = channels[self.sent % channels.len()];
                    self.sent += 1;
                    let seq = self.channels.get_mut(&channel).expect("it is one of them");
                    *seq += 1;
                    item.state = State::Sent { channel, seq: *seq };
                    self.did.push(Did::Sent(channel, item.publish.body.id));
                    pool.send(ctx, channel.connection, Frame::Publish(channel, Box::new(item.publish.clone())));
                    if !self.confirms {
                        end(&mut self.did, item, Outcome::Sent);
                    }
                }
            }
            Work::Get { asked: Some(_), .. } => {}
            Work::Get { queue, asked } => {
                let channel = channels[0];
                *asked = Some(channel);
                pool.send(ctx, channel.connection, Frame::Get(Command::Get(channel, queue.clone(), AckMode::Manual)));
            }
        }
        self.finish(ctx);
    }

    /// A frame of the broker.
    ///
    /// # Panics
    /// If it is none for publishers.
    pub fn frame(&mut self, ctx: &mut Context<'_, impl QueueProcess<Ret = Ret>>, pool: &mut Pool, frame: Frame) {
        match frame {
            Frame::Return(channel, body) => {
                for item in self.items().filter(|item| item.publish.body.id == body) {
                    item.returned |= matches!(item.state, State::Sent { channel: on, .. } if on == channel);
                }
            }
            Frame::Confirm { channel, seq, multiple, accepted } => {
                self.confirmed(ctx, channel, (seq, multiple), accepted)
            }
            Frame::Got(channel, delivery) => {
                let Some((op, Work::Get { asked, .. })) = &self.work else { return };
                if *asked != Some(channel) {
                    return;
                }
                let op = *op;
                let body = delivery.as_ref().map(|delivery| delivery.message.body.id);
                match delivery {
                    Some(delivery) => {
                        let (tag, multiple, how) = (delivery.tag, false, Settlement::Ack);
                        let ack = Command::Settle { channel, tag, multiple, how };
                        pool.send(ctx, channel.connection, Frame::Settle(ack));
                        self.did.push(Did::Got(delivery.message.body.id));
                    }
                    None => ctx.mark(marks::GOT_NOTHING),
                }
                self.work = None;
                ctx.complete(op, Ret::Got(body));
            }
            frame => panic!("no frame for a publisher: {frame:?}"),
        }
    }

    /// A queue whose messages nobody may ask for: its channel was closed for that.
    pub fn locked_out(&mut self, ctx: &mut Context<'_, impl QueueProcess<Ret = Ret>>, channel: ChannelId) {
        let Some((op, Work::Get { asked, .. })) = &self.work else { return };
        if *asked == Some(channel) {
            let op = *op;
            self.work = None;
            ctx.mark(marks::LOCKED_OUT);
            ctx.complete(op, Ret::Got(None));
        }
    }

    fn items(&mut self) -> impl Iterator<Item = &mut Item> {
        let items = match &mut self.work {
            Some((_, Work::Publish(items))) => Some(items),
            _ => None,
        };
        items.into_iter().flatten()
    }

    fn confirmed(
        &mut self,
        ctx: &mut Context<'_, impl QueueProcess<Ret = Ret>>,
        of: ChannelId,
        (up_to, multiple): (u64, bool),
        accepted: bool,
    ) {
        let Some((_, Work::Publish(items))) = &mut self.work else { return };
        let is_meant = |item: &&mut Item| matches!(item.state, State::Sent { channel, seq } if channel == of && (seq == up_to || multiple && seq < up_to));
        for item in items.iter_mut().filter(is_meant) {
            let outcome = match accepted {
                true if item.returned => Outcome::Returned,
                true => Outcome::Confirmed,
                false => Outcome::Refused,
            };
            if outcome == Outcome::Refused {
                ctx.mark(marks::PUBLISH_REFUSED);
            }
            end(&mut self.did, item, outcome);
        }
        self.finish(ctx);
    }

    /// The operation ends when all its publishes have.
    fn finish(&mut self, ctx: &mut Context<'_, impl QueueProcess<Ret = Ret>>) {
        let Some((op, Work::Publish(items))) = &self.work else { return };
        let outcome = |item: &Item| match item.state {
            State::Ended(outcome) => Some(outcome),
            State::Waiting | State::Sent { .. } => None,
        };
        let Some(outcomes) = items.iter().map(outcome).collect::<Option<Vec<Outcome>>>() else { return };
        let op = *op;
        self.work = None;
        ctx.complete(op, Ret::Published(outcomes));
    }
}

fn end(did: &mut Vec<Did>, item: &mut Item, outcome: Outcome) {
    item.state = State::Ended(outcome);
    let Publish { body, mandatory, properties, .. } = &item.publish;
    let (mandatory, persistent) = (*mandatory, properties.persistent);
    did.push(Did::Ended(Published { body: body.id, persistent, mandatory, outcome }));
}
