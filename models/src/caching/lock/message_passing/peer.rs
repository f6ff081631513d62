//! A client that takes part in one of the algorithms, over reliable links.

use seedbed_sim::{Context, NodeId, Span};

use crate::caching::lock::events::LockEvent;
use crate::caching::lock::marks;
use crate::caching::lock::message_passing::effects::Effects;
use crate::caching::lock::message_passing::maekawa::Maekawa;
use crate::caching::lock::message_passing::messages::PeerMessage;
use crate::caching::lock::message_passing::ricart_agrawala::RicartAgrawala;
use crate::caching::lock::message_passing::suzuki_kasami::SuzukiKasami;
use crate::caching::lock::messages::{LockProcess, Timer};
use crate::parts::link::{Links, Segment};

/// One of the algorithms.
#[derive(Clone, Debug, Hash)]
pub enum Algorithm {
    /// Suzuki and Kasami's.
    SuzukiKasami(SuzukiKasami),
    /// Ricart and Agrawala's.
    RicartAgrawala(RicartAgrawala),
    /// Maekawa's.
    Maekawa(Maekawa),
}

impl Algorithm {
    fn request(&mut self, effects: &mut Effects) {
        match self {
            Algorithm::SuzukiKasami(algorithm) => algorithm.request(effects),
            Algorithm::RicartAgrawala(algorithm) => algorithm.request(effects),
            Algorithm::Maekawa(algorithm) => algorithm.request(effects),
        }
    }

    fn release(&mut self, effects: &mut Effects) {
        match self {
            Algorithm::SuzukiKasami(algorithm) => algorithm.release(effects),
            Algorithm::RicartAgrawala(algorithm) => algorithm.release(effects),
            Algorithm::Maekawa(algorithm) => algorithm.release(effects),
        }
    }

    fn receive(&mut self, effects: &mut Effects, from: NodeId, message: PeerMessage) {
        match self {
            Algorithm::SuzukiKasami(algorithm) => algorithm.receive(effects, message),
            Algorithm::RicartAgrawala(algorithm) => algorithm.receive(effects, from, message),
            Algorithm::Maekawa(algorithm) => algorithm.receive(effects, from, message),
        }
    }
}

/// A client's side of the lock.
#[derive(Clone, Debug, Hash)]
pub struct Peer {
    algorithm: Algorithm,
    links: Links<PeerMessage>,
    acquiring: bool,
}

impl Peer {
    /// A client that runs this algorithm, over links that send again what was not acknowledged for `resend_timeout`.
    pub fn new(algorithm: Algorithm, resend_timeout: Span) -> Self {
        Peer { algorithm, links: Links::new(resend_timeout), acquiring: false }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> &Algorithm {
        &self.algorithm
    }

    /// Whether the client has requested the lock and does not hold it yet.
    pub fn is_acquiring(&self) -> bool {
        self.acquiring
    }

    /// Requests the lock.
    pub fn acquire(&mut self, ctx: &mut Context<'_, impl LockProcess>) -> Option<LockEvent> {
        assert!(!self.acquiring, "a lock is acquired once at a time");
        self.acquiring = true;
        self.step(ctx, Algorithm::request)
    }

    /// Releases the lock.
    pub fn release(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        let event = self.step(ctx, Algorithm::release);
        assert!(event.is_none(), "a node that leaves does not enter: {event:?}");
    }

    /// A segment of another client has arrived.
    pub fn message(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        from: NodeId,
        segment: Segment<PeerMessage>,
    ) -> Option<LockEvent> {
        let mut event = None;
        for message in self.delivered(ctx, from, segment) {
            let next = self.step(ctx, |algorithm, effects| algorithm.receive(effects, from, message));
            event = event.or(next);
        }
        event
    }

    /// The messages that the link delivers now, in order.
    fn delivered(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        from: NodeId,
        segment: Segment<PeerMessage>,
    ) -> Vec<PeerMessage> {
        match segment {
            Segment::Numbered { seq, message } => {
                let (delivered, ack) = self.links.arrived(from, seq, message);
                ctx.send(from, ack.into());
                delivered
            }
            Segment::Ack { below } => {
                if self.links.acknowledged(from, below) {
                    ctx.cancel(&Timer::Resend(from));
                }
                Vec::new()
            }
            Segment::Bare(message) => panic!("clients speak over reliable links only: {from} sent {message:?}"),
        }
    }

    fn send(&mut self, ctx: &mut Context<'_, impl LockProcess>, to: NodeId, message: PeerMessage) {
        let (segment, first) = self.links.number(to, message);
        if first {
            ctx.arm(Timer::Resend(to), self.links.resend_timeout());
        }
        ctx.send(to, segment.into());
    }

    /// Another client has not acknowledged for a while.
    pub fn resend(&mut self, ctx: &mut Context<'_, impl LockProcess>, peer: NodeId) {
        let unacknowledged = self.links.unacknowledged(peer);
        if !unacknowledged.is_empty() {
            ctx.mark(marks::SAID_AGAIN);
            unacknowledged.into_iter().for_each(|segment| ctx.send(peer, segment.into()));
            ctx.arm(Timer::Resend(peer), self.links.resend_timeout());
        }
    }

    /// Runs a step of the algorithm and does what it says.
    fn step(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        step: impl FnOnce(&mut Algorithm, &mut Effects),
    ) -> Option<LockEvent> {
        let mut effects = Effects::default();
        step(&mut self.algorithm, &mut effects);
        for (to, message) in effects.sent {
            self.send(ctx, to, message);
        }
        effects.marks.into_iter().for_each(|mark| ctx.mark(mark));
        let token = effects.entered?;
        assert!(self.acquiring, "a node enters that has requested to: {token:?}");
        self.acquiring = false;
        Some(LockEvent::Acquired { token, valid_until: None })
    }
}
