//! How a replica answers its own client.

use seedbed_sim::{Context, OpId, Process};

use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::marks;
use crate::replication::crdt::vocabulary::{Op, Ret};

/// A replica that takes updates.
pub(super) trait Updatable: Process<Op = Op, Ret = Ret> {
    /// Whether it takes updates by now.
    fn is_member(&self) -> bool;

    /// Makes an update; `None` if the data type refuses it.
    fn update(&mut self, ctx: &mut Context<'_, Self>, op: OpId, update: &Op) -> Option<()>;

    /// A client asks for an update. It is refused for certain where the replica is not yet a member.
    fn answer(&mut self, ctx: &mut Context<'_, Self>, op: OpId, update: &Op) {
        if !self.is_member() {
            ctx.mark(marks::ASKED_BEFORE_IT_WAS_A_MEMBER);
            return ctx.fail(op, "this replica is not yet a member");
        }
        let made = self.update(ctx, op, update);
        let made = made.filter(|()| !ctx.planted(Bug::AnswersRefused));
        if made.is_none() {
            ctx.mark(marks::UPDATE_REFUSED);
        }
        ctx.complete(op, made.map_or(Ret::Refused, |()| Ret::Made));
    }
}
