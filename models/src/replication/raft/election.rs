//! Leader election (paper §5.2 and §5.4.1), pre-vote (thesis §9.6) and check-quorum (thesis §6.2).

use seedbed_sim::{Context, NodeId};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::lease::Lease;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::messages::Message;
use crate::replication::raft::progress::Progress;
use crate::replication::raft::quorum::VoteResult;
use crate::replication::raft::server::{Leading, Role, Server, Timer};
use crate::replication::raft::types::{Entry, Index, Payload, Term};

/// Who has answered a candidate, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Votes(Vec<(NodeId, bool)>);

impl Votes {
    /// The candidate's own vote.
    fn own(id: NodeId) -> Self {
        Votes(vec![(id, true)])
    }

    /// Counts an answer; the first of each voter is the one that counts.
    fn count(&mut self, from: NodeId, granted: bool) {
        if self.of(from).is_none() {
            self.0.push((from, granted));
        }
    }

    fn of(&self, voter: NodeId) -> Option<bool> {
        self.0.iter().find(|(node, _)| *node == voter).map(|(_, granted)| *granted)
    }
}

impl<S: StateMachine> Server<S> {
    /// Waits for a leader, for a time drawn anew, so that servers do not stand against each other for ever (§5.2).
    pub(super) fn wait_for_leader(&mut self, ctx: &mut Context<'_, Self>) {
        if self.settings.extras.draw {
            ctx.draw("extra", 0..=9);
        }
        self.timeout = ctx.draw_span("election_timeout", self.settings.election_min..=self.settings.election_max);
        ctx.arm(Timer::Election, self.timeout);
    }

    /// No leader was heard of: stands for election, or asks first whether it could win.
    pub(super) fn campaign(&mut self, ctx: &mut Context<'_, Self>) {
        self.wait_for_leader(ctx);
        if self.leads() || !self.may_stand() {
            return;
        }
        match self.settings.pre_vote {
            true => {
                self.role = Role::PreCandidate(Votes::own(self.id));
                self.ask_for_votes(ctx, self.term.next(), true, false);
            }
            false => self.stand(ctx, false),
        }
    }

    /// Whether it may lead: if it has a vote, or had one before a change that may not be committed. Without it the group
    /// could be stuck, when only it has the entry that takes it out (thesis §4.2.2).
    fn may_stand(&self) -> bool {
        let had_vote = || self.membership_at(self.config.before()).votes(self.id);
        self.membership.votes(self.id) || (self.config > self.commit && had_vote())
    }

    /// Becomes a candidate (Figure 2, rules for candidates).
    pub(super) fn stand(&mut self, ctx: &mut Context<'_, Self>, transfer: bool) {
        self.term = self.term.next();
        self.vote = Some(self.id);
        self.leader = None;
        self.save_vote(ctx);
        self.role = Role::Candidate(Votes::own(self.id));
        ctx.mark(marks::ELECTION);
        self.ask_for_votes(ctx, self.term, false, transfer);
    }

    fn ask_for_votes(&mut self, ctx: &mut Context<'_, Self>, term: Term, pre: bool, transfer: bool) {
        let (last, last_term) = (self.log.last(), self.log.last_term());
        let voters = self.membership.everyone().into_iter().filter(|node| self.membership.votes(*node));
        for voter in voters.filter(|node| *node != self.id) {
            ctx.send(voter, Message::RequestVote { term, last, last_term, pre, transfer });
        }
        self.win_if_elected(ctx);
    }

    /// RequestVote, the receiver's rules (Figure 2): one vote a term, first come first served, and only for a log that
    /// is at least as up to date as one's own.
    pub(super) fn answer_vote(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, term: Term, log: (Term, Index)) {
        let free = self.vote.is_none_or(|vote| vote == from);
        let granted = term == self.term && free && !self.leads() && self.accepts(log);
        if granted && self.vote.is_none() {
            self.vote = Some(from);
            self.save_vote(ctx);
        }
        if granted {
            ctx.arm(Timer::Election, self.timeout);
        }
        ctx.send(from, Message::Vote { term: self.term, granted, pre: false });
    }

    /// Whether this server would vote for that one. It promises nothing, and changes nothing (thesis §9.6).
    pub(super) fn answer_pre_vote(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        term: Term,
        log: (Term, Index),
    ) {
        let granted = term > self.term && !self.hears_leader(ctx.now()) && self.accepts(log);
        if !granted {
            ctx.mark(marks::PRE_VOTE_REFUSED);
        }
        let term = if granted { term } else { self.term };
        ctx.send(from, Message::Vote { term, granted, pre: true });
    }

    /// The election restriction (§5.4.1).
    fn accepts(&self, (last_term, last): (Term, Index)) -> bool {
        self.log.is_matched_by(last_term, last) || self.bug == Some(Bug::NoUpToDateCheck)
    }

    /// Counts an answer, if it is to the question that is open.
    pub(super) fn count_vote(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        term: Term,
        granted: bool,
        pre: bool,
    ) {
        let asked = if pre && granted { self.term.next() } else { self.term };
        match &mut self.role {
            Role::PreCandidate(votes) if pre && term == asked => votes.count(from, granted),
            Role::Candidate(votes) if !pre && term == asked => votes.count(from, granted),
            _ => return,
        }
        self.win_if_elected(ctx);
    }

    fn win_if_elected(&mut self, ctx: &mut Context<'_, Self>) {
        let (votes, pre) = match &self.role {
            Role::PreCandidate(votes) => (votes, true),
            Role::Candidate(votes) => (votes, false),
            _ => return,
        };
        match (self.counted().vote(|voter| votes.of(voter)), pre) {
            (VoteResult::Won, true) => self.stand(ctx, false),
            (VoteResult::Won, false) => self.lead(ctx),
            (VoteResult::Lost, true) => ctx.mark(marks::PRE_VOTE_LOST),
            (VoteResult::Lost, false) => ctx.mark(marks::ELECTION_LOST),
            (VoteResult::Pending, _) => {}
        }
    }

    /// Becomes leader: knows nothing of the others, and appends an entry of its term, for only that can tell it what
    /// is committed (Figure 2, rules for leaders; §5.4.2, §8).
    fn lead(&mut self, ctx: &mut Context<'_, Self>) {
        let peers = self.membership.everyone().into_iter().filter(|node| *node != self.id);
        let last = self.log.last();
        let leading = Leading {
            peers: peers.map(|node| (node, Progress::new(last))).collect(),
            durable: Index::ZERO,
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
        ctx.note(|| format!("leads term {} from index {last}", self.term));
        self.role = Role::Leader(Box::new(leading));
        self.leader = Some(self.id);
        ctx.cancel(&Timer::Election);
        ctx.arm(Timer::Heartbeat, self.settings.heartbeat);
        if self.settings.check_quorum {
            ctx.arm(Timer::CheckQuorum, self.settings.election_max);
        }
        // Without it, entries of earlier terms stay uncommitted until a client asks for something: the temptation to
        // which the bug gives in.
        if self.bug != Some(Bug::CommitPriorTermByCounting) {
            self.append(ctx, Entry { term: self.term, payload: Payload::Noop });
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
        self.follow(ctx, self.term, None);
    }
}
