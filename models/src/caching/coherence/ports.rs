//! How messages come into a node and leave it: the queue of those that wait to be handled, bounded virtual channels with
//! credits, and the outgoing buffer.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Process, Span};

use crate::caching::coherence::controller::{Controller, Handled};
use crate::caching::coherence::messages::{Block, Message, MessageKind, NodeSet, Part, Timer, VirtualNetwork};
use crate::caching::coherence::settings::{Channels, Delays};
use crate::caching::coherence::table::{State, Table};

/// Why a message waits at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// It stalls until the state of its block changes.
    Stalled,
    /// There is no room at this node for a message of this kind that it leads to.
    ChannelFull(NodeId, MessageKind),
    /// A message before it waits.
    HeadOfLine,
}

/// A message that waits at a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Waiting {
    from: NodeId,
    message: Message,
    /// The full channel that it waits for, if it does not stall.
    full: Option<(NodeId, MessageKind)>,
}

/// The messages that have arrived and are not handled yet, in order.
#[derive(Clone, Debug, Hash)]
pub struct Inbox {
    channels: Option<Channels>,
    waiting: Vec<Waiting>,
}

impl Inbox {
    /// The messages that wait here, in the order of their arrival, and why.
    pub fn waiting(&self) -> impl Iterator<Item = (NodeId, &Message, WaitReason)> {
        self.waiting.iter().enumerate().map(|(place, waiting)| {
            let reason = match waiting.full {
                _ if self.is_blocked(place) => WaitReason::HeadOfLine,
                Some((to, kind)) => WaitReason::ChannelFull(to, kind),
                None => WaitReason::Stalled,
            };
            (waiting.from, &waiting.message, reason)
        })
    }

    /// Whether a message of a block waits here.
    pub fn has(&self, block: Block) -> bool {
        self.waiting.iter().any(|waiting| waiting.message.block == block)
    }

    fn is_blocked(&self, place: usize) -> bool {
        self.held_up_by(place).is_some()
    }

    /// The place of the first message that holds up the one at a place.
    pub fn held_up_by(&self, place: usize) -> Option<usize> {
        let later = &self.waiting[place].message;
        self.waiting[..place].iter().position(|before| self.blocks(&before.message, later))
    }

    /// Whether a message that waits blocks a later one. Broadcasts of the bus are handled in their order, on which coherence
    /// relies; in a bounded channel the head of the line blocks it; elsewhere blocks are independent of each other, and so are
    /// responses.
    fn blocks(&self, before: &Message, later: &Message) -> bool {
        if let Some(channels) = self.channels {
            return channels.of(before.kind) == channels.of(later.kind);
        }
        before.part == later.part
            && before.kind.network() == later.kind.network()
            && before.kind.network() != VirtualNetwork::Response
            && (before.block == later.block || before.kind.is_broadcast() && later.kind.is_broadcast())
    }
}

/// The channels to other nodes, and the messages that are delayed before they are sent.
#[derive(Clone, Debug, Hash)]
struct Outbox {
    channels: Option<Channels>,
    delays: Delays,
    /// Of each channel to each node, the number of messages without a credit.
    without_credit: BTreeMap<(NodeId, u8), u8>,
    /// The delayed messages, by the numbers of their timers.
    delayed: BTreeMap<u64, (NodeId, Message)>,
    /// The number of messages that were delayed.
    delays_so_far: u64,
}

impl Outbox {
    fn has_room(&self, to: NodeId, kind: MessageKind) -> bool {
        let Some(channels) = self.channels else { return true };
        self.without_credit.get(&(to, channels.of(kind))).is_none_or(|sent| *sent < channels.slots)
    }

    fn send(&mut self, ctx: &mut Context<'_, impl CoherenceProcess>, messages: Vec<(NodeId, Message)>) {
        for (to, message) in messages {
            if let Some(channels) = self.channels {
                *self.without_credit.entry((to, channels.of(message.kind))).or_default() += 1;
            }
            let often = self.delays.delayed_sends(&message);
            if often > 0 && ctx.draw("late", 0..=31) < often {
                let after = ctx.draw_span("put off", Span::ZERO..=self.delays.buffers);
                self.delays_so_far += 1;
                self.delayed.insert(self.delays_so_far, (to, message));
                ctx.arm(Timer::Lazily(self.delays_so_far), after);
            } else {
                ctx.send(to, message);
            }
        }
    }

    fn credited(&mut self, from: NodeId, channel: u8) {
        let sent = self.without_credit.get_mut(&(from, channel)).filter(|sent| **sent > 0);
        *sent.unwrap_or_else(|| panic!("a credit is for a message that was sent: {from}, channel {channel}")) -= 1;
    }
}

/// The ports of a node.
#[derive(Clone, Debug, Hash)]
pub struct Ports {
    inbox: Inbox,
    outbox: Outbox,
}

impl Ports {
    /// Ports with these channels, if they are bounded, and these delays.
    pub fn new(channels: Option<Channels>, delays: Delays) -> Self {
        let (without_credit, delayed) = (BTreeMap::new(), BTreeMap::new());
        let inbox = Inbox { channels, waiting: Vec::new() };
        Ports { inbox, outbox: Outbox { channels, delays, without_credit, delayed, delays_so_far: 0 } }
    }

    /// The messages that wait to be handled.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// The messages that are delayed before they are sent, and to whom.
    pub fn delayed(&self) -> impl Iterator<Item = (NodeId, &Message)> {
        self.outbox.delayed.values().map(|(to, message)| (*to, message))
    }

    /// Has a controller handle something, and sends what it sends.
    pub(super) fn run(
        &mut self,
        ctx: &mut Context<'_, impl CoherenceProcess>,
        controller: &mut Controller,
        (block, part): (Block, Part),
        handle: impl FnOnce(&mut Controller, &dyn Fn(NodeId, MessageKind) -> bool, &mut Vec<(NodeId, Message)>) -> Handled,
    ) -> Handled {
        let mut out = Vec::new();
        let before = controller.line(block).state;
        let outbox = &self.outbox;
        let handled = handle(controller, &|to, kind| outbox.has_room(to, kind), &mut out);
        assert!(matches!(handled, Handled::Done(_)) || out.is_empty(), "what is not handled sends nothing: {out:?}");
        let after = controller.line(block).state;
        if after != before {
            ctx.note(|| transition(controller.table(), block, part, before, after));
        }
        self.outbox.send(ctx, out);
        handled
    }

    /// Has a controller handle a message.
    pub(super) fn deliver(
        &mut self,
        ctx: &mut Context<'_, impl CoherenceProcess>,
        controller: &mut Controller,
        from: NodeId,
        message: &Message,
    ) -> Handled {
        self.run(ctx, controller, (message.block, message.part), |controller, room, out| {
            controller.message(from, message, room, out)
        })
    }

    /// A message leaves the outgoing buffer.
    pub(super) fn send_delayed(&mut self, ctx: &mut Context<'_, impl CoherenceProcess>, number: u64) {
        let (to, message) = self.outbox.delayed.remove(&number).expect("a delayed message is sent once");
        ctx.send(to, message);
    }

    /// A message has been taken out of its channel, so its sender gets a credit.
    fn return_credit(&self, ctx: &mut Context<'_, impl CoherenceProcess>, to: NodeId, message: Message) {
        if let Some(channels) = self.inbox.channels {
            let (acks, sharers) = (channels.of(message.kind), NodeSet::default());
            ctx.send(to, Message { kind: MessageKind::Credit, acks, data: 0, sharers, ..message });
        }
    }
}

fn transition(table: &Table, block: Block, part: Part, before: State, after: State) -> String {
    let whose = if part == Part::Home { "home of " } else { "" };
    format!("{whose}{block}: {} → {}", table.state_name(before), table.state_name(after))
}

/// A process that sends these messages and waits for these timers.
pub trait CoherenceProcess: Process<Message = Message, Timer = Timer> {}

impl<P: Process<Message = Message, Timer = Timer>> CoherenceProcess for P {}

/// A role: it handles messages one after the other, and each again and again until it can be handled.
pub(super) trait Receiver: CoherenceProcess {
    /// Its ports.
    fn ports(&mut self) -> &mut Ports;

    /// Handles a message.
    fn handle(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: &Message) -> Handled;

    /// Something was handled, or a credit has come.
    fn proceed(&mut self, _: &mut Context<'_, Self>) {}

    /// A message has arrived.
    fn receive(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let ports = self.ports();
        if message.kind == MessageKind::Credit {
            ports.outbox.credited(from, message.acks);
        } else {
            ports.inbox.waiting.push(Waiting { from, message, full: None });
        }
        self.handle_waiting(ctx);
        self.proceed(ctx);
    }

    /// Handles all messages that can be, in order.
    fn handle_waiting(&mut self, ctx: &mut Context<'_, Self>) {
        let mut place = 0;
        while let Some(Waiting { from, message, .. }) = self.ports().inbox.waiting.get(place).cloned() {
            if self.ports().inbox.is_blocked(place) {
                place += 1;
                continue;
            }
            let full = match self.handle(ctx, from, &message) {
                Handled::Done(_) => {
                    self.ports().inbox.waiting.remove(place);
                    self.ports().return_credit(ctx, from, message);
                    // The core uses its block before the next message is handled, which may take the block away: or else there
                    // could be livelock.
                    self.proceed(ctx);
                    place = 0;
                    continue;
                }
                Handled::Stalled => None,
                Handled::ChannelFull(to, kind) => Some((to, kind)),
            };
            self.ports().inbox.waiting[place].full = full;
            place += 1;
        }
    }
}
