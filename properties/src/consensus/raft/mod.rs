//! What must be true of Raft: the five properties of the paper's Figure 3, and what clients rely on.
//!
//! They hold for every model that runs or hosts one Raft group: [`Group`] tells where its servers are.

mod at_most_once;
mod commit_index_monotonic;
mod election_safety;
mod group;
pub mod history;
mod leader_append_only;
mod leader_completeness;
mod liveness;
mod log_matching;
mod state_machine_safety;

use seedbed_models::consensus::raft::Raft;
use seedbed_sim::{Maker, Suite, maker};

pub use at_most_once::AtMostOnce;
pub use commit_index_monotonic::CommitIndexMonotonic;
pub use election_safety::ElectionSafety;
pub use group::Group;
pub use history::commands_linearizable;
pub use leader_append_only::LeaderAppendOnly;
pub use leader_completeness::LeaderCompleteness;
pub use liveness::{COMPLETE_WITHIN, CommandsComplete, ELECTED_WITHIN, LeaderElected};
pub use log_matching::LogMatching;
pub use state_machine_safety::StateMachineSafety;

/// Raft with everything that must be true of it.
pub fn suite() -> Suite<Raft> {
    let suite = Suite { properties: safety(), ..Suite::new(Raft::default()) };
    suite
        .property(LeaderElected::default())
        .property(CommandsComplete)
        .property(commands_linearizable())
        .sometimes("leader changed")
        .sometimes("leader stepped down")
        .sometimes("stepped down by check-quorum")
        .sometimes("pre-vote refused")
        .sometimes("log truncated")
        .sometimes("conflict hint used")
        .sometimes("entries sent in a batch")
        .sometimes("snapshot taken")
        .sometimes("snapshot installed")
        .sometimes("read by ReadIndex")
        .sometimes("command retried")
        .sometimes("client redirected")
        .sometimes("duplicate command suppressed")
        .sometimes("torn record dropped")
}

/// The safety properties of a group, for any model that runs one: checked after each event.
pub fn safety<M: Group>() -> Vec<Maker<M>> {
    vec![
        maker(ElectionSafety::default()),
        maker(LeaderAppendOnly::default()),
        maker(LogMatching::default()),
        maker(LeaderCompleteness::default()),
        maker(StateMachineSafety::default()),
        maker(AtMostOnce::default()),
        maker(CommitIndexMonotonic::default()),
    ]
}
