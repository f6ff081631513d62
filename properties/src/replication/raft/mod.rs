//! The properties of Raft: the five of the paper's Figure 3, and the guarantees to clients.
//!
//! They hold for every model that runs or hosts one Raft group, whose servers [`Group`] finds.

mod at_most_once;
mod commit_index_monotonic;
mod configuration_in_log;
mod election_safety;
mod group;
pub mod history;
mod leader_append_only;
mod leader_completeness;
mod liveness;
mod log_matching;
mod membership;
mod session_table;
mod state_machine_safety;
mod transfer;

use seedbed_models::replication::raft::Raft;
use seedbed_models::replication::raft::bugs::Bug;
use seedbed_models::replication::raft::settings::ReadMode;
use seedbed_sim::{Boundary, FaultClass, Maker, Suite, Swarm, maker};

pub use at_most_once::AtMostOnce;
pub use commit_index_monotonic::CommitIndexMonotonic;
pub use configuration_in_log::ConfigurationInLog;
pub use election_safety::ElectionSafety;
pub use group::Group;
pub use history::commands_linearizable;
pub use leader_append_only::LeaderAppendOnly;
pub use leader_completeness::LeaderCompleteness;
pub use liveness::{COMPLETE_WITHIN, CommandsComplete, ELECTED_WITHIN, FollowersCatchUp, LeaderElected};
pub use log_matching::LogMatching;
pub use membership::{QuorumsMeet, quorums_meet};
pub use state_machine_safety::StateMachineSafety;
pub use transfer::TransferSucceeds;

/// Raft with its properties.
pub fn suite() -> Suite<Raft> {
    let suite = Suite { properties: safety(), ..Suite::new(Raft::default()) };
    suite
        .property(LeaderElected)
        .property(CommandsComplete)
        .property(FollowersCatchUp::default())
        .property(TransferSucceeds::default())
        .property(commands_linearizable())
        .boundary(Boundary {
            bug: None,
            name: "wiped-voter",
            what: "a voter that comes back empty forgets what it promised, and a committed entry with it",
            breaks: "raft/leader_completeness",
            model: Raft::default(),
            swarm: Swarm::tolerated().and(FaultClass::Wipe),
        })
        .boundary(Boundary {
            bug: None,
            name: "stale-lease-read",
            what: "clocks that drift apart further than the lease allows for: a leader that was deposed answers a read",
            breaks: "raft/linearizable",
            model: leases(),
            swarm: Swarm::only([FaultClass::Skew, FaultClass::Partition]).over_skew(16).as_configured(),
        })
        .boundary(without_promise(
            "commit-prior-term-by-counting",
            "figure-8",
            "an entry of an earlier term, committed by counting replicas, is lost: Figure 8 of the paper",
            "raft/leader_completeness",
        ))
        .boundary(Boundary {
            bug: Some(Bug::SingleServerChangeWithoutCommitInTerm.name()),
            name: "single-server-change-without-commit-in-term",
            what: "two leaders change the group of four before they have committed anything: two majorities that do not meet",
            breaks: "raft/membership",
            model: Raft::restless(),
            swarm: Swarm::only([FaultClass::Crash, FaultClass::Partition]).as_configured(),
        })
        .boundary(Boundary {
            bug: Some(Bug::OwnVoteBeforeSync.name()),
            name: "own-vote-before-sync",
            what: "a sole voter leads before its vote is durable, forgets it in a crash, and votes for another in that term",
            breaks: "raft/election_safety",
            model: Raft { servers: 2, ..Raft::restless() },
            swarm: Swarm::only([FaultClass::Crash, FaultClass::Partition, FaultClass::Disk]).as_configured(),
        })
        .boundary(without_promise(
            "vote-not-persisted",
            "vote-lost-in-restart",
            "a voter that restarts without its vote votes twice in a term, and two lead it",
            "raft/election_safety",
        ))
        .boundary(without_promise(
            "read-index-without-heartbeat",
            "stale-read-without-heartbeat",
            "a leader that was deposed and does not know it answers a read with an old value",
            "raft/linearizable",
        ))
}

/// A group whose leader answers reads under its lease.
fn leases() -> Raft {
    let mut model = Raft::default();
    model.settings.reads = ReadMode::Lease;
    model
}

/// A boundary with a planted bug that breaks one of the guarantees.
fn without_promise(bug: &'static str, name: &'static str, what: &'static str, breaks: &'static str) -> Boundary<Raft> {
    Boundary { bug: Some(bug), name, what, breaks, model: Raft::default(), swarm: Swarm::tolerated() }
}

/// The safety properties of a group, for any model that runs one: checked after each event.
pub fn safety<M: Group>() -> Vec<Maker<M>> {
    vec![
        maker(ElectionSafety::default()),
        maker(QuorumsMeet::default()),
        maker(ConfigurationInLog::default()),
        maker(LeaderAppendOnly::default()),
        maker(LogMatching::default()),
        maker(LeaderCompleteness::default()),
        maker(StateMachineSafety::default()),
        maker(AtMostOnce::default()),
        maker(CommitIndexMonotonic::default()),
    ]
}
