//! Telling several nodes something, one after the other: a crash in between leaves some who know and some who do not,
//! which is what the termination protocol is there for.

use std::collections::VecDeque;

use seedbed_sim::{Context, NodeId, Span};

use crate::transactions::TxId;
use crate::transactions::three_phase_commit::messages::{Message, Timer};
use crate::transactions::three_phase_commit::model::Node;

/// What a node is telling about one transaction.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Speech {
    rest: VecDeque<(NodeId, Message)>,
    /// How many were told something by a timer, up to now or in time.
    timed: u16,
}

impl Speech {
    /// Tells the first now, and the others after a gap each, on timers of their own, so that lateness does not add up.
    /// What it was telling before is finished first. Whom it tells first is by chance: if it were always the one that is
    /// elected, whoever is elected would always know most.
    pub(super) fn say(
        &mut self,
        ctx: &mut Context<'_, Node>,
        gap: Span,
        tx: TxId,
        to: impl IntoIterator<Item = NodeId>,
        message: Message,
    ) {
        let mut to: Vec<NodeId> = to.into_iter().collect();
        if gap == Span::ZERO {
            return ctx.broadcast(to, message);
        }
        if to.len() > 1 {
            let first = ctx.draw("first_told", 0..=to.len() as u64 - 1);
            to.rotate_left(first as usize);
        }
        let mut at_once = self.rest.is_empty();
        for node in to {
            if at_once {
                ctx.send(node, message.clone());
                at_once = false;
                continue;
            }
            self.rest.push_back((node, message.clone()));
            ctx.arm(Timer::Say(tx, self.timed), gap * self.rest.len() as u64);
            self.timed += 1;
        }
    }

    /// Tells the next.
    pub(super) fn go_on(&mut self, ctx: &mut Context<'_, Node>) {
        if let Some((to, message)) = self.rest.pop_front() {
            ctx.send(to, message);
        }
    }

    /// Whether somebody has not been told yet.
    pub(super) fn unfinished(&self) -> bool {
        !self.rest.is_empty()
    }
}
