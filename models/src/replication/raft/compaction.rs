//! Snapshots and InstallSnapshot (paper §7, thesis ch. 5).

use std::sync::Arc;

use seedbed_sim::{Context, NodeId};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::messages::Message;
use crate::replication::raft::server::Server;
use crate::replication::raft::snapshot::Snapshot;

impl<S: StateMachine> Server<S> {
    /// Takes a snapshot once enough entries were applied since the last, and drops them from the log. Not by the handler
    /// that applied them but by the next, as a task in the background does: so whoever looks on between two events sees
    /// every applied entry once.
    pub(super) fn compact_when_due(&mut self, ctx: &mut Context<'_, Self>) {
        if self.last_applied.0 < self.log.base().0 + self.settings.snapshot_threshold {
            return;
        }
        let Some(last_term) = self.log.term(self.last_applied) else {
            return;
        };
        let mut sessions = self.sessions.clone();
        if ctx.planted(Bug::SessionTableNotInSnapshot) {
            sessions.forget();
        }
        let snapshot = Arc::new(Snapshot {
            last: self.last_applied,
            last_term,
            membership: self.membership_at(self.last_applied),
            machine: self.machine.clone(),
            sessions,
            executed: self.executed,
        });
        self.log.compact(snapshot.last, snapshot.last_term);
        self.base_membership = snapshot.membership.clone();
        self.snapshot = Some(snapshot.clone());
        self.save_snapshot(ctx, snapshot);
        ctx.mark(marks::SNAPSHOT_TAKEN);
    }

    /// Sends the snapshot to a follower that needs entries which the log no longer has.
    pub(super) fn send_snapshot(&mut self, ctx: &mut Context<'_, Self>, to: NodeId) {
        let snapshot = self.snapshot.clone().expect("raft has a snapshot of what its log lacks");
        let term = self.current_term;
        let Some(leading) = self.leader_state() else { return };
        leading.progress(to).sent_snapshot(snapshot.last);
        let round = leading.round;
        ctx.send(to, Message::InstallSnapshot { term, snapshot, round });
    }

    /// InstallSnapshot, the receiver's rules 5 to 8 (Figure 13).
    pub(super) fn handle_install_snapshot(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        snapshot: Arc<Snapshot<S>>,
        round: u64,
    ) {
        let matched = snapshot.last;
        let behind = snapshot.last <= self.commit_index;
        if behind && ctx.planted(Bug::SnapshotRegressesLog) {
            self.log.restart(snapshot.last, snapshot.last_term);
            self.restore(ctx, snapshot);
        } else if behind {
            // What it tells is known: it was overtaken.
            ctx.mark(marks::LATE_SNAPSHOT_IGNORED);
        } else {
            self.restore(ctx, snapshot);
            ctx.mark(marks::SNAPSHOT_INSTALLED);
        }
        ctx.send(from, Message::Appended { term: self.current_term, match_index: matched, round });
    }

    fn restore(&mut self, ctx: &mut Context<'_, Self>, snapshot: Arc<Snapshot<S>>) {
        let goes_on = snapshot.last > self.commit_index || ctx.bug().is_some();
        assert!(goes_on, "raft: a snapshot takes nothing back: {} after {}", snapshot.last, self.commit_index);
        self.log.compact(snapshot.last, snapshot.last_term);
        self.restore_state(ctx, &snapshot);
        self.snapshot = Some(snapshot.clone());
        self.save_snapshot(ctx, snapshot);
    }

    /// Makes the replicated state what the snapshot says.
    pub(super) fn restore_state(&mut self, ctx: &Context<'_, Self>, snapshot: &Snapshot<S>) {
        if !ctx.planted(Bug::SnapshotWithoutMachine) {
            self.machine = snapshot.machine.clone();
        }
        self.sessions = snapshot.sessions.clone();
        self.base_membership = snapshot.membership.clone();
        self.use_latest_configuration();
        self.executed = snapshot.executed;
        self.commit_index = snapshot.last;
        self.last_applied = snapshot.last;
    }
}
