//! What a server is at the moment (paper Figure 4), and what it keeps as that.

use std::collections::VecDeque;

use seedbed_sim::{NodeId, OpId, Time, Watermark, Written};

use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::progress::Progress;
use crate::replication::raft::snapshot::Sending;
use crate::replication::raft::types::{Index, RequestId, Session};

/// What a server is at the moment (paper Figure 4).
#[derive(Clone, Debug, Hash)]
pub enum Role<S: StateMachine> {
    /// It follows whoever leads.
    Follower,
    /// It asks whether it could win an election.
    PreCandidate(Votes),
    /// It asks for votes. Its own counts once it is durable, and with it the log up to here.
    Candidate(Votes, Written<Index>),
    /// It leads.
    Leader(Box<LeaderState<S>>),
}

/// Who has answered a candidate, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Votes(Vec<(NodeId, bool)>);

impl Votes {
    /// Its own alone.
    pub(super) fn own(id: NodeId) -> Self {
        Votes(vec![(id, true)])
    }

    /// Counts an answer; the first of each voter is the one that counts.
    pub(super) fn count(&mut self, from: NodeId, granted: bool) {
        if self.of(from).is_none() {
            self.0.push((from, granted));
        }
    }

    pub(super) fn of(&self, voter: NodeId) -> Option<bool> {
        self.0.iter().find(|(node, _)| *node == voter).map(|(_, granted)| *granted)
    }
}

/// The volatile state of a leader.
#[derive(Clone, Debug, Hash)]
pub struct LeaderState<S: StateMachine> {
    /// What it knows of the others.
    pub(super) peers: Vec<(NodeId, Progress)>,
    /// The snapshots that are on their way.
    pub(super) sending: Vec<Sending<S>>,
    /// Up to where its own log is durable, and counts for a quorum (thesis §10.2.1).
    pub(super) own: Watermark<Index>,
    /// Counts rounds of heartbeats that reads wait for.
    pub(super) round: u64,
    /// Who waits for which entry, ascending.
    pub(super) waiting: VecDeque<(Index, Pending)>,
    /// Reads whose round is under way, in its order.
    pub(super) reads: VecDeque<Read<S>>,
    /// Reads that wait for the leader's first commit.
    pub(super) early_reads: Vec<(Pending, S::Command)>,
    /// The change of the group that it was asked for.
    pub(super) goal: Option<Goal>,
    /// To whom it is about to hand over.
    pub(super) transfer: Option<Transfer>,
    /// Until when nobody else can lead.
    pub(super) lease: Lease,
}

impl<S: StateMachine> LeaderState<S> {
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
        move |node| {
            if node == own.0 {
                Index(own.1)
            } else {
                Index(self.peers.iter().find(|(peer, _)| *peer == node).map_or(0, |(_, progress)| of(progress)))
            }
        }
    }
}

/// Who waits for an entry to be applied, or a read to be answered.
#[derive(Clone, Debug, Hash)]
pub(super) enum Pending {
    Registration { client: NodeId, nonce: u64 },
    KeepAlive { client: NodeId, session: Session },
    Client { client: NodeId, id: RequestId },
    Host(OpId),
}

/// A read that waits for its round of heartbeats.
#[derive(Clone, Debug, Hash)]
pub(super) struct Read<S: StateMachine> {
    pub(super) round: u64,
    pub(super) index: Index,
    pub(super) waiter: Pending,
    pub(super) command: S::Command,
}

/// The group that a client wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Goal {
    pub(super) membership: Membership,
    pub(super) client: NodeId,
    pub(super) catching_up: CatchingUp,
}

/// How far the servers are that are to get a vote (thesis §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum CatchingUp {
    /// Nothing was sent to them for this change yet.
    NotYet,
    /// They receive what was in the log when the round began.
    Round { number: u32, upto: Index, began: Time },
    /// A round took less than an election timeout: with their votes, the group will not wait for them for longer.
    Done,
}

/// To whom a leader is about to hand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transfer {
    pub(super) to: NodeId,
    /// Who asked for it.
    pub(super) client: NodeId,
}

/// A leader's lease, on its own clock.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Lease {
    /// When each round that is still open was sent.
    pub(super) sent: VecDeque<(u64, Time)>,
    /// When the latest round was sent that a quorum has answered.
    pub(super) from: Option<Time>,
    /// A server was told to stand for election: nobody waits for this leader any more, not in this term.
    pub(super) void: bool,
}

impl Lease {
    /// From here on this leader has none in its term.
    pub(super) fn give_up(&mut self) {
        self.void = true;
    }

    /// The group has changed: only what the new quorums answer counts.
    pub(super) fn begin_anew(&mut self) {
        self.sent.clear();
        self.from = None;
    }
}
