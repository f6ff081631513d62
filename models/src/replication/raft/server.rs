//! A server: its state (paper Figure 2) and the rules for all servers.

use std::collections::VecDeque;
use std::sync::Arc;

use seedbed_sim::{Context, NodeId, OpId, Process, Span, Time, kinds};
use serde::{Deserialize, Serialize};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::election::Votes;
use crate::replication::raft::lease::Lease;
use crate::replication::raft::log::Log;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::messages::Message;
use crate::replication::raft::persistence::Record;
use crate::replication::raft::progress::Progress;
use crate::replication::raft::read_index::Read;
use crate::replication::raft::reconfigure::Goal;
use crate::replication::raft::sessions::Sessions;
use crate::replication::raft::snapshot::Snapshot;
use crate::replication::raft::transfer::Transfer;
use crate::replication::raft::types::{Index, Term, Ticket};

/// How reads are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadMode {
    /// Like any command, through the log.
    Log,
    /// By the leader, after a round of heartbeats has told it that it still leads (thesis §6.4).
    ReadIndex,
    /// By the leader alone, for as long as its clock says that nobody else can have been elected (thesis §6.4.1).
    Lease,
}

/// How a group changes its voters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changes {
    /// One server at a time (thesis §4.2).
    SingleServer,
    /// Never: without pre-vote and check-quorum, a server that was taken out and does not know it would depose every
    /// leader (thesis §4.2.3).
    #[default]
    Never,
    /// All at once, through a joint configuration (paper §6, thesis §4.3).
    Joint,
}

/// How a group is tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The shortest election timeout (paper §5.2 and §9.3).
    pub election_min: Span,
    /// The longest election timeout.
    pub election_max: Span,
    /// How often a leader says that it is alive.
    pub heartbeat: Span,
    /// After how many applied entries a snapshot is taken.
    pub snapshot_threshold: u64,
    /// How many entries an AppendEntries holds at most.
    pub batch: usize,
    /// Whether a server asks if it could win before it raises its term (thesis §9.6).
    pub pre_vote: bool,
    /// Whether a leader that hears from no quorum steps down, and servers that hear from a leader ignore candidates
    /// (thesis §6.2 and §4.2.3).
    pub check_quorum: bool,
    /// How reads are answered.
    pub reads: ReadMode,
    /// How it changes its voters.
    #[serde(default)]
    pub changes: Changes,
    /// The bound on clocks that leases rely on: how fast or slow one runs at most, in parts per million.
    #[serde(default = "usual_drift")]
    pub drift_ppm: u32,
    /// Changes of the code that traces should survive.
    #[serde(default, skip_serializing_if = "Extras::none")]
    pub extras: Extras,
}

/// What a later version of this code might add, on a switch: to measure how many traces survive it
/// (`traces/examples/durability.rs`). Neither changes what the protocol does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extras {
    /// A leader broadcasts one more kind of message with each heartbeat.
    #[serde(default)]
    pub beacon: bool,
    /// Every election makes one more draw, under a label of its own.
    #[serde(default)]
    pub draw: bool,
}

impl Extras {
    fn none(&self) -> bool {
        *self == Extras::default()
    }
}

fn usual_drift() -> u32 {
    50_000
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            election_min: Span::ms(150),
            election_max: Span::ms(300),
            heartbeat: Span::ms(50),
            snapshot_threshold: 12,
            batch: 16,
            pre_vote: true,
            check_quorum: true,
            reads: ReadMode::ReadIndex,
            changes: Changes::SingleServer,
            drift_ppm: usual_drift(),
            extras: Extras::default(),
        }
    }
}

/// A server's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// No leader was heard of for an election timeout.
    Election,
    /// A leader says that it is alive.
    Heartbeat,
    /// A leader looks whether a quorum still answers.
    CheckQuorum,
    /// A leader gives up handing over.
    Transfer,
    /// A leader gives up a change of the group that new servers do not keep up with.
    Change,
}
kinds!(Timer: Election, Heartbeat, CheckQuorum, Transfer, Change);

/// What a server is at the moment (paper Figure 4).
#[derive(Clone, Debug, Hash)]
pub enum Role<S: StateMachine> {
    /// It follows whoever leads.
    Follower,
    /// It asks whether it could win an election.
    PreCandidate(Votes),
    /// It asks for votes.
    Candidate(Votes),
    /// It leads.
    Leader(Box<Leading<S>>),
}

/// Who waits for an entry to be applied, or a read to be answered.
#[derive(Clone, Debug, Hash)]
pub(super) enum Waiter {
    Registration { client: NodeId, nonce: u64 },
    Client { client: NodeId, ticket: Ticket },
    Host(OpId),
}

/// The volatile state of a leader.
#[derive(Clone, Debug, Hash)]
pub struct Leading<S: StateMachine> {
    /// What it knows of the others.
    pub(super) peers: Vec<(NodeId, Progress)>,
    /// Up to where its own log is durable.
    pub(super) durable: Index,
    /// Counts rounds of heartbeats that reads wait for.
    pub(super) round: u64,
    /// Who waits for which entry, ascending.
    pub(super) waiting: VecDeque<(Index, Waiter)>,
    /// Reads whose round is under way, in its order.
    pub(super) reads: VecDeque<Read<S>>,
    /// Reads that wait for the leader's first commit.
    pub(super) early_reads: Vec<(Waiter, S::Command)>,
    /// The change of the group that it was asked for.
    pub(super) goal: Option<Goal>,
    /// To whom it is about to hand over.
    pub(super) transfer: Option<Transfer>,
    /// Until when nobody else can lead.
    pub(super) lease: Lease,
}

impl<S: StateMachine> Leading<S> {
    /// What the leader knows of a follower; it asks for members only.
    pub(super) fn progress(&mut self, of: NodeId) -> &mut Progress {
        self.peers
            .iter_mut()
            .find(|(node, _)| *node == of)
            .map(|(_, progress)| progress)
            .expect("raft leads its members")
    }

    /// Which index, or round, each server has reached, as a quorum counts them.
    pub(super) fn reached<'a>(
        &'a self,
        own: (NodeId, u64),
        of: impl Fn(&Progress) -> u64 + 'a,
    ) -> impl Fn(NodeId) -> Index + 'a {
        move |node| match node == own.0 {
            true => Index(own.1),
            false => Index(self.peers.iter().find(|(peer, _)| *peer == node).map_or(0, |(_, progress)| of(progress))),
        }
    }
}

/// One server of a group that replicates `S`.
///
/// It is a process of its own: a model runs it on some nodes, and another process can host it
/// ([`seedbed_sim::Context::host`]), invoke commands on it, and look at its state machine.
#[derive(Clone, Debug, Hash)]
pub struct Server<S: StateMachine> {
    pub(super) id: NodeId,
    pub(super) settings: Settings,
    pub(super) bug: Option<Bug>,
    /// The latest configuration in the log, committed or not (thesis §4.1).
    pub(super) membership: Membership,
    /// Where it stands; zero if it is not an entry of the log.
    pub(super) config: Index,
    /// The configuration of the snapshot, or what the group began with.
    pub(super) begun_with: Membership,

    /// `currentTerm`, on disk.
    pub(super) term: Term,
    /// `votedFor`, on disk.
    pub(super) vote: Option<NodeId>,
    /// `log[]`, on disk.
    pub(super) log: Log<S>,
    /// What the entries before the log did, on disk.
    pub(super) snapshot: Option<Arc<Snapshot<S>>>,

    /// `commitIndex`.
    pub(super) commit: Index,
    /// `lastApplied`.
    pub(super) applied: Index,
    pub(super) machine: S,
    pub(super) sessions: Sessions<S>,
    pub(super) executed: u64,

    pub(super) role: Role<S>,
    /// Who leads this term, if known.
    pub(super) leader: Option<NodeId>,
    /// When it was last heard of, on this node's clock.
    pub(super) heard: Option<Time>,
    /// The election timeout, drawn anew for each election.
    pub(super) timeout: Span,
}

impl<S: StateMachine> Server<S> {
    /// A server of a group, before it has read its disk. `membership` is what the group begins with; a snapshot knows
    /// better.
    pub fn new(id: NodeId, membership: Membership, settings: Settings, bug: Option<Bug>) -> Self {
        Server {
            id,
            settings,
            bug,
            begun_with: membership.clone(),
            membership,
            config: Index::ZERO,
            term: Term(0),
            vote: None,
            log: Log::new(Index::ZERO, Term(0)),
            snapshot: None,
            commit: Index::ZERO,
            applied: Index::ZERO,
            machine: S::default(),
            sessions: Sessions::default(),
            executed: 0,
            role: Role::Follower,
            leader: None,
            heard: None,
            timeout: settings.election_max,
        }
    }

    /// The current term.
    pub fn term(&self) -> Term {
        self.term
    }

    /// Whom it voted for in this term.
    pub fn vote(&self) -> Option<NodeId> {
        self.vote
    }

    /// What it is at the moment.
    pub fn role(&self) -> &Role<S> {
        &self.role
    }

    /// Whether it believes to lead.
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Who leads this term, if it knows.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// The log.
    pub fn log(&self) -> &Log<S> {
        &self.log
    }

    /// The last entry that it knows to be committed.
    pub fn commit(&self) -> Index {
        self.commit
    }

    /// The last entry that its state machine has executed.
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// The state machine.
    pub fn machine(&self) -> &S {
        &self.machine
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
    pub fn config(&self) -> Index {
        self.config
    }

    pub(super) fn leading(&mut self) -> Option<&mut Leading<S>> {
        match &mut self.role {
            Role::Leader(leading) => Some(leading),
            _ => None,
        }
    }

    /// Becomes a follower, in a term that is its own or a later one (Figure 2, rules for all servers).
    pub(super) fn follow(&mut self, ctx: &mut Context<'_, Self>, term: Term, leader: Option<NodeId>) {
        if term > self.term {
            (self.term, self.vote, self.leader) = (term, None, None);
            self.save_vote(ctx);
        }
        if self.leads() {
            self.end_transfer(ctx);
            ctx.cancel(&Timer::Heartbeat);
            ctx.cancel(&Timer::CheckQuorum);
            ctx.cancel(&Timer::Change);
            self.wait_for_leader(ctx);
            ctx.mark(marks::LEADER_STEPPED_DOWN);
        }
        self.role = Role::Follower;
        if leader.is_some() && self.leader != leader {
            self.leader = leader;
            ctx.note(|| format!("follows {} in term {term}", leader.expect("just checked")));
        }
    }

    /// Heard of the leader of this term: follows it, and waits anew (paper §5.2).
    fn heard_of_leader(&mut self, ctx: &mut Context<'_, Self>, leader: NodeId) {
        if !matches!(self.role, Role::Follower) || self.leader != Some(leader) {
            self.follow(ctx, self.term, Some(leader));
        }
        self.heard = Some(ctx.now());
        ctx.arm(Timer::Election, self.timeout);
    }

    /// Whether it has heard of a leader so lately that nobody needs another. A clock that jumped back knows nothing.
    pub(super) fn hears_leader(&self, now: Time) -> bool {
        let lately = |at: Time| at <= now && now.since(at) < self.settings.election_min;
        // Who takes part in a lease keeps it to the end, though the leader be gone, or it has itself restarted since.
        let promised = self.leader.is_some() || self.settings.reads == ReadMode::Lease;
        self.leads() || (promised && self.heard.is_some_and(lately))
    }

    /// A message of a later term ends this one (Figure 2: "if RPC request or response contains term T > currentTerm").
    /// Pre-votes speak of terms that nobody has entered. Says whether the message is to be handled at all.
    fn heed_term(&mut self, ctx: &mut Context<'_, Self>, message: &Message<S>, term: Term) -> bool {
        match message {
            Message::RequestVote { pre: true, .. } | Message::Vote { pre: true, granted: true, .. } => return true,
            // Thesis §4.2.3: a candidate that nobody needs must not end the term, unless the leader itself sent it.
            Message::RequestVote { transfer: false, .. }
                if self.settings.check_quorum && self.hears_leader(ctx.now()) =>
            {
                ctx.mark(marks::CANDIDATE_IGNORED);
                return false;
            }
            _ => {}
        }
        if term <= self.term {
            return true;
        }
        if self.leads() && self.bug == Some(Bug::NoStepDownOnHigherTerm) {
            (self.term, self.vote) = (term, None);
            self.save_vote(ctx);
            return true;
        }
        self.follow(ctx, term, None);
        true
    }

    /// Whether a message comes from this term's leader. A leader hears from no other: election safety says so.
    fn heeds_leader(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, term: Term) -> bool {
        let lawful = term == self.term && !self.leads();
        if lawful {
            self.heard_of_leader(ctx, from);
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
        (self.term, self.vote, self.log) = (found.term, found.vote, found.log);
        if let Some(snapshot) = found.snapshot {
            self.adopt(&snapshot);
            self.snapshot = Some(snapshot);
        }
        self.use_latest_config();
        if self.settings.reads == ReadMode::Lease {
            // It may have promised a lease just before it went down.
            self.heard = Some(ctx.now());
        }
        self.wait_for_leader(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message<S>) {
        self.compact_when_due(ctx);
        if let Some(term) = message.term()
            && !self.heed_term(ctx, &message, term)
        {
            return;
        }
        match message {
            Message::RequestVote { term, last, last_term, pre: true, .. } => {
                self.answer_pre_vote(ctx, from, term, (last_term, last));
            }
            Message::RequestVote { term, last, last_term, pre: false, .. } => {
                self.answer_vote(ctx, from, term, (last_term, last));
            }
            Message::Vote { term, granted, pre } => self.count_vote(ctx, from, term, granted, pre),
            Message::AppendEntries { term, prev, prev_term, entries, commit, round } => {
                match self.heeds_leader(ctx, from, term) {
                    true => self.append_entries(ctx, from, (prev, prev_term), entries, (commit, round)),
                    // A deposed leader learns so from our term.
                    false => self.refuse(ctx, from, prev, round),
                }
            }
            Message::InstallSnapshot { term, snapshot, round } => match self.heeds_leader(ctx, from, term) {
                true => self.install_snapshot(ctx, from, snapshot, round),
                false => self.refuse(ctx, from, snapshot.last, round),
            },
            Message::Appended { term, matched, round } if term == self.term => {
                self.appended(ctx, from, matched, round);
            }
            Message::Refused { term, prev, hint, hint_term, round } if term == self.term => {
                self.refused(ctx, from, prev, (hint, hint_term), round);
            }
            // An answer to a leader that this server no longer is.
            Message::Appended { .. } | Message::Refused { .. } => {}
            Message::Beacon => {}
            Message::TimeoutNow { term } => self.timeout_now(ctx, term),
            Message::Reconfigure { goal } => self.reconfigure(ctx, from, goal),
            Message::Transfer { to } => self.transfer(ctx, from, to),
            Message::Register { nonce } => self.register(ctx, from, nonce),
            Message::Request { ticket, command } => self.request(ctx, from, ticket, command),
            Message::Registered { .. }
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
            Timer::Transfer => self.end_transfer(ctx),
            Timer::Change => self.give_up_change(ctx),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        if ctx.durable() && self.leads() {
            self.own_log_durable(ctx, self.log.last());
        }
    }

    /// A hosting process asks for a command. It fails for certain on a server that does not lead; a leader that is
    /// deposed before it knows the outcome leaves the operation unknown.
    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, command: S::Command) {
        self.invoked(ctx, op, command);
    }

    fn size(message: &Message<S>) -> u64 {
        const HEADER: u64 = 64;
        const ENTRY: u64 = 64;
        match message {
            Message::AppendEntries { entries, .. } => HEADER + ENTRY * entries.len() as u64,
            Message::InstallSnapshot { .. } => HEADER + 16 * ENTRY,
            _ => HEADER,
        }
    }
}
