//! How a group is tuned.

use seedbed_sim::{Kinded, Span};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::MOST_AT_A_TIME;

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
    /// How many entries may be on their way to one follower (thesis §10.2.2).
    #[serde(default = "usual_window")]
    pub window: u64,
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
    /// After how long without a command or a keep-alive a client's session expires, by the log's own time (thesis §6.3); never,
    /// where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_timeout: Option<Span>,
    /// How many items of a snapshot one InstallSnapshot holds at most (paper Figure 13): parts of the state machine, and sessions.
    #[serde(default = "whole_snapshots")]
    pub snapshot_chunk: usize,
}

fn whole_snapshots() -> usize {
    MOST_AT_A_TIME as usize
}

fn usual_window() -> u64 {
    64
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
            window: usual_window(),
            pre_vote: true,
            check_quorum: true,
            reads: ReadMode::ReadIndex,
            changes: Changes::SingleServer,
            drift_ppm: usual_drift(),
            session_timeout: None,
            snapshot_chunk: 3,
        }
    }
}

/// The timers of servers and clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
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
    /// A client sends an unanswered request again.
    Retry,
    /// A client keeps its session alive.
    KeepAlive,
}
