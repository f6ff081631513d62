//! Snapshots and InstallSnapshot (paper §7, thesis ch. 5).

use std::sync::Arc;

use seedbed_sim::{Context, NodeId};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::messages::Message;
use crate::replication::raft::progress::Flow;
use crate::replication::raft::role::Role;
use crate::replication::raft::server::Server;
use crate::replication::raft::snapshot::{Chunk, Receiving, Sending, Snapshot};
use crate::replication::raft::types::Index;

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

    // -----------------------------------------------------------------------------------------------------------------
    // The leader

    /// Sends a follower that needs entries which the log no longer has the next chunk of a snapshot. A transfer that has begun
    /// goes on with the snapshot that it began with: chunks of two do not fit together, and one that begins anew with each
    /// snapshot might never end.
    pub(super) fn send_snapshot(&mut self, ctx: &mut Context<'_, Self>, to: NodeId) {
        let latest = self.snapshot.clone().expect("raft has a snapshot of what its log lacks");
        let (term, size) = (self.current_term, self.settings.snapshot_chunk);
        let Some(leading) = self.leader_state() else { return };
        let at = leading.sending.iter().position(|sending| sending.to == to).unwrap_or_else(|| {
            leading.sending.push(Sending { to, snapshot: latest.clone(), received: 0 });
            leading.sending.len() - 1
        });
        let sending = &mut leading.sending[at];
        if ctx.planted(Bug::SnapshotReplacedWhileSent) {
            sending.snapshot = latest;
        }
        let chunk = sending.snapshot.chunk(sending.received, size);
        leading.progress(to).sent_snapshot(chunk.last);
        let round = leading.round;
        ctx.send(to, Message::InstallSnapshot { term, chunk, round });
    }

    /// A follower has all items of a snapshot up to here: sends what comes next. It may have fewer than before, for it may have
    /// crashed; late news makes the leader send some items twice.
    pub(super) fn handle_chunk_received(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        (last, received): (Index, usize),
        round: u64,
    ) {
        let Role::Leader(leading) = &mut self.role else { return };
        let Some((_, progress)) = leading.peers.iter_mut().find(|(peer, _)| *peer == from) else { return };
        progress.active = true;
        progress.round = progress.round.max(round);
        let waits = progress.flow == Flow::Snapshot;
        let sending = leading.sending.iter_mut().find(|sending| sending.to == from && sending.snapshot.last == last);
        if let Some(sending) = sending.filter(|sending| waits && sending.received != received) {
            sending.received = received;
            self.send_snapshot(ctx, from);
        }
        self.confirm_lease(ctx);
        self.complete_reads(ctx);
    }

    // -----------------------------------------------------------------------------------------------------------------
    // The follower

    /// InstallSnapshot, the receiver's rules (Figure 13): 2 and 3, the first chunk begins a snapshot, and others go behind
    /// those before them; 4, it waits for more until the last.
    pub(super) fn handle_install_snapshot(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        chunk: Chunk<S>,
        round: u64,
    ) {
        let (term, last) = (self.current_term, chunk.last);
        if last <= self.commit_index && !ctx.planted(Bug::SnapshotRegressesLog) {
            // What it tells is known: it was overtaken.
            ctx.mark(marks::LATE_SNAPSHOT_IGNORED);
            return ctx.send(from, Message::Appended { term, match_index: last, round });
        }
        let mixes = ctx.planted(Bug::SnapshotReplacedWhileSent) && chunk.offset > 0;
        let begun = self.receiving.take().filter(|receiving| mixes || receiving.is_of(&chunk));
        let mut receiving = begun.unwrap_or_else(|| Receiving::begin(&chunk));
        let (next, done) = (chunk.offset == receiving.received(), chunk.done);
        if next {
            receiving.take(chunk);
        } else {
            ctx.mark(marks::CHUNK_OUT_OF_ORDER);
        }
        if next && done {
            self.install(ctx, receiving.whole());
            return ctx.send(from, Message::Appended { term, match_index: last, round });
        }
        ctx.send(from, Message::ChunkReceived { term, last, received: receiving.received(), round });
        self.receiving = Some(receiving);
    }

    /// InstallSnapshot, the receiver's rules 5 to 8 (Figure 13).
    fn install(&mut self, ctx: &mut Context<'_, Self>, snapshot: Snapshot<S>) {
        if snapshot.last <= self.commit_index {
            // Only with the bug.
            self.log.restart(snapshot.last, snapshot.last_term);
        } else {
            ctx.mark(marks::SNAPSHOT_INSTALLED);
        }
        self.restore(ctx, Arc::new(snapshot));
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
