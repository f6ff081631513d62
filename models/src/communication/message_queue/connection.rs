//! One end of a connection: frames in their order over a network that loses, doubles and reorders them, and heartbeats (AMQP 0-9-1,
//! §4.2.7; RabbitMQ, *Heartbeats*). It lasts as long as both ends do: a node that crashes has lost all its connections, and whoever
//! hears nothing of the other end for a while closes it.

use seedbed_sim::{Context, NodeId, Span, Time};

use crate::communication::message_queue::marks;
use crate::communication::message_queue::messages::{Frame, Message, Packet, QueueProcess, Timer};
use crate::communication::message_queue::names::ConnectionId;
use crate::parts::link::{Links, Segment};

/// How connections are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// After how long a frame without an acknowledgement is sent again.
    pub resend: Span,
    /// After how long without a sign of the other end a connection is lost.
    pub timeout: Span,
}

/// The most doublings of the time that a frame waits for its acknowledgement.
const MOST_DOUBLINGS: u32 = 3;

/// One end of a connection.
#[derive(Clone, Debug, Hash)]
pub struct Connection {
    id: ConnectionId,
    peer: NodeId,
    settings: Settings,
    links: Links<Frame>,
    /// How often frames were sent again since an acknowledgement came: each time it is waited twice as long for one, as TCP does
    /// (RFC 6298, §5.5).
    resent: u32,
    /// When the other end was heard last, on this node's clock.
    heard: Time,
}

impl Connection {
    /// A connection that has just been opened.
    pub fn open(ctx: &mut Context<'_, impl QueueProcess>, id: ConnectionId, peer: NodeId, settings: Settings) -> Self {
        let connection =
            Connection { id, peer, settings, links: Links::new(settings.resend), resent: 0, heard: ctx.now() };
        connection.arm_beat(ctx);
        connection
    }

    /// Which connection it is.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// The other end.
    pub fn peer(&self) -> NodeId {
        self.peer
    }

    /// Sends a frame.
    pub fn send(&mut self, ctx: &mut Context<'_, impl QueueProcess>, frame: Frame) {
        let packet = self.number(ctx, frame);
        ctx.send(self.peer, packet);
    }

    /// Sends a frame without waiting for this node's disk.
    pub fn send_early(&mut self, ctx: &mut Context<'_, impl QueueProcess>, frame: Frame) {
        let packet = self.number(ctx, frame);
        ctx.send_early(self.peer, packet);
    }

    fn number(&mut self, ctx: &mut Context<'_, impl QueueProcess>, frame: Frame) -> Message {
        let (segment, first) = self.links.number(self.peer, frame);
        if first {
            ctx.arm(Timer::Resend(self.id), self.settings.resend);
        }
        Message::Packet(Packet { connection: self.id, segment })
    }

    /// A part of what the other end sent has arrived: the frames that can be handled now.
    ///
    /// # Panics
    /// If it has no number.
    pub fn receive(&mut self, ctx: &mut Context<'_, impl QueueProcess>, segment: Segment<Frame>) -> Vec<Frame> {
        self.heard(ctx);
        match segment {
            Segment::Numbered { seq, message } => {
                let (frames, ack) = self.links.arrived(self.peer, seq, message);
                // The acknowledgement is that of TCP: it says nothing of what the frame does.
                ctx.send_early(self.peer, Message::Packet(Packet { connection: self.id, segment: ack }));
                frames
            }
            Segment::Ack { below } => {
                self.resent = 0;
                if self.links.acknowledged(self.peer, below) {
                    ctx.cancel(&Timer::Resend(self.id));
                }
                Vec::new()
            }
            Segment::Bare(frame) => panic!("frames on a connection are numbered: {frame:?}"),
        }
    }

    /// The other end is alive.
    pub fn heard(&mut self, ctx: &Context<'_, impl QueueProcess>) {
        self.heard = ctx.now();
    }

    /// Sends again what is not acknowledged.
    pub fn resend(&mut self, ctx: &mut Context<'_, impl QueueProcess>) {
        ctx.mark(marks::SENT_AGAIN);
        for segment in self.links.unacknowledged(self.peer) {
            ctx.send(self.peer, Message::Packet(Packet { connection: self.id, segment }));
        }
        self.resent = (self.resent + 1).min(MOST_DOUBLINGS);
        ctx.arm(Timer::Resend(self.id), self.settings.resend * (1 << self.resent));
    }

    /// Says that this end is alive, if the other one is: `false` if that was silent for too long.
    pub fn beat(&self, ctx: &mut Context<'_, impl QueueProcess>) -> bool {
        if ctx.now().since(self.heard) >= self.settings.timeout {
            ctx.mark(marks::CLOSED_BY_SILENCE);
            return false;
        }
        ctx.send_early(self.peer, Message::Heartbeat(self.id));
        self.arm_beat(ctx);
        true
    }

    fn arm_beat(&self, ctx: &mut Context<'_, impl QueueProcess>) {
        ctx.arm(Timer::Beat(self.id), Span(self.settings.timeout.0 / 4).max(Span(1)));
    }

    /// This end is closed, and tells the other one.
    pub fn close(self, ctx: &mut Context<'_, impl QueueProcess>) {
        ctx.cancel(&Timer::Resend(self.id));
        ctx.cancel(&Timer::Beat(self.id));
        ctx.send(self.peer, Message::Closed(self.id));
    }
}
