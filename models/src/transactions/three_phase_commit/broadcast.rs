//! Sending to several nodes one after the other: a crash in between leaves some who have been told and some who have not,
//! which is what the termination protocol is there for.

use std::collections::VecDeque;

use seedbed_sim::{Context, NodeId, Process, Span};

use crate::transactions::TxId;
use crate::transactions::three_phase_commit::messages::{Message, Timer};

/// What a node has still to send about one transaction.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Broadcast {
    unsent: VecDeque<(NodeId, Message)>,
    /// How many sends had a timer, up to now: each has a name of its own.
    timed: u16,
}

impl Broadcast {
    /// Sends to the first at once and to each of the others `gap` after the one before, by timers of their own, so that
    /// lateness does not add up. What is unsent from before goes first. The first is drawn: if it were always the one that is
    /// elected, that one would always know most.
    pub(super) fn send<P>(
        &mut self,
        ctx: &mut Context<'_, P>,
        gap: Span,
        tx: TxId,
        to: impl IntoIterator<Item = NodeId>,
        message: Message,
    ) where
        P: Process<Message = Message, Timer = Timer>,
    {
        let mut to: Vec<NodeId> = to.into_iter().collect();
        if gap == Span::ZERO {
            return ctx.broadcast(to, message);
        }
        if to.len() > 1 {
            let first = ctx.draw("first_told", 0..=to.len() as u64 - 1);
            to.rotate_left(first as usize);
        }
        let mut at_once = self.unsent.is_empty();
        for node in to {
            if at_once {
                ctx.send(node, message.clone());
                at_once = false;
                continue;
            }
            self.unsent.push_back((node, message.clone()));
            ctx.arm(Timer::Say(tx, self.timed), gap * self.unsent.len() as u64);
            self.timed += 1;
        }
    }

    /// Sends to the next.
    pub(super) fn send_next<P: Process<Message = Message>>(&mut self, ctx: &mut Context<'_, P>) {
        if let Some((to, message)) = self.unsent.pop_front() {
            ctx.send(to, message);
        }
    }

    /// Whether somebody has not been sent to yet.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.unsent.is_empty()
    }
}
