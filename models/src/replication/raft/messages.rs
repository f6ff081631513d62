//! What servers and clients say. Servers' messages are the paper's, Figures 2 and 13; clients' the thesis's, Figure 6.1.

use seedbed_sim::{Kinded, NodeId};

use crate::replication::raft::entry::Entry;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::snapshot::Chunk;
use crate::replication::raft::types::{Index, RequestId, Session, Term};

/// A message. The sender is who leads, votes or asks.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Message<S: StateMachine> {
    /// A candidate asks for a vote, or, before it becomes one, whether it would get it.
    RequestVote {
        /// The candidate's term; of a pre-vote, the one it would have.
        term: Term,
        /// Index of the candidate's last log entry.
        last_log_index: Index,
        /// Term of that entry.
        last_log_term: Term,
        /// Whether this is a pre-vote (thesis §9.6).
        pre_vote: bool,
        /// Whether the leader itself has told the candidate to begin an election (thesis §3.10): then nobody waits for that
        /// leader.
        transfer: bool,
    },
    /// The answer.
    Vote {
        /// The term that was asked for if granted, the voter's own if not.
        term: Term,
        /// Whether the vote was given.
        granted: bool,
        /// Whether this answers a pre-vote.
        pre_vote: bool,
    },
    /// The leader replicates entries, or, with none, says that it is alive.
    AppendEntries {
        /// The leader's term.
        term: Term,
        /// Index of the log entry that immediately precedes the new ones.
        prev_log_index: Index,
        /// Term of that entry.
        prev_log_term: Term,
        /// The entries.
        entries: Vec<Entry<S>>,
        /// The leader's commit index.
        leader_commit: Index,
        /// The latest round of heartbeats, for reads (thesis §6.4).
        round: u64,
    },
    /// The logs agree up to an index.
    Appended {
        /// The follower's term.
        term: Term,
        /// The index up to which they do, `matchIndex`.
        match_index: Index,
        /// The round that is answered.
        round: u64,
    },
    /// The logs do not agree at the place before the entries, or the leader is deposed.
    Refused {
        /// The follower's term.
        term: Term,
        /// The index at which they were compared.
        prev_log_index: Index,
        /// Where the leader may try next; see [`crate::replication::raft::log::Log::conflict`].
        hint: Index,
        /// The term of the follower's entry at `prev`.
        hint_term: Option<Term>,
        /// The round that is answered.
        round: u64,
    },
    /// The leader sends a snapshot instead of entries that it no longer has, a chunk at a time (paper §7, Figure 13).
    InstallSnapshot {
        /// The leader's term.
        term: Term,
        /// A part of the snapshot.
        chunk: Chunk<S>,
        /// The latest round of heartbeats.
        round: u64,
    },
    /// A chunk has arrived that is not the last. (The last is answered as entries are.)
    ChunkReceived {
        /// The follower's term.
        term: Term,
        /// The last entry that the snapshot stands for.
        last: Index,
        /// How many items of it the follower has, from the first.
        received: usize,
        /// The round that is answered.
        round: u64,
    },
    /// A client asks for a session.
    Register {
        /// Tells this client's question from an earlier life's.
        nonce: u64,
    },
    /// The client has a session.
    Registered {
        /// The question that is answered.
        nonce: u64,
        /// The session.
        session: Session,
    },
    /// A client asks for a command.
    Request {
        /// What a retry keeps.
        id: RequestId,
        /// The command.
        command: S::Command,
    },
    /// A client that has nothing to ask wants to keep its session (thesis §6.3).
    KeepAlive {
        /// The session.
        session: Session,
    },
    /// The session is kept.
    KeptAlive {
        /// The session.
        session: Session,
    },
    /// There is no such session any more: what its client asked last may have been executed or not.
    SessionExpired {
        /// The session.
        session: Session,
    },
    /// The command is executed.
    Reply {
        /// Of the command.
        id: RequestId,
        /// The answer.
        output: S::Output,
    },
    /// This server cannot help the client: it does not lead.
    NotLeader {
        /// Who does, if it knows.
        leader: Option<NodeId>,
    },
    /// A client asks for other servers in the group (thesis ch. 4).
    Reconfigure {
        /// Who is to be in it; never joint.
        goal: Membership,
    },
    /// The group is this, or the leader has given up making it so.
    Reconfigured {
        /// What was asked for.
        goal: Membership,
        /// Whether it is so. If not it may come to be so yet: a step towards it may be in the log.
        done: bool,
    },
    /// A client asks the leader to hand over (thesis §3.10).
    Transfer {
        /// To whom.
        to: NodeId,
    },
    /// The leader has handed over, or has given up trying.
    Transferred {
        /// To whom it was to.
        to: NodeId,
        /// Whether a later term has begun. If not, the server that was told to begin one may yet do so.
        done: bool,
    },
    /// The leader tells a server to stand for election at once.
    TimeoutNow {
        /// The leader's term.
        term: Term,
    },
}

/// A message that a server sends a server has a term.
impl<S: StateMachine> Message<S> {
    /// The sender's term; `None` of what clients say and are told.
    pub fn term(&self) -> Option<Term> {
        match self {
            Message::RequestVote { term, .. }
            | Message::Vote { term, .. }
            | Message::AppendEntries { term, .. }
            | Message::Appended { term, .. }
            | Message::Refused { term, .. }
            | Message::InstallSnapshot { term, .. }
            | Message::ChunkReceived { term, .. }
            | Message::TimeoutNow { term } => Some(*term),
            _ => None,
        }
    }
}

const KINDS: [&str; 23] = [
    "request_vote",
    "vote",
    "append_entries",
    "appended",
    "refused",
    "install_snapshot",
    "register",
    "registered",
    "request",
    "reply",
    "not_leader",
    "request_pre_vote",
    "pre_vote",
    "heartbeat",
    "reconfigure",
    "reconfigured",
    "transfer",
    "transferred",
    "timeout_now",
    "chunk_received",
    "keep_alive",
    "kept_alive",
    "session_expired",
];

// By hand, because the macro takes no generic types, and because a pre-vote and a heartbeat deserve names of their own.
impl<S: StateMachine> Kinded for Message<S> {
    #[inline]
    fn kind(&self) -> u16 {
        match self {
            Message::RequestVote { pre_vote: false, .. } => 0,
            Message::Vote { pre_vote: false, .. } => 1,
            Message::AppendEntries { entries, .. } if entries.is_empty() => 13,
            Message::AppendEntries { .. } => 2,
            Message::Appended { .. } => 3,
            Message::Refused { .. } => 4,
            Message::InstallSnapshot { .. } => 5,
            Message::Register { .. } => 6,
            Message::Registered { .. } => 7,
            Message::Request { .. } => 8,
            Message::Reply { .. } => 9,
            Message::NotLeader { .. } => 10,
            Message::RequestVote { pre_vote: true, .. } => 11,
            Message::Vote { pre_vote: true, .. } => 12,
            Message::Reconfigure { .. } => 14,
            Message::Reconfigured { .. } => 15,
            Message::Transfer { .. } => 16,
            Message::Transferred { .. } => 17,
            Message::TimeoutNow { .. } => 18,
            Message::ChunkReceived { .. } => 19,
            Message::KeepAlive { .. } => 20,
            Message::KeptAlive { .. } => 21,
            Message::SessionExpired { .. } => 22,
        }
    }
    fn kind_count() -> u16 {
        KINDS.len() as u16
    }
    fn kind_name(kind: u16) -> String {
        KINDS[kind as usize].to_string()
    }
}
