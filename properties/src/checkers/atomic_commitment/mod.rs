//! Atomic commitment: the five conditions AC1 to AC5 of Bernstein, Hadzilacos and Goodman, *Concurrency Control and
//! Recovery in Database Systems* (1987), section 7.3, each a rule of its own; and [`stores`]: whether the effects in
//! the stores agree.
//!
//! Each rule refuses at the first event that violates it. Not checked: that a process keeps its locks while it is
//! uncertain, and that a store holds what was decided (see [`stores`]).
//!
//! ```
//! use seedbed_properties::checkers::atomic_commitment::{AtomicCommitment, Decision, Event, Rule};
//! use seedbed_properties::checkers::judge::Judge;
//!
//! let votes = [
//!     Event::Began { transaction: 7, participants: vec!['a', 'b'] },
//!     Event::Voted { transaction: 7, node: 'a', yes: true },
//!     Event::Decided { transaction: 7, node: 'a', decision: Decision::Commit },
//! ];
//! let refusal = AtomicCommitment::judging(Rule::OnlyIfAllYes).judge(votes.clone()).unwrap_err();
//! assert_eq!(refusal.to_string(), "AC3: 'a' commits 7, though 'b' has not voted yes");
//! assert!(AtomicCommitment::judging(Rule::Agreement).judge(votes).is_ok());
//! ```

pub mod stores;

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Model, NodeId, World};

use crate::checkers::judge::{Facts, Id, Judge, Name, Refusal, Ruling, facts};

/// The outcome of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// All effects of the transaction take place.
    Commit,
    /// No effect of the transaction takes place.
    Abort,
}

/// Facts about processes. All of them may be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<T, N> {
    /// A transaction has these participants: the processes whose votes are asked for.
    Began {
        /// Any identifier; not used again for another transaction.
        transaction: T,
        /// Each must vote yes for a commit.
        participants: Vec<N>,
    },
    /// A participant votes.
    Voted {
        /// The transaction voted on.
        transaction: T,
        /// The voter.
        node: N,
        /// Whether it votes yes.
        yes: bool,
    },
    /// A process reaches a decision: a participant, or the coordinator.
    Decided {
        /// The transaction decided on.
        transaction: T,
        /// A participant, or the coordinator.
        node: N,
        /// The decision that it has reached.
        decision: Decision,
    },
    /// A message about a transaction did not come in time. AC4 demands nothing of this transaction after it.
    Late {
        /// The transaction.
        transaction: T,
    },
    /// A failure of a process, or of the network. AC4 demands nothing after it.
    Failed,
}

/// A condition of atomic commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// AC1: all processes that reach a decision reach the same one.
    Agreement,
    /// AC2: a process cannot reverse its decision after it has reached one.
    Final,
    /// AC3: the decision to commit can only be reached if all participants voted yes; and none of them no.
    OnlyIfAllYes,
    /// AC4: if there are no failures and all participants voted yes, then the decision is to commit.
    NoNeedlessAbort,
    /// AC5: once failures are repaired and no new ones occur for long enough, all processes that voted reach a
    /// decision. Liveness. A process that was never asked for its vote need not hear of the transaction.
    AllDecide,
}

impl Rule {
    /// All conditions, in the book's order.
    pub const ALL: [Rule; 5] =
        [Rule::Agreement, Rule::Final, Rule::OnlyIfAllYes, Rule::NoNeedlessAbort, Rule::AllDecide];

    /// Its name in the book, such as `AC1`.
    pub fn code(self) -> &'static str {
        match self {
            Rule::Agreement => "AC1",
            Rule::Final => "AC2",
            Rule::OnlyIfAllYes => "AC3",
            Rule::NoNeedlessAbort => "AC4",
            Rule::AllDecide => "AC5",
        }
    }

    /// Its name as the second half of a property's: `ac1_agreement`.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Agreement => "ac1_agreement",
            Rule::Final => "ac2_final",
            Rule::OnlyIfAllYes => "ac3_only_if_all_yes",
            Rule::NoNeedlessAbort => "ac4_no_needless_abort",
            Rule::AllDecide => "ac5_all_decide",
        }
    }
}

/// Judges one of the conditions. Repeated facts have no effect.
#[derive(Clone, Debug)]
pub struct AtomicCommitment<T, N> {
    rule: Rule,
    transactions: BTreeMap<T, Transaction<N>>,
    failed: bool,
}

#[derive(Clone, Debug)]
struct Transaction<N> {
    /// `None` until [`Event::Began`].
    participants: Option<BTreeSet<N>>,
    yes: BTreeSet<N>,
    no: BTreeSet<N>,
    /// The processes that decided to commit, at least once.
    committed: BTreeSet<N>,
    aborted: BTreeSet<N>,
    /// Whether a message about it did not come in time.
    late: bool,
}

impl<T: Name, N: Id> AtomicCommitment<T, N> {
    /// A judge of this condition.
    pub fn judging(rule: Rule) -> Self {
        AtomicCommitment { rule, transactions: BTreeMap::new(), failed: false }
    }
}

impl<T: Name, N: Id> Judge for AtomicCommitment<T, N> {
    type Event = Event<T, N>;
    type Node = N;

    fn observe(&mut self, event: Event<T, N>) -> Ruling<N> {
        let (id, changed) = match event {
            Event::Failed => {
                self.failed = true;
                return Ok(());
            }
            Event::Began { transaction, participants } => {
                let known = self.transactions.entry(transaction.clone()).or_default();
                if known.participants.is_none() {
                    known.participants = Some(participants.into_iter().collect());
                }
                return Ok(());
            }
            Event::Late { transaction } => {
                self.transactions.entry(transaction).or_default().late = true;
                return Ok(());
            }
            Event::Voted { transaction, node, yes } => {
                let known = self.transactions.entry(transaction.clone()).or_default();
                let votes = if yes { &mut known.yes } else { &mut known.no };
                (transaction, votes.insert(node))
            }
            Event::Decided { transaction, node, decision } => {
                let known = self.transactions.entry(transaction.clone()).or_default();
                let (same, opposite) = match decision {
                    Decision::Commit => (&mut known.committed, &known.aborted),
                    Decision::Abort => (&mut known.aborted, &known.committed),
                };
                if self.rule == Rule::Final && opposite.contains(&node) {
                    let (before, id) = (decision.other(), &transaction);
                    let words = format!("{node:?} decided to {before} {id:?}, and now to {decision} it");
                    return Err(Refusal::new("AC2", [node], words));
                }
                let other = opposite.iter().find(|other| **other != node);
                if let (Rule::Agreement, Some(other)) = (self.rule, other) {
                    let (there, id) = (decision.other(), &transaction);
                    let words = format!("{node:?} decides to {decision} {id:?}, {other:?} to {there} it");
                    return Err(Refusal::new("AC1", [other.clone(), node], words));
                }
                (transaction, same.insert(node))
            }
        };
        if !changed {
            return Ok(());
        }
        let known = &self.transactions[&id];
        match self.rule {
            Rule::OnlyIfAllYes => known.only_if_all_yes(&id),
            Rule::NoNeedlessAbort if !self.failed => known.no_needless_abort(&id),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, obliged: &dyn Fn(&N) -> bool) -> Ruling<N> {
        if self.rule != Rule::AllDecide {
            return Ok(());
        }
        for (id, known) in &self.transactions {
            let decided = |node: &N| known.committed.contains(node) || known.aborted.contains(node);
            let waiting: Vec<N> = known.yes.union(&known.no).filter(|n| !decided(n) && obliged(n)).cloned().collect();
            if !waiting.is_empty() {
                let words = format!("{waiting:?} voted on {id:?} and never learnt what was decided");
                return Err(Refusal::new("AC5", waiting, words));
            }
        }
        Ok(())
    }

    fn is_liveness(&self) -> bool {
        self.rule == Rule::AllDecide
    }
}

impl<N: Id> Transaction<N> {
    fn only_if_all_yes<T: Name>(&self, id: &T) -> Ruling<N> {
        let Some(committer) = self.committed.first() else {
            return Ok(());
        };
        let Some(participants) = &self.participants else {
            let words = format!("{committer:?} commits {id:?}, though nobody said who takes part in it");
            return Err(Refusal::new("AC3", [committer.clone()], words));
        };
        if let Some(missing) = participants.iter().find(|node| !self.yes.contains(node)) {
            let words = format!("{committer:?} commits {id:?}, though {missing:?} has not voted yes");
            return Err(Refusal::new("AC3", [committer.clone(), missing.clone()], words));
        }
        if let Some(against) = self.no.first() {
            let words = format!("{committer:?} commits {id:?}, though {against:?} voted no");
            return Err(Refusal::new("AC3", [committer.clone(), against.clone()], words));
        }
        Ok(())
    }

    fn no_needless_abort<T: Name>(&self, id: &T) -> Ruling<N> {
        let (Some(participants), Some(aborter)) = (&self.participants, self.aborted.first()) else {
            return Ok(());
        };
        if self.late || !self.no.is_empty() || !participants.is_subset(&self.yes) {
            return Ok(());
        }
        let words = format!("{aborter:?} aborts {id:?}, though all of {participants:?} voted yes and nothing failed");
        Err(Refusal::new("AC4", [aborter.clone()], words))
    }
}

impl<N> Default for Transaction<N> {
    fn default() -> Self {
        Transaction {
            participants: None,
            yes: BTreeSet::new(),
            no: BTreeSet::new(),
            committed: BTreeSet::new(),
            aborted: BTreeSet::new(),
            late: false,
        }
    }
}

impl Decision {
    fn other(self) -> Decision {
        match self {
            Decision::Commit => Decision::Abort,
            Decision::Abort => Decision::Commit,
        }
    }
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Decision::Commit => "commit",
            Decision::Abort => "abort",
        })
    }
}

/// One condition as a property, called `two_phase_commit/ac1_agreement` after its model and its rule. `view` returns
/// all facts about a node: the transactions it coordinates with their participants, the votes it has cast, the
/// decisions it knows, and [`Event::Failed`] first, if something failed ([`nothing_failed`] knows of faults). Facts may
/// be repeated after each event, and after a restart.
///
/// ```
/// use seedbed_properties::checkers::atomic_commitment::{self, Event, Rule, nothing_failed};
/// use seedbed_sim::Property;
/// # use seedbed_sim::{NodeId, World, doc::PingPong};
/// # fn votes_and_decisions(_: &World<PingPong>, _: NodeId) -> Vec<Event<u64, NodeId>> { Vec::new() }
/// let ac4 = atomic_commitment::property("two_phase_commit", Rule::NoNeedlessAbort, |world: &World<PingPong>, node| {
///     let failed = (!nothing_failed(world)).then_some(Event::Failed);
///     Some(failed.into_iter().chain(votes_and_decisions(world, node)))
/// });
/// assert_eq!(ac4.name(), "two_phase_commit/ac4_no_needless_abort");
/// ```
pub fn property<M: Model, T: Name, I: IntoIterator<Item = Event<T, NodeId>>>(
    model: &str,
    rule: Rule,
    view: impl Fn(&World<M>, NodeId) -> Option<I> + Send + Sync + 'static,
) -> Facts<M, AtomicCommitment<T, NodeId>> {
    facts(format!("{model}/{}", rule.name()), AtomicCommitment::judging(rule), view)
}

/// Whether no fault has struck and no message was lost so far. Whether a message that came after a timeout is a failure
/// depends on the protocol, so the model decides it.
pub fn nothing_failed<M: Model>(world: &World<M>) -> bool {
    let stats = world.stats();
    world.struck().is_empty() && stats.lost + stats.cut + stats.to_down == 0
}
