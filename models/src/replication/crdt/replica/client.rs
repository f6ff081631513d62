//! How a replica answers its own client.

use seedbed_sim::{Context, OpId, Process};

use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::ghost::Ghost;
use crate::replication::crdt::marks;
use crate::replication::crdt::vocabulary::{Op, Ret};

/// A replica that takes updates.
pub(super) trait Updatable: Process<Op = Op, Ret = Ret> {
    /// Whether it takes updates by now.
    fn is_member(&self) -> bool;

    /// What properties know of it.
    fn ghost_mut(&mut self) -> &mut Ghost;

    /// Makes an update; `None` if the data type refuses it.
    fn update(&mut self, ctx: &mut Context<'_, Self>, op: OpId, update: &Op) -> Option<()>;

    /// A client asks for an update. It is refused for certain where the replica is not yet a member.
    fn answer(&mut self, ctx: &mut Context<'_, Self>, op: OpId, update: &Op) {
        if !self.is_member() {
            ctx.mark(marks::ASKED_BEFORE_IT_WAS_A_MEMBER);
            return ctx.fail(op, "this replica is not yet a member");
        }
        let refuses = ctx.planted(Bug::RefusesTheFirst) && self.ghost_mut().seen.is_empty();
        let made = if refuses { None } else { self.update(ctx, op, update) };
        if made.is_none() {
            ctx.mark(marks::UPDATE_REFUSED);
            self.ghost_mut().refused(op, update);
        }
        ctx.complete(op, made.map_or(Ret::Refused, |()| Ret::Made));
    }
}
