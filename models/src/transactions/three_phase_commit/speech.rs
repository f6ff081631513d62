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
}

impl Speech {
    /// Tells the first now, and the others after a gap each. What it was telling before is finished first. Whom it tells
    /// first is by chance: if it were always the one that is elected, whoever is elected would always know most.
    pub(super) fn say(
        &mut self,
        ctx: &mut Context<'_, Node>,
        gap: Span,
        tx: TxId,
        to: impl IntoIterator<Item = NodeId>,
        message: Message,
    ) {
        let silent = self.rest.is_empty();
        let mut to: Vec<NodeId> = to.into_iter().collect();
        if to.len() > 1 {
            let first = ctx.draw("first_told", 0..=to.len() as u64 - 1);
            to.rotate_left(first as usize);
        }
        self.rest.extend(to.into_iter().map(|node| (node, message.clone())));
        if silent {
            self.go_on(ctx, gap, tx);
        }
    }

    /// Tells the next. Says whether there is nobody left.
    pub(super) fn go_on(&mut self, ctx: &mut Context<'_, Node>, gap: Span, tx: TxId) -> bool {
        while let Some((to, message)) = self.rest.pop_front() {
            ctx.send(to, message);
            if !self.rest.is_empty() && gap > Span::ZERO {
                ctx.arm(Timer::Say(tx), gap);
                return false;
            }
        }
        true
    }

    /// Whether somebody has not been told yet.
    pub(super) fn unfinished(&self) -> bool {
        !self.rest.is_empty()
    }
}
