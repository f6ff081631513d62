//! Leader election (paper §5.2 and §5.4.1), pre-vote (thesis §9.6) and check-quorum (thesis §6.2).

use seedbed_sim::{Context, Durable, NodeId, Watermark, Written};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::entry::Payload;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::messages::Message;
use crate::replication::raft::progress::Progress;
use crate::replication::raft::quorum::VoteResult;
use crate::replication::raft::role::{LeaderState, Lease, Role, Votes};
use crate::replication::raft::server::Server;
use crate::replication::raft::settings::Timer;
use crate::replication::raft::types::{Index, Term};

/// Why votes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Campaign {
    /// To find out whether an election could be won (thesis §9.6).
    PreVote,
    /// To be elected.
    Election,
    /// To be elected because the leader said so (thesis §3.10): nobody waits for that leader.
    Transfer,
}

impl<S: StateMachine> Server<S> {
    /// Restarts the election timer with a random timeout, to avoid repeated split votes (§5.2).
    pub(super) fn reset_election_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.election_timeout =
            ctx.draw_span("election_timeout", self.settings.election_min..=self.settings.election_max);
        ctx.arm(Timer::Election, self.election_timeout);
    }

    /// The election timer has elapsed: begins an election, or first asks whether it could win one.
    pub(super) fn campaign(&mut self, ctx: &mut Context<'_, Self>) {
        self.reset_election_timer(ctx);
        if self.is_leader() || !self.promotable() {
            return;
        }
        if self.settings.pre_vote {
            self.role = Role::PreCandidate(Votes::own(self.id));
            self.request_votes(ctx, Campaign::PreVote);
        } else {
            self.become_candidate(ctx, Campaign::Election);
        }
    }

    /// Whether it may lead: if it has a vote, or had one before a change that may not be committed. Without it the group
    /// could be stuck, when only it has the entry that takes it out (thesis §4.2.2).
    fn promotable(&self) -> bool {
        let was_voter = || self.membership_at(self.configuration_index.before()).votes(self.id);
        self.membership.votes(self.id) || (self.configuration_index > self.commit_index && was_voter())
    }

    /// Becomes a candidate because the leader has handed over (thesis §3.10): without a pre-vote, for the others need not
    /// wait for that leader.
    pub(super) fn become_candidate_by_transfer(&mut self, ctx: &mut Context<'_, Self>) {
        self.become_candidate(ctx, Campaign::Transfer);
    }

    /// Increments the current term, votes for itself and asks the others for their votes (Figure 2, rules for candidates).
    fn become_candidate(&mut self, ctx: &mut Context<'_, Self>, campaign: Campaign) {
        assert!(!self.is_leader(), "raft: a leader begins no election in term {}", self.current_term);
        self.current_term = self.current_term.next();
        self.voted_for = Some(self.id);
        self.leader = None;
        let own_vote = self.save_vote(ctx);
        let early = Written::early(self.log.last());
        let own_vote = if ctx.planted(Bug::OwnVoteBeforeSync) { early } else { own_vote };
        self.role = Role::Candidate(Votes::own(self.id), own_vote);
        ctx.mark(marks::ELECTION);
        self.request_votes(ctx, campaign);
    }

    /// RequestVote, the sender's side. A pre-vote speaks of the next term without entering it.
    fn request_votes(&mut self, ctx: &mut Context<'_, Self>, campaign: Campaign) {
        let pre_vote = campaign == Campaign::PreVote;
        let term = if pre_vote { self.current_term.next() } else { self.current_term };
        let (last_log_index, last_log_term) = (self.log.last(), self.log.last_term());
        let transfer = campaign == Campaign::Transfer && !ctx.planted(Bug::TransferAsAnyOther);
        let voters = self.membership.everyone().into_iter().filter(|node| self.membership.votes(*node));
        for voter in voters.filter(|node| *node != self.id) {
            ctx.send(voter, Message::RequestVote { term, last_log_index, last_log_term, pre_vote, transfer });
        }
        self.tally_votes(ctx);
    }

    /// RequestVote, the receiver's rules (Figure 2): one vote a term, first come first served, and only for a log that
    /// is at least as up to date as one's own.
    pub(super) fn handle_request_vote(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        term: Term,
        log: (Term, Index),
    ) {
        let free = self.voted_for.is_none_or(|vote| vote == from);
        let granted = term == self.current_term && free && !self.is_leader() && self.is_up_to_date(ctx, log);
        if granted && self.voted_for.is_none() {
            self.voted_for = Some(from);
            self.save_vote(ctx);
        }
        if granted {
            assert!(self.voted_for == Some(from), "raft: one vote a term: {from} after {:?}", self.voted_for);
            ctx.arm(Timer::Election, self.election_timeout);
        }
        ctx.send(from, Message::Vote { term: self.current_term, granted, pre_vote: false });
    }

    /// Whether this server would vote for that one. It promises nothing, and changes nothing (thesis §9.6).
    pub(super) fn handle_pre_vote(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        term: Term,
        log: (Term, Index),
    ) {
        let granted =
            term > self.current_term && !self.heard_from_leader_recently(ctx.now()) && self.is_up_to_date(ctx, log);
        if !granted {
            ctx.mark(marks::PRE_VOTE_REFUSED);
        }
        let term = if granted { term } else { self.current_term };
        ctx.send(from, Message::Vote { term, granted, pre_vote: true });
    }

    /// The election restriction (§5.4.1).
    fn is_up_to_date(&self, ctx: &Context<'_, Self>, (last_term, last): (Term, Index)) -> bool {
        self.log.is_matched_by(last_term, last) || ctx.planted(Bug::NoUpToDateCheck)
    }

    /// Counts an answer, if it is to the question that is open.
    pub(super) fn handle_vote(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        term: Term,
        granted: bool,
        pre_vote: bool,
    ) {
        let asked = if pre_vote && granted { self.current_term.next() } else { self.current_term };
        match &mut self.role {
            Role::PreCandidate(votes) if pre_vote && term == asked => votes.count(from, granted),
            Role::Candidate(votes, _) if !pre_vote && term == asked => votes.count(from, granted),
            _ => return,
        }
        self.tally_votes(ctx);
    }

    /// Looks how the vote stands. A candidate's own vote is one as any other, and given when it is on disk ("updated on
    /// stable storage before responding", Figure 2): a sole voter that led before could forget that it did, and vote for
    /// another in the same term. A pre-vote promises nothing, and is not written down.
    pub(super) fn tally_votes(&mut self, ctx: &mut Context<'_, Self>) {
        let result = |votes: &Votes| self.quorum_configuration(ctx).vote(|voter| votes.of(voter));
        match &self.role {
            Role::PreCandidate(votes) => match result(votes) {
                VoteResult::Won => self.become_candidate(ctx, Campaign::Election),
                VoteResult::Lost => ctx.mark(marks::PRE_VOTE_LOST),
                VoteResult::Pending => {}
            },
            Role::Candidate(votes, own_vote) => match (result(votes), own_vote.durable(ctx)) {
                (VoteResult::Won, Some(own_log)) => self.become_leader(ctx, own_log),
                (VoteResult::Lost, _) => ctx.mark(marks::ELECTION_LOST),
                (VoteResult::Won, None) | (VoteResult::Pending, _) => {}
            },
            Role::Follower | Role::Leader(_) => {}
        }
    }

    /// Becomes leader: knows nothing of the others, and appends an entry of its term, for only that can tell it what
    /// is committed (Figure 2, rules for leaders; §5.4.2, §8). Its own vote is durable, and its log with it.
    fn become_leader(&mut self, ctx: &mut Context<'_, Self>, own_log: Durable<Index>) {
        let stood = matches!(self.role, Role::Candidate(..)) && self.voted_for == Some(self.id);
        assert!(stood, "raft: a leader was a candidate that voted for itself: {:?}", self.role);
        let peers = self.membership.everyone().into_iter().filter(|node| *node != self.id);
        let last = self.log.last();
        let leading = LeaderState {
            peers: peers.map(|node| (node, Progress::new(last))).collect(),
            sending: Vec::new(),
            own: Watermark::at(own_log),
            round: 0,
            waiting: Default::default(),
            reads: Default::default(),
            early_reads: Vec::new(),
            goal: None,
            transfer: None,
            lease: Lease::default(),
        };
        if self.log.last() > Index::ZERO {
            ctx.mark(marks::LEADER_CHANGED);
        }
        if self.membership.quorum(|node| node == self.id) {
            ctx.mark(marks::LED_BY_A_SOLE_VOTER);
        }
        ctx.note(|| format!("leads term {} from index {last}", self.current_term));
        self.role = Role::Leader(Box::new(leading));
        self.leader = Some(self.id);
        ctx.cancel(&Timer::Election);
        ctx.arm(Timer::Heartbeat, self.settings.heartbeat);
        if self.settings.check_quorum {
            ctx.arm(Timer::CheckQuorum, self.settings.election_max);
        }
        // Without it, entries of earlier terms stay uncommitted until a client asks for something: the temptation to
        // which the bug gives in.
        if !ctx.planted(Bug::CommitPriorTermByCounting) {
            self.append_own(ctx, Payload::Noop);
        }
        self.replicate(ctx);
    }

    /// A leader that heard from no quorum for an election timeout steps down, so that clients look elsewhere
    /// (thesis §6.2).
    pub(super) fn check_quorum(&mut self, ctx: &mut Context<'_, Self>) {
        let Role::Leader(leading) = &mut self.role else { return };
        let (id, peers) = (self.id, &leading.peers);
        let active = |node| node == id || peers.iter().any(|(peer, progress)| *peer == node && progress.active);
        if self.membership.quorum(active) {
            leading.peers.iter_mut().for_each(|(_, progress)| progress.active = false);
            return ctx.arm(Timer::CheckQuorum, self.settings.election_max);
        }
        ctx.mark(marks::STEPPED_DOWN_BY_CHECK_QUORUM);
        self.leader = None;
        self.become_follower(ctx, self.current_term, None);
    }
}
