//! A server: its state (paper Figure 2) and the rules for all servers.

use std::sync::Arc;

use seedbed_sim::{Context, NodeId, OpId, Process, Span, Time};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::log::Log;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::messages::Message;
use crate::replication::raft::record::Record;
use crate::replication::raft::role::LeaderState;
use crate::replication::raft::role::Role;
use crate::replication::raft::sessions::Sessions;
use crate::replication::raft::settings::ReadMode;
use crate::replication::raft::settings::Settings;
use crate::replication::raft::settings::Timer;
use crate::replication::raft::snapshot::{Receiving, Snapshot};
use crate::replication::raft::types::{Index, Term};

/// One server of a group that replicates `S`.
///
/// It is a process of its own: a model runs it on some nodes, and another process can host it
/// ([`seedbed_sim::Context::host`]), invoke commands on it, and look at its state machine.
#[derive(Clone, Debug, Hash)]
pub struct Server<S: StateMachine> {
    pub(super) id: NodeId,
    pub(super) settings: Settings,
    /// The latest configuration in the log, committed or not (thesis §4.1).
    pub(super) membership: Membership,
    /// Where it stands; zero if it is not an entry of the log.
    pub(super) configuration_index: Index,
    /// The configuration of the snapshot, or what the group began with.
    pub(super) base_membership: Membership,

    /// `currentTerm`, on disk.
    pub(super) current_term: Term,
    /// `votedFor`, on disk.
    pub(super) voted_for: Option<NodeId>,
    /// `log[]`, on disk.
    pub(super) log: Log<S>,
    /// What the entries before the log did, on disk.
    pub(super) snapshot: Option<Arc<Snapshot<S>>>,

    /// What has arrived of a snapshot that is being sent to it.
    pub(super) receiving: Option<Receiving<S>>,

    /// `commitIndex`.
    pub(super) commit_index: Index,
    /// `lastApplied`.
    pub(super) last_applied: Index,
    pub(super) machine: S,
    pub(super) sessions: Sessions<S>,
    pub(super) executed: u64,

    pub(super) role: Role<S>,
    /// Who leads this term, if known.
    pub(super) leader: Option<NodeId>,
    /// When it was last heard of, on this node's clock.
    pub(super) last_contact: Option<Time>,
    /// The election timeout, drawn anew for each election.
    pub(super) election_timeout: Span,
}

impl<S: StateMachine> Server<S> {
    /// A server of a group, before it has read its disk. `membership` is what the group begins with; a snapshot knows
    /// better.
    pub fn new(id: NodeId, membership: Membership, settings: Settings) -> Self {
        Server {
            id,
            settings,
            base_membership: membership.clone(),
            membership,
            configuration_index: Index::ZERO,
            current_term: Term(0),
            voted_for: None,
            log: Log::new(Index::ZERO, Term(0)),
            snapshot: None,
            receiving: None,
            commit_index: Index::ZERO,
            last_applied: Index::ZERO,
            machine: S::default(),
            sessions: Sessions::default(),
            executed: 0,
            role: Role::Follower,
            leader: None,
            last_contact: None,
            election_timeout: settings.election_max,
        }
    }

    /// The current term.
    pub fn term(&self) -> Term {
        self.current_term
    }

    /// Whom it voted for in this term.
    pub fn voted_for(&self) -> Option<NodeId> {
        self.voted_for
    }

    /// What it is at the moment.
    pub fn role(&self) -> &Role<S> {
        &self.role
    }

    /// Whether it believes to lead.
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Who leads this term, if it knows.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// To whom it is handing over its leadership, if it is.
    pub fn transfer_to(&self) -> Option<NodeId> {
        match &self.role {
            Role::Leader(leading) => leading.transfer.as_ref().map(|transfer| transfer.to),
            _ => None,
        }
    }

    /// The log.
    pub fn log(&self) -> &Log<S> {
        &self.log
    }

    /// The last entry that it knows to be committed.
    pub fn commit_index(&self) -> Index {
        self.commit_index
    }

    /// The last entry that its state machine has executed.
    pub fn last_applied(&self) -> Index {
        self.last_applied
    }

    /// The state machine.
    pub fn machine(&self) -> &S {
        &self.machine
    }

    /// What clients' sessions have executed.
    pub fn sessions(&self) -> &Sessions<S> {
        &self.sessions
    }

    /// After how long without a sign of its client a session expires, by the log's time.
    pub fn session_timeout(&self) -> Option<Span> {
        self.settings.session_timeout
    }

    /// What the entries before the log did, if some have left it.
    pub fn snapshot(&self) -> Option<&Snapshot<S>> {
        self.snapshot.as_deref()
    }

    /// How many commands the state machine has executed since the group began; retries that it recognised do not count.
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// Who is in the group.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Where the entry stands that says so; zero if a snapshot does, or the beginning.
    pub fn configuration_index(&self) -> Index {
        self.configuration_index
    }

    pub(super) fn leader_state(&mut self) -> Option<&mut LeaderState<S>> {
        match &mut self.role {
            Role::Leader(leading) => Some(leading),
            _ => None,
        }
    }

    /// Becomes a follower, in a term that is its own or a later one (Figure 2, rules for all servers).
    pub(super) fn become_follower(&mut self, ctx: &mut Context<'_, Self>, term: Term, leader: Option<NodeId>) {
        assert!(term >= self.current_term, "raft: terms never go back: {term} after {}", self.current_term);
        let deposed = term > self.current_term;
        if deposed {
            (self.current_term, self.voted_for, self.leader) = (term, None, None);
            self.save_vote(ctx);
        }
        if self.is_leader() {
            self.tell_of_transfer(ctx, deposed);
            ctx.cancel(&Timer::Heartbeat);
            ctx.cancel(&Timer::CheckQuorum);
            ctx.cancel(&Timer::Change);
            if !ctx.planted(Bug::NoElectionTimerAfterStepDown) {
                self.reset_election_timer(ctx);
            }
            ctx.mark(marks::LEADER_STEPPED_DOWN);
        }
        self.role = Role::Follower;
        if leader.is_some() && self.leader != leader {
            self.leader = leader;
            ctx.note(|| format!("follows {} in term {term}", leader.expect("just checked")));
        }
    }

    /// Heard of the leader of this term: follows it, and waits anew (paper §5.2).
    fn recognise_leader(&mut self, ctx: &mut Context<'_, Self>, leader: NodeId) {
        if !matches!(self.role, Role::Follower) || self.leader != Some(leader) {
            self.become_follower(ctx, self.current_term, Some(leader));
        }
        self.last_contact = Some(ctx.now());
        ctx.arm(Timer::Election, self.election_timeout);
    }

    /// Whether it has heard of a leader so lately that nobody needs another. A clock that jumped back knows nothing.
    pub(super) fn heard_from_leader_recently(&self, now: Time) -> bool {
        let lately = |at: Time| at <= now && now.since(at) < self.settings.election_min;
        // Who takes part in a lease keeps it to the end, though the leader be gone, or it has itself restarted since.
        let promised = self.leader.is_some() || self.settings.reads == ReadMode::Lease;
        self.is_leader() || (promised && self.last_contact.is_some_and(lately))
    }

    /// A message of a later term ends this one (Figure 2: "if RPC request or response contains term T > currentTerm").
    /// Pre-votes speak of terms that nobody has entered. Says whether the message is to be handled at all.
    fn observe_term(&mut self, ctx: &mut Context<'_, Self>, message: &Message<S>, term: Term) -> bool {
        match message {
            Message::RequestVote { pre_vote: true, .. } | Message::Vote { pre_vote: true, granted: true, .. } => {
                return true;
            }
            // Thesis §4.2.3: a candidate that nobody needs must not end the term, unless the leader itself sent it.
            Message::RequestVote { transfer: false, .. }
                if self.settings.check_quorum && self.heard_from_leader_recently(ctx.now()) =>
            {
                ctx.mark(marks::CANDIDATE_IGNORED);
                return false;
            }
            _ => {}
        }
        if term <= self.current_term {
            return true;
        }
        if self.is_leader() && ctx.planted(Bug::NoStepDownOnHigherTerm) {
            (self.current_term, self.voted_for) = (term, None);
            self.save_vote(ctx);
            return true;
        }
        self.become_follower(ctx, term, None);
        true
    }

    /// Whether a message comes from this term's leader. A leader hears from no other: election safety says so.
    fn accepts_leader(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, term: Term) -> bool {
        let lawful = term == self.current_term && !self.is_leader();
        if lawful {
            self.recognise_leader(ctx, from);
        }
        lawful
    }
}

impl<S: StateMachine> Process for Server<S> {
    type Message = Message<S>;
    type Timer = Timer;
    type Record = Record<S>;
    type Op = S::Command;
    type Ret = S::Output;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(found) = self.recover(ctx) else { return };
        (self.current_term, self.voted_for, self.log) = (found.term, found.vote, found.log);
        if let Some(snapshot) = found.snapshot {
            self.restore_state(ctx, &snapshot);
            self.snapshot = Some(snapshot);
        }
        self.use_latest_configuration();
        if self.membership.is_joint() {
            ctx.mark(marks::RESTARTED_IN_A_JOINT_CONFIGURATION);
        }
        if self.settings.reads == ReadMode::Lease {
            // It may have promised a lease just before it went down.
            self.last_contact = Some(ctx.now());
        }
        self.reset_election_timer(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message<S>) {
        self.compact_when_due(ctx);
        if let Some(term) = message.term()
            && !self.observe_term(ctx, &message, term)
        {
            return;
        }
        match message {
            Message::RequestVote { term, last_log_index, last_log_term, pre_vote: true, .. } => {
                self.handle_pre_vote(ctx, from, term, (last_log_term, last_log_index));
            }
            Message::RequestVote { term, last_log_index, last_log_term, pre_vote: false, .. } => {
                self.handle_request_vote(ctx, from, term, (last_log_term, last_log_index));
            }
            Message::Vote { term, granted, pre_vote } => self.handle_vote(ctx, from, term, granted, pre_vote),
            Message::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round } => {
                if self.accepts_leader(ctx, from, term) {
                    let prev = (prev_log_index, prev_log_term);
                    self.handle_append_entries(ctx, from, prev, entries, (leader_commit, round));
                } else {
                    // A deposed leader learns so from our term.
                    self.reject_append(ctx, from, prev_log_index, round);
                }
            }
            Message::InstallSnapshot { term, chunk, round } => {
                if self.accepts_leader(ctx, from, term) {
                    self.handle_install_snapshot(ctx, from, chunk, round);
                } else {
                    self.reject_append(ctx, from, chunk.last, round);
                }
            }
            Message::ChunkReceived { term, last, received, round } if term == self.current_term => {
                self.handle_chunk_received(ctx, from, (last, received), round);
            }
            Message::Appended { term, match_index, round } if term == self.current_term => {
                self.handle_appended(ctx, from, match_index, round);
            }
            Message::Refused { term, prev_log_index, hint, hint_term, round } if term == self.current_term => {
                self.handle_refused(ctx, from, prev_log_index, (hint, hint_term), round);
            }
            // An answer to a leader that this server no longer is.
            Message::Appended { .. } | Message::Refused { .. } | Message::ChunkReceived { .. } => {}
            Message::TimeoutNow { term } => self.handle_timeout_now(ctx, term),
            Message::Reconfigure { goal } => self.handle_reconfigure(ctx, from, goal),
            Message::Transfer { to } => self.handle_transfer(ctx, from, to),
            Message::Register { nonce } => self.handle_register(ctx, from, nonce),
            Message::KeepAlive { session } => self.handle_keep_alive(ctx, from, session),
            Message::Request { id, command } => self.handle_request(ctx, from, id, command),
            Message::Registered { .. }
            | Message::KeptAlive { .. }
            | Message::SessionExpired { .. }
            | Message::Reply { .. }
            | Message::Reconfigured { .. }
            | Message::Transferred { .. }
            | Message::NotLeader { .. } => {
                panic!("raft answers clients only: {from} sent a server {message:?}");
            }
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        self.compact_when_due(ctx);
        match timer {
            Timer::Election => self.campaign(ctx),
            Timer::Heartbeat => self.heartbeat(ctx),
            Timer::CheckQuorum => self.check_quorum(ctx),
            Timer::Transfer => self.give_up_transfer(ctx),
            Timer::Change => self.abandon_change(ctx),
            Timer::Retry | Timer::KeepAlive => panic!("raft: a client's timer at a server"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        match self.role {
            Role::Candidate(..) => self.tally_votes(ctx),
            Role::Leader(_) => self.own_log_synced(ctx),
            Role::Follower | Role::PreCandidate(_) => {}
        }
    }

    /// A hosting process asks for a command. It fails for certain on a server that does not lead; a leader that is
    /// deposed before it knows the outcome leaves the operation unknown.
    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, command: S::Command) {
        self.handle_invocation(ctx, op, command);
    }

    fn size(message: &Message<S>) -> u64 {
        const HEADER: u64 = 64;
        const ENTRY: u64 = 64;
        match message {
            Message::AppendEntries { entries, .. } => HEADER + ENTRY * entries.len() as u64,
            Message::InstallSnapshot { chunk, .. } => HEADER + ENTRY * chunk.items.len() as u64,
            _ => HEADER,
        }
    }
}
