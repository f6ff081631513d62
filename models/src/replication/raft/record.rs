//! What is in the write-ahead log of a server.

use std::sync::Arc;

use seedbed_sim::{File, NodeId};

use crate::replication::raft::entry::Entry;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::snapshot::Snapshot;
use crate::replication::raft::types::{Index, Term};

/// The write-ahead log.
pub const WAL: File = File(0);

/// One record of it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Record<S: StateMachine> {
    /// What the entries before the log did; only ever the first record.
    Snapshot(Arc<Snapshot<S>>),
    /// The current term, and who got this server's vote in it.
    Vote {
        /// `currentTerm`.
        term: Term,
        /// `votedFor`.
        vote: Option<NodeId>,
    },
    /// The next entry.
    Entry(Entry<S>),
    /// The entries from here on are gone.
    Truncate {
        /// The first that is.
        first: Index,
    },
}
