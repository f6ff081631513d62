//! One end of a network connection (MQTT 5.0, §4.2): packets in their order over a network that loses, doubles and reorders them. It
//! lasts as long as both ends do: a node that crashes has lost all its connections. An end that sends in vain for a while gives it up,
//! as TCP does (RFC 9293, §3.8.3, the user timeout).

use seedbed_sim::{Context, NodeId, Span, Time};

use crate::communication::pub_sub::marks;
use crate::communication::pub_sub::messages::{Message, MqttProcess, Timer};
use crate::communication::pub_sub::names::ConnectionId;
use crate::communication::pub_sub::packet::Packet;
use crate::parts::link::{Links, Segment};

/// How connections are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// After how long a packet without an acknowledgement is sent again.
    pub resend: Span,
    /// After how long without an acknowledgement a connection is given up.
    pub timeout: Span,
}

/// One end of a connection.
#[derive(Clone, Debug, Hash)]
pub struct Connection {
    id: ConnectionId,
    peer: NodeId,
    settings: Settings,
    links: Links<Packet>,
    /// How often it has been sent again in vain.
    tries: u64,
    /// When a packet has come last, on this node's clock.
    heard: Time,
}

impl Connection {
    /// A connection that has just been opened.
    pub fn open(ctx: &Context<'_, impl MqttProcess>, id: ConnectionId, peer: NodeId, settings: Settings) -> Self {
        Connection { id, peer, settings, links: Links::new(settings.resend), tries: 0, heard: ctx.now() }
    }

    /// Which connection it is.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// The other end.
    pub fn peer(&self) -> NodeId {
        self.peer
    }

    /// How long nothing has come.
    pub fn silent_for(&self, ctx: &Context<'_, impl MqttProcess>) -> Span {
        ctx.now().since(self.heard)
    }

    /// Sends a packet.
    pub fn send(&mut self, ctx: &mut Context<'_, impl MqttProcess>, packet: Packet) {
        let message = self.number(ctx, packet);
        ctx.send(self.peer, message);
    }

    /// Sends a packet without waiting for this node's disk, which is a bug that can be planted.
    pub fn send_early(&mut self, ctx: &mut Context<'_, impl MqttProcess>, packet: Packet) {
        let message = self.number(ctx, packet);
        ctx.send_early(self.peer, message);
    }

    fn number(&mut self, ctx: &mut Context<'_, impl MqttProcess>, packet: Packet) -> Message {
        let (segment, first) = self.links.number(self.peer, packet);
        if first {
            self.tries = 0;
            ctx.arm(Timer::Resend(self.id), self.settings.resend);
        }
        Message::Segment(self.id, segment)
    }

    /// A part of what the other end sent has arrived: the packets that can be handled now.
    ///
    /// # Panics
    /// If it has no number.
    pub fn receive(&mut self, ctx: &mut Context<'_, impl MqttProcess>, segment: Segment<Packet>) -> Vec<Packet> {
        match segment {
            Segment::Numbered { seq, message } => {
                let (packets, ack) = self.links.arrived(self.peer, seq, message);
                // The acknowledgement is that of TCP: it says nothing of what the packet does.
                ctx.send_early(self.peer, Message::Segment(self.id, ack));
                if !packets.is_empty() {
                    self.heard = ctx.now();
                }
                packets
            }
            Segment::Ack { below } => {
                self.tries = 0;
                if self.links.acknowledged(self.peer, below) {
                    ctx.cancel(&Timer::Resend(self.id));
                }
                Vec::new()
            }
            Segment::Bare(packet) => panic!("packets on a connection are numbered: {packet:?}"),
        }
    }

    /// Sends again what is not acknowledged. `false` if that was in vain for too long.
    pub fn resend(&mut self, ctx: &mut Context<'_, impl MqttProcess>) -> bool {
        self.tries += 1;
        if self.settings.resend * self.tries >= self.settings.timeout {
            ctx.mark(marks::CONNECTION_GIVEN_UP);
            return false;
        }
        ctx.mark(marks::SENT_AGAIN);
        for segment in self.links.unacknowledged(self.peer) {
            ctx.send(self.peer, Message::Segment(self.id, segment));
        }
        ctx.arm(Timer::Resend(self.id), self.settings.resend);
        true
    }

    /// This end is closed, and tells the other one.
    pub fn close(self, ctx: &mut Context<'_, impl MqttProcess>) {
        ctx.cancel(&Timer::Resend(self.id));
        ctx.cancel(&Timer::Idle(self.id));
        ctx.send(self.peer, Message::Closed(self.id, self.links.unacknowledged(self.peer)));
    }
}
