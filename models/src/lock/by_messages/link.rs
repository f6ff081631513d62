//! Reliable links: what is said arrives once and in order, for as long as both ends live and the network lets something
//! through now and then. Numbers, acknowledgements of all up to a number, and repetition of all that is not acknowledged
//! (go-back-n).

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Context, NodeId, Span};

use crate::lock::by_messages::{Frame, Speech, frame};
use crate::lock::model::{Node, Timer};

/// One link, both ways.
#[derive(Clone, Debug, Default, Hash)]
struct Link {
    /// The number of the last thing said.
    said: u64,
    /// What was said and is not acknowledged; the last has the number `said`.
    open: VecDeque<Speech>,
    /// The number up to which all has arrived.
    heard: u64,
    /// What arrived too early.
    early: BTreeMap<u64, Speech>,
}

/// The links of a node.
#[derive(Clone, Debug, Hash)]
pub struct Links {
    patience: Span,
    links: BTreeMap<NodeId, Link>,
}

impl Links {
    /// Links on which all is said again after `patience` that was not acknowledged.
    pub fn new(patience: Span) -> Self {
        Links { patience, links: BTreeMap::new() }
    }

    pub(super) fn send(&mut self, ctx: &mut Context<'_, Node>, to: NodeId, speech: Speech) {
        let link = self.links.entry(to).or_default();
        link.said += 1;
        if link.open.is_empty() {
            ctx.arm(Timer::Resend(to), self.patience);
        }
        link.open.push_back(speech.clone());
        ctx.send(to, frame(Frame::Data { seq: link.said, speech }));
    }

    pub(super) fn resend(&mut self, ctx: &mut Context<'_, Node>, to: NodeId) {
        let link = self.links.entry(to).or_default();
        if link.open.is_empty() {
            return;
        }
        ctx.mark("said again");
        let first = link.said + 1 - link.open.len() as u64;
        for (n, speech) in link.open.iter().enumerate() {
            ctx.send(to, frame(Frame::Data { seq: first + n as u64, speech: speech.clone() }));
        }
        ctx.arm(Timer::Resend(to), self.patience);
    }

    /// What can be heard now, in order.
    pub(super) fn arrived(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, arrived: Frame) -> Vec<Speech> {
        let link = self.links.entry(from).or_default();
        match arrived {
            Frame::Ack { upto } => {
                while link.said - (link.open.len() as u64) < upto && link.open.pop_front().is_some() {}
                if link.open.is_empty() {
                    ctx.cancel(&Timer::Resend(from));
                }
                Vec::new()
            }
            Frame::Data { seq, speech } => {
                if seq > link.heard {
                    link.early.insert(seq, speech);
                }
                let mut heard = Vec::new();
                while let Some(speech) = link.early.remove(&(link.heard + 1)) {
                    link.heard += 1;
                    heard.push(speech);
                }
                ctx.send(from, frame(Frame::Ack { upto: link.heard }));
                heard
            }
        }
    }
}
