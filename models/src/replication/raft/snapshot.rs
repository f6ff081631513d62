//! Snapshots (paper §7, thesis ch. 5).

use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::sessions::Sessions;
use crate::replication::raft::types::{Index, Term};

/// Everything that the entries up to `last` did.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Snapshot<S: StateMachine> {
    /// The last entry it stands for.
    pub last: Index,
    /// That entry's term.
    pub last_term: Term,
    /// Who is in the group.
    pub membership: Membership,
    /// The state machine.
    pub machine: S,
    /// The sessions, for what was executed must stay known.
    pub sessions: Sessions<S>,
    /// How many commands the machine has executed.
    pub executed: u64,
}
