//! The bugs that one can plant.

use seedbed_sim as sim;
use serde::{Deserialize, Serialize};

/// A planted bug. Each changes one rule of the protocol, at the place where the rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bug {
    /// A vote does not reach the disk; the term does.
    VoteNotPersisted,
    /// Neither term nor vote reaches the disk: a restarted server believes in the term of its last entry.
    TermNotPersisted,
    /// Votes go to candidates whose log is behind.
    NoUpToDateCheck,
    /// A leader commits entries of earlier terms by counting their copies (paper, Figure 8).
    CommitPriorTermByCounting,
    /// A follower cuts its log behind what an AppendEntries holds, conflict or not.
    TruncateOnStaleAppend,
    /// A follower commits up to the end of its log, and not of what the AppendEntries has verified.
    CommitPastLastNewEntry,
    /// A follower keeps its own entry where it conflicts with the leader's.
    NoTruncationOnConflict,
    /// A leader answers reads without asking whether it still leads.
    ReadIndexWithoutHeartbeat,
    /// A follower installs a snapshot that is behind what it has committed.
    SnapshotRegressesLog,
    /// Entries are applied when they are appended.
    ApplyBeforeCommit,
    /// A leader that sees a higher term adopts it and leads on.
    NoStepDownOnHigherTerm,
    /// Snapshots forget which commands a session has executed.
    SessionTableNotInSnapshot,
    /// A follower acknowledges entries before they are durable.
    ReplyBeforeSync,
}

/// All of them, as [`sim::Info::bugs`] lists them.
pub(super) const ALL: [(Bug, sim::Bug); 13] = [
    bug(
        Bug::VoteNotPersisted,
        "vote-not-persisted",
        "a server forgets in a crash whom it voted for",
        "raft/election_safety",
    ),
    bug(
        Bug::TermNotPersisted,
        "term-not-persisted",
        "a server forgets in a crash which term it was in, and its vote with it",
        "raft/election_safety",
    ),
    bug(
        Bug::NoUpToDateCheck,
        "no-up-to-date-check",
        "votes go to candidates whose log is behind the voter's",
        "raft/leader_completeness",
    ),
    bug(
        Bug::CommitPriorTermByCounting,
        "commit-prior-term-by-counting",
        "a leader commits entries of earlier terms by counting copies (Figure 8)",
        "raft/leader_completeness",
    ),
    bug(
        Bug::TruncateOnStaleAppend,
        "truncate-on-stale-append",
        "a late AppendEntries cuts off entries that came after it",
        "raft/state_machine_safety",
    ),
    bug(
        Bug::CommitPastLastNewEntry,
        "commit-past-last-new-entry",
        "a follower commits entries that the leader has not verified",
        "raft/state_machine_safety",
    ),
    bug(
        Bug::NoTruncationOnConflict,
        "no-truncation-on-conflict",
        "a follower keeps entries that conflict with the leader's",
        "raft/log_matching",
    ),
    bug(
        Bug::ReadIndexWithoutHeartbeat,
        "read-index-without-heartbeat",
        "a leader answers reads without asking whether it still leads",
        "raft/linearizable",
    ),
    bug(
        Bug::SnapshotRegressesLog,
        "snapshot-regresses-log",
        "a late snapshot takes a follower back",
        "raft/commit_index_monotonic",
    ),
    bug(
        Bug::ApplyBeforeCommit,
        "apply-before-commit",
        "entries are applied when they are appended",
        "raft/state_machine_safety",
    ),
    bug(
        Bug::NoStepDownOnHigherTerm,
        "no-step-down-on-higher-term",
        "a leader that sees a higher term adopts it and leads on",
        "raft/election_safety",
    ),
    bug(
        Bug::SessionTableNotInSnapshot,
        "session-table-not-in-snapshot",
        "snapshots forget which commands were executed, so retries are executed again",
        "raft/at_most_once",
    ),
    bug(
        Bug::ReplyBeforeSync,
        "reply-before-sync",
        "a follower acknowledges entries before they are durable",
        "raft/leader_completeness",
    ),
];

const fn bug(bug: Bug, name: &'static str, what: &'static str, caught_by: &'static str) -> (Bug, sim::Bug) {
    (bug, sim::Bug { name, what, caught_by })
}

/// [`ALL`] as the model's description has it.
pub(super) const LISTED: [sim::Bug; ALL.len()] = {
    let mut listed = [ALL[0].1; ALL.len()];
    let mut i = 0;
    while i < ALL.len() {
        listed[i] = ALL[i].1;
        i += 1;
    }
    listed
};

impl Bug {
    /// Its name in the list.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(bug, _)| *bug == self).map(|(_, listed)| listed.name).expect("every bug is listed")
    }

    /// The bug of this name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, listed)| listed.name == name).map(|(bug, _)| *bug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_serialised_ones() {
        for (bug, listed) in ALL {
            let json = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(listed.name);
            assert_eq!(Bug::deserialize(json), Ok(bug));
            assert_eq!(Bug::named(bug.name()), Some(bug));
        }
    }
}
