//! Reads that bypass the log (thesis §6.4).
//!
//! 1. A leader that has committed nothing in its term waits: it does not know yet what is committed.
//! 2. It remembers its commit index: the read index.
//! 3. It starts a round of heartbeats, and waits until a quorum has answered: so nobody else led when the read came.
//! 4. It waits until its state machine has come that far, and 5. answers.

use seedbed_sim::Context;

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::role::Read;
use crate::replication::raft::role::{Pending, Role};
use crate::replication::raft::server::Server;
use crate::replication::raft::settings::ReadMode;

impl<S: StateMachine> Server<S> {
    pub(super) fn read(&mut self, ctx: &mut Context<'_, Self>, waiter: Pending, command: S::Command) {
        let settled = self.log.term(self.commit_index) == Some(self.current_term);
        let Role::Leader(leading) = &mut self.role else { return };
        if !settled {
            ctx.mark(marks::READ_WAITS_FOR_THE_LEADERS_FIRST_COMMIT);
            return leading.early_reads.push((waiter, command));
        }
        if self.settings.reads == ReadMode::Lease {
            if self.holds_lease(ctx) {
                ctx.mark(marks::READ_UNDER_A_LEASE);
                return self.answer_read(ctx, waiter, &command);
            }
            ctx.mark(marks::LEASE_EXPIRED_SO_READINDEX);
        }
        let Role::Leader(leading) = &mut self.role else { return };
        if ctx.planted(Bug::ReadIndexWithoutHeartbeat) {
            return self.answer_read(ctx, waiter, &command);
        }
        leading.round += 1;
        leading.reads.push_back(Read { round: leading.round, index: self.commit_index, waiter, command });
        self.send_heartbeats(ctx);
        self.complete_reads(ctx);
    }

    /// The leader has committed an entry: if it is its first, reads that waited for it begin.
    pub(super) fn start_deferred_reads(&mut self, ctx: &mut Context<'_, Self>) {
        let Role::Leader(leading) = &mut self.role else { return };
        for (waiter, command) in std::mem::take(&mut leading.early_reads) {
            self.read(ctx, waiter, command);
        }
    }

    /// Answers the reads whose round a quorum has answered.
    pub(super) fn complete_reads(&mut self, ctx: &mut Context<'_, Self>) {
        loop {
            let Role::Leader(leading) = &self.role else { return };
            let Some(first) = leading.reads.front() else { return };
            let reached = leading.reached((self.id, leading.round), |progress| progress.round);
            let confirmed = self.quorum_configuration(ctx).committed(reached).0;
            if first.round > confirmed || first.index > self.last_applied {
                return;
            }
            let Some(leading) = self.leader_state() else { return };
            let Read { waiter, command, .. } = leading.reads.pop_front().expect("just looked at");
            ctx.mark(marks::READ_BY_READINDEX);
            self.answer_read(ctx, waiter, &command);
        }
    }

    fn answer_read(&mut self, ctx: &mut Context<'_, Self>, waiter: Pending, command: &S::Command) {
        let output = self.machine.query(command).expect("raft bypasses the log for queries only");
        self.reply(ctx, waiter, output);
    }
}
