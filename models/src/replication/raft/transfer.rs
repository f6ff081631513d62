//! Leadership transfer (thesis §3.10): the leader brings one server up to date and tells it to stand for election at once.

use seedbed_sim::{Context, NodeId};

use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::messages::Message;
use crate::replication::raft::role::Role;
use crate::replication::raft::role::Transfer;
use crate::replication::raft::server::Server;
use crate::replication::raft::settings::Timer;
use crate::replication::raft::types::Term;

impl<S: StateMachine> Server<S> {
    /// A client asks the leader to hand over. It takes no requests from now on, until it has, or gives up.
    pub(super) fn handle_transfer(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, to: NodeId) {
        if !self.is_leader() {
            return ctx.send(client, Message::NotLeader { leader: self.leader });
        }
        if self.transferring() {
            return;
        }
        if to == self.id || !self.membership.votes(to) {
            return ctx.send(client, Message::Transferred { to, done: to == self.id });
        }
        let Some(leading) = self.leader_state() else { return };
        leading.transfer = Some(Transfer { to, client });
        ctx.arm(Timer::Transfer, self.settings.election_max);
        self.replicate(ctx);
        self.send_timeout_now(ctx, to);
    }

    /// Whether the leader is about to hand over, and takes no requests (thesis §3.10).
    pub(super) fn transferring(&self) -> bool {
        matches!(&self.role, Role::Leader(leading) if leading.transfer.is_some())
    }

    /// A follower has acknowledged entries: if it is the one, and has all of them, it is told.
    pub(super) fn send_timeout_now(&mut self, ctx: &mut Context<'_, Self>, follower: NodeId) {
        let (last, term) = (self.log.last(), self.current_term);
        let Some(leading) = self.leader_state() else { return };
        let Some(Transfer { to, .. }) = leading.transfer.filter(|transfer| transfer.to == follower) else { return };
        if leading.peers.iter().any(|(peer, progress)| *peer == to && progress.matched == last) {
            leading.lease.give_up();
            ctx.send(to, Message::TimeoutNow { term });
        }
    }

    /// TimeoutNow: the leader has told this server to begin an election at once.
    pub(super) fn handle_timeout_now(&mut self, ctx: &mut Context<'_, Self>, term: Term) {
        if term != self.current_term || self.is_leader() || !self.membership.votes(self.id) {
            return;
        }
        ctx.mark(marks::LEADERSHIP_HANDED_OVER);
        self.reset_election_timer(ctx);
        self.become_candidate_by_transfer(ctx);
    }

    /// Nobody has come in time: the leader goes on, with what it had put off too (thesis §3.10).
    pub(super) fn give_up_transfer(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.mark(marks::TRANSFER_GIVEN_UP);
        self.tell_of_transfer(ctx, false);
        self.advance_change(ctx);
    }

    /// Tells who asked for the transfer that is under way, if there is one, how it ended.
    pub(super) fn tell_of_transfer(&mut self, ctx: &mut Context<'_, Self>, done: bool) {
        let Some(leading) = self.leader_state() else { return };
        if let Some(Transfer { to, client }) = leading.transfer.take() {
            ctx.cancel(&Timer::Transfer);
            ctx.send(client, Message::Transferred { to, done });
        }
    }
}
