//! The termination protocol (the book, section 7.5, "3PC's termination protocol"; Skeen 1981, section 6): what a participant
//! knows of a transaction that it is in doubt about, and the rules by which an elected coordinator decides.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

use crate::transactions::commitment::{Decision, Report};
use crate::transactions::three_phase_commit::recovery::Recovery;

/// A transaction that a participant is in doubt about.
#[derive(Clone, Debug, Hash)]
pub(super) struct Doubt {
    /// The participants that it does not know to have crashed, itself among them. They are elected in their order.
    pub(super) up: BTreeSet<NodeId>,
    pub(super) part: Part,
}

/// A participant's part in the termination of a transaction.
#[derive(Clone, Debug, Hash)]
pub enum Part {
    /// It waits for this coordinator: the first one, or one that was elected.
    Follows(NodeId),
    /// It has told this participant to coordinate.
    Elects(NodeId),
    /// It was elected, and asks for the states of the others: those that it has.
    Asks(BTreeMap<NodeId, Report>),
    /// It was elected, and lets the others know that all have voted yes: these have not acknowledged that.
    PreCommits(BTreeSet<NodeId>),
    /// It has crashed since it voted: it takes no part, and asks those that have not for the decision.
    Recovers(Recovery),
}

/// Which of the termination rules applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// TR1: some participant has aborted, so that nobody can have committed: abort.
    Aborted,
    /// TR2: some participant has committed, so that nobody can have aborted: commit.
    Committed,
    /// TR3: none knows whether all have voted yes, so that nobody can have committed: abort.
    AllUncertain,
    /// TR4: some participant has pre-committed, and none has committed: all that are up pre-commit, and then commit.
    PreCommitted,
}

impl Rule {
    /// The rule for these states.
    pub(super) fn of(states: impl IntoIterator<Item = Report> + Clone) -> Self {
        let some = |wanted: Report| states.clone().into_iter().any(|state| state == wanted);
        if some(Report::Decided(Decision::Abort)) {
            Rule::Aborted
        } else if some(Report::Decided(Decision::Commit)) {
            Rule::Committed
        } else if some(Report::PreCommitted) {
            Rule::PreCommitted
        } else {
            Rule::AllUncertain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn termination_rules() {
        let (aborted, committed) = (Report::Decided(Decision::Abort), Report::Decided(Decision::Commit));
        let (uncertain, pre_committed) = (Report::Uncertain, Report::PreCommitted);
        assert_eq!(Rule::of([uncertain, aborted]), Rule::Aborted);
        assert_eq!(Rule::of([pre_committed, committed]), Rule::Committed);
        assert_eq!(Rule::of([uncertain, uncertain]), Rule::AllUncertain);
        assert_eq!(Rule::of([uncertain, pre_committed]), Rule::PreCommitted);
    }
}
