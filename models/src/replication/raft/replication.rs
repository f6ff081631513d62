//! Log replication (paper §5.3 and §5.4.2), with batches and pipelining (thesis §10.2).

use seedbed_sim::{Context, NodeId};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::entry::Entry;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::messages::Message;
use crate::replication::raft::progress::Flow;
use crate::replication::raft::role::Role;
use crate::replication::raft::server::Server;
use crate::replication::raft::settings::Timer;
use crate::replication::raft::types::{Index, Term};

// -------------------------------------------------------------------------------------------------------------------
// The leader

impl<S: StateMachine> Server<S> {
    /// Sends every follower what it lacks.
    pub(super) fn replicate(&mut self, ctx: &mut Context<'_, Self>) {
        let Role::Leader(leading) = &self.role else { return };
        for at in 0..leading.peers.len() {
            self.replicate_to(ctx, at);
        }
    }

    /// Sends one follower what it lacks, as far as its window is open.
    fn replicate_to(&mut self, ctx: &mut Context<'_, Self>, at: usize) {
        loop {
            let Role::Leader(leading) = &mut self.role else { return };
            let round = leading.round;
            let (to, progress) = &mut leading.peers[at];
            let to = *to;
            if progress.next > self.log.last() {
                return;
            }
            if !progress.ready(self.settings.window) {
                if progress.flow == Flow::Replicate {
                    ctx.mark(marks::WINDOW_FULL);
                }
                return;
            }
            let prev = progress.next.before();
            let Some(prev_term) = self.log.term(prev) else {
                return self.send_snapshot(ctx, to);
            };
            let lacking = self.log.from(progress.next);
            let entries = lacking[..lacking.len().min(self.settings.batch)].to_vec();
            if entries.len() > 1 {
                ctx.mark(marks::ENTRIES_SENT_IN_A_BATCH);
            }
            progress.sent(entries.len());
            let (term, leader_commit) = (self.current_term, self.commit_index);
            let (prev_log_index, prev_log_term) = (prev, prev_term);
            ctx.send(to, Message::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round });
        }
    }

    /// Says to all that the leader is alive (§5.2).
    pub(super) fn heartbeat(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.arm(Timer::Heartbeat, self.settings.heartbeat);
        self.renew_lease(ctx);
        self.send_heartbeats(ctx);
    }

    /// An AppendEntries with no entries to each follower. Its answers tell of lost messages, too: it stands where the
    /// next entries would, and is refused if those before have not arrived.
    pub(super) fn send_heartbeats(&mut self, ctx: &mut Context<'_, Self>) {
        let Role::Leader(leading) = &self.role else { return };
        let (term, leader_commit, round) = (self.current_term, self.commit_index, leading.round);
        for (to, progress) in &leading.peers {
            // Where the entry before the next is gone, the end of the snapshot is asked for: a follower that is behind
            // refuses, and is then sent the snapshot.
            let prev_log_index = progress.next.before().max(self.log.base());
            let prev_log_term = self.log.term(prev_log_index).expect("raft has every entry behind its snapshot");
            let entries = Vec::new();
            ctx.send(
                *to,
                Message::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round },
            );
        }
    }

    /// A follower's log agrees up to `matched`.
    pub(super) fn handle_appended(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, matched: Index, round: u64) {
        let Role::Leader(leading) = &mut self.role else { return };
        let Some(at) = leading.peers.iter().position(|(peer, _)| *peer == from) else {
            return;
        };
        let progress = &mut leading.peers[at].1;
        progress.active = true;
        progress.round = progress.round.max(round);
        progress.accepted(matched);
        if progress.flow != Flow::Snapshot {
            leading.sending.retain(|sending| sending.to != from);
        }
        // Most answers are to heartbeats, and confirm what is committed already.
        if matched > self.commit_index {
            self.advance_commit(ctx);
        }
        // The commit may have ended this leadership, or changed who is in the group.
        let Role::Leader(leading) = &self.role else { return };
        if let Some(at) = leading.peers.iter().position(|(peer, _)| *peer == from) {
            self.replicate_to(ctx, at);
        }
        self.confirm_lease(ctx);
        self.complete_reads(ctx);
        self.send_timeout_now(ctx, from);
        self.advance_change(ctx);
    }

    /// A follower's log does not agree at `prev`: goes back a term at a time (§5.3).
    pub(super) fn handle_refused(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        prev: Index,
        (hint, hint_term): (Index, Option<Term>),
        round: u64,
    ) {
        let Role::Leader(leading) = &mut self.role else { return };
        let Some(at) = leading.peers.iter().position(|(peer, _)| *peer == from) else {
            return;
        };
        let progress = &mut leading.peers[at].1;
        progress.active = true;
        progress.round = progress.round.max(round);
        if ctx.planted(Bug::LostEntriesNeverSentAgain) && progress.flow == Flow::Replicate {
            return;
        }
        let retry = self.log.after_conflict(hint, hint_term);
        if progress.refused(prev, retry) && hint_term.is_some() {
            ctx.mark(marks::CONFLICT_HINT_USED);
        }
        if matches!(progress.flow, Flow::Probe { .. }) {
            self.replicate_to(ctx, at);
        }
        self.confirm_lease(ctx);
        self.complete_reads(ctx);
    }

    /// A sync of the leader's own disk has ended: what it made durable counts for a quorum.
    pub(super) fn own_log_synced(&mut self, ctx: &mut Context<'_, Self>) {
        if self.leader_state().is_some_and(|leading| leading.own.synced(ctx)) {
            self.advance_commit(ctx);
        }
    }

    /// Commits what a quorum has, if it ends in this term: entries of earlier terms are committed only behind one of
    /// the leader's own (§5.4.2, Figure 8).
    fn advance_commit(&mut self, ctx: &mut Context<'_, Self>) {
        let Role::Leader(leading) = &self.role else { return };
        let reached = leading.reached((self.id, leading.own.durable().0), |progress| progress.matched.0);
        let quorum = self.quorum_configuration(ctx).committed(reached);
        if quorum <= self.commit_index {
            return;
        }
        let own = self.log.term(quorum) == Some(self.current_term);
        if own || ctx.planted(Bug::CommitPriorTermByCounting) {
            self.commit_index = quorum;
            self.apply(ctx);
            self.start_deferred_reads(ctx);
            self.advance_change(ctx);
        }
    }
}

// -------------------------------------------------------------------------------------------------------------------
// The follower

impl<S: StateMachine> Server<S> {
    /// AppendEntries, the receiver's rules 2 to 5 (Figure 2).
    pub(super) fn handle_append_entries(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        (prev, prev_term): (Index, Term),
        entries: Vec<Entry<S>>,
        (commit, round): (Index, u64),
    ) {
        // 2. The logs must agree at the place before the entries. What the snapshot covers is committed, so agrees.
        if prev >= self.log.base() && self.log.term(prev) != Some(prev_term) {
            return self.reject_append(ctx, from, prev, round);
        }
        let last_new = prev.plus(entries.len());
        let appended = self.log.appended();
        self.store_entries(ctx, prev, entries);
        // 5. What the leader has committed is committed here, as far as this message has verified the log.
        let verified = if ctx.planted(Bug::CommitPastLastNewEntry) { self.log.last() } else { last_new };
        self.commit_index = self.commit_index.max(commit.min(verified));
        self.apply(ctx);
        let reply = Message::Appended { term: self.current_term, match_index: last_new, round };
        if ctx.planted(Bug::ReplyBeforeSync) && self.log.appended() > appended {
            ctx.send_early(from, reply);
        } else {
            ctx.send(from, reply);
        }
    }

    /// Puts the leader's entries behind `prev`: 3. an entry that conflicts goes, with all that follow it; 4. entries
    /// that are not in the log are appended. Those that are stay: the message may be late, and more may have come since.
    fn store_entries(&mut self, ctx: &mut Context<'_, Self>, prev: Index, entries: Vec<Entry<S>>) {
        if ctx.planted(Bug::TruncateOnStaleAppend) && !entries.is_empty() && self.log.last() > prev {
            self.truncate(ctx, prev.next().max(self.log.base().next()));
        }
        let mut at = prev;
        for entry in entries {
            at = at.next();
            if at <= self.log.base() {
                continue;
            }
            match self.log.term(at) {
                Some(term) if term == entry.term => continue,
                Some(_) if ctx.planted(Bug::NoTruncationOnConflict) => continue,
                Some(_) => {
                    ctx.mark(marks::LOG_TRUNCATED);
                    self.truncate(ctx, at);
                }
                None => {}
            }
            self.append(ctx, entry);
        }
    }

    /// Says where the leader may try next, and in which term this server is.
    pub(super) fn reject_append(&mut self, ctx: &mut Context<'_, Self>, to: NodeId, prev: Index, round: u64) {
        let (hint, hint_term) = self.log.conflict(prev);
        ctx.send(to, Message::Refused { term: self.current_term, prev_log_index: prev, hint, hint_term, round });
    }
}
