//! Mutual exclusion by messages among those who want it, without a server and without leases.
//!
//! | protocol | idea | messages a turn, with `n` nodes |
//! |---|---|---|
//! | [`suzuki_kasami`] | whoever has the token may enter; the token knows who waits | 0 or `n` |
//! | [`ricart_agrawala`] | whoever has everybody's permission may enter; the older request goes first | `2(n − 1)` |
//! | [`maekawa`] | whoever has the permission of a voting set may enter; any two sets meet | `3√n` to `6√n` |
//!
//! **Tolerated**: all three papers assume links that lose, double and (Maekawa) reorder nothing. [`Links`] makes such links
//! of the network's, so that loss, duplicates, reordering and partitions that end are borne; and they look at no clock, so
//! skew and pauses are. A partition blocks whoever needs the other side, for as long as it lasts.
//!
//! **Not tolerated**: crashes. A node that loses its state loses the token, or forgets what it permitted.
//!
//! **Fencing tokens** are not in the papers. Suzuki and Kasami's token counts its turns; a Ricart–Agrawala request has its
//! timestamp, in whose order turns are taken; Maekawa's voters keep the last token that was given back to them and tell it
//! with their permission, so that the next is greater, for any two voting sets meet.

pub mod maekawa;
pub mod ricart_agrawala;
pub mod suzuki_kasami;

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Context, Mark, NodeId, Span, kinds};

use crate::caching::lock::by_messages::maekawa::Maekawa;
use crate::caching::lock::by_messages::ricart_agrawala::RicartAgrawala;
use crate::caching::lock::by_messages::suzuki_kasami::SuzukiKasami;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{Message, Token};
use crate::caching::lock::model::{Node, Timer};
use crate::caching::lock::taker::Told;
use crate::parts::link::{Links, Segment};

/// A request's timestamp: a sequence number, and the node that breaks ties (Lamport 1978).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The sequence number.
    pub number: u64,
    /// Whose.
    pub node: NodeId,
}

/// What nodes say to each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Speech {
    /// All three: I want to enter.
    Request(Stamp),
    /// Ricart–Agrawala: you may, as far as I am concerned.
    Reply,
    /// Suzuki–Kasami: the token.
    Privilege(Privilege),
    /// Maekawa: I have given you my permission, and this is the last token that I know of.
    Locked(Stamp, u64),
    /// Maekawa: somebody goes before you.
    Failed(Stamp),
    /// Maekawa: would you give my permission back?
    Inquire(Stamp),
    /// Maekawa: here it is.
    Relinquish(Stamp),
    /// Maekawa: I have left; my token was this.
    Release(Stamp, u64),
}
kinds!(Speech: Request, Reply, Privilege, Locked, Failed, Inquire, Relinquish, Release);

/// The token of Suzuki and Kasami.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Privilege {
    /// `Q`: who waits for it.
    pub queue: VecDeque<NodeId>,
    /// `LN`: the number of each node's request that was granted last.
    pub granted: BTreeMap<NodeId, u64>,
    /// How often it was used.
    pub turns: u64,
}

/// What a protocol does: what it says to whom, and whether it may enter, with which token.
#[derive(Debug, Default)]
pub struct Effects {
    pub(super) said: Vec<(NodeId, Speech)>,
    pub(super) enters: Option<Token>,
    pub(super) marks: Vec<Mark>,
}

impl Effects {
    pub(super) fn say(&mut self, to: NodeId, speech: Speech) {
        self.said.push((to, speech));
    }
}

/// One of the protocols.
#[derive(Clone, Debug, Hash)]
pub enum Protocol {
    /// With a token.
    SuzukiKasami(SuzukiKasami),
    /// With everybody's permission.
    RicartAgrawala(RicartAgrawala),
    /// With the permission of a voting set.
    Maekawa(Maekawa),
}

/// A node that takes part.
#[derive(Clone, Debug, Hash)]
pub struct Peer {
    protocol: Protocol,
    links: Links<Speech>,
    waiting: bool,
}

impl Peer {
    /// A node that runs this protocol, and says again after `patience` what was not acknowledged.
    pub fn new(protocol: Protocol, patience: Span) -> Self {
        Peer { protocol, links: Links::new(patience), waiting: false }
    }

    /// The protocol.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Whether it waits for the lock.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    pub(super) fn take(&mut self, ctx: &mut Context<'_, Node>) -> Option<Told> {
        self.waiting = true;
        self.act(ctx, |protocol, effects| match protocol {
            Protocol::SuzukiKasami(protocol) => protocol.want(effects),
            Protocol::RicartAgrawala(protocol) => protocol.want(effects),
            Protocol::Maekawa(protocol) => protocol.want(effects),
        })
    }

    pub(super) fn give_back(&mut self, ctx: &mut Context<'_, Node>) {
        let told = self.act(ctx, |protocol, effects| match protocol {
            Protocol::SuzukiKasami(protocol) => protocol.leave(effects),
            Protocol::RicartAgrawala(protocol) => protocol.leave(effects),
            Protocol::Maekawa(protocol) => protocol.leave(effects),
        });
        assert!(told.is_none(), "who leaves does not enter: {told:?}");
    }

    pub(super) fn message(
        &mut self,
        ctx: &mut Context<'_, Node>,
        from: NodeId,
        segment: Segment<Speech>,
    ) -> Option<Told> {
        let mut told = None;
        for speech in self.arrived(ctx, from, segment) {
            let heard = self.act(ctx, |protocol, effects| match protocol {
                Protocol::SuzukiKasami(protocol) => protocol.hear(effects, speech),
                Protocol::RicartAgrawala(protocol) => protocol.hear(effects, from, speech),
                Protocol::Maekawa(protocol) => protocol.hear(effects, from, speech),
            });
            told = told.or(heard);
        }
        told
    }

    /// What can be heard now, in order.
    fn arrived(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, segment: Segment<Speech>) -> Vec<Speech> {
        match segment {
            Segment::Numbered { seq, message } => {
                let (heard, ack) = self.links.arrived(from, seq, message);
                ctx.send(from, Message::Peer(ack));
                heard
            }
            Segment::Ack { below } => {
                if self.links.acknowledged(from, below) {
                    ctx.cancel(&Timer::Resend(from));
                }
                Vec::new()
            }
            Segment::Bare(speech) => panic!("a peer speaks over reliable links only: {speech:?}"),
        }
    }

    fn send(&mut self, ctx: &mut Context<'_, Node>, to: NodeId, speech: Speech) {
        let (segment, first) = self.links.number(to, speech);
        if first {
            ctx.arm(Timer::Resend(to), self.links.patience());
        }
        ctx.send(to, Message::Peer(segment));
    }

    pub(super) fn resend(&mut self, ctx: &mut Context<'_, Node>, peer: NodeId) -> Option<Told> {
        let waiting = self.links.waiting(peer);
        if !waiting.is_empty() {
            ctx.mark(marks::SAID_AGAIN);
            waiting.into_iter().for_each(|segment| ctx.send(peer, Message::Peer(segment)));
            ctx.arm(Timer::Resend(peer), self.links.patience());
        }
        None
    }

    fn act(&mut self, ctx: &mut Context<'_, Node>, act: impl FnOnce(&mut Protocol, &mut Effects)) -> Option<Told> {
        let mut effects = Effects::default();
        act(&mut self.protocol, &mut effects);
        for (to, speech) in effects.said {
            self.send(ctx, to, speech);
        }
        effects.marks.into_iter().for_each(|mark| ctx.mark(mark));
        let token = effects.enters?;
        self.waiting = false;
        Some(Told::Granted { token, until: None })
    }
}
