//! Judging the parts of a history.

use super::checker::Limits;
use super::counterexample;
use super::layout::{NEVER, Ranks};
use super::part::{DeadEnd, Part, spans};
use super::search::{Budget, Found};
use super::specification::Decision;
use super::verdict::{Unknown, Verdict};

/// The steps of the first attempt for each operation, and for a hundred more.
const STEPS_PER_OPERATION: u64 = 4;
/// The factor by which each further attempt has more steps.
const STEP_GROWTH: u64 = 8;

/// The verdict on a part of a history.
pub(super) enum Judged<'a> {
    /// Linearizable, in this order.
    Order(Vec<u32>),
    /// Not linearizable, nor are the events up to `until`.
    Violation { why: Why<'a>, until: u32 },
    /// Undecided.
    Unknown(Unknown),
}

/// Why a part is not linearizable.
pub(super) enum Why<'a> {
    /// In words.
    Reason(String),
    /// An order explains the responses before `good`, and none those up to `bad`, if the answers of all operations are
    /// known.
    Stuck {
        /// The first response that may be wrong, counting responses in order from 0.
        good: usize,
        /// The last response that was looked at.
        bad: usize,
        /// The longest orders.
        dead_ends: Vec<DeadEnd<'a>>,
    },
}

/// Judges a history, of which these are the parts.
///
/// All parts are checked with few steps first, and undecided ones with ever more. When a part is refused, only the
/// events before its violation matter in the others, and these may be easy to decide when the whole part is not.
pub(super) fn judge(ranks: &Ranks, parts: Vec<&dyn Part>, limits: Limits) -> Verdict {
    let judge = Judge { ranks, limits };
    let mut open = parts;
    let mut horizon = NEVER - 1;
    let mut orders = Vec::new();
    let mut unknown = None;
    let mut worst = None;
    let mut per_operation = STEPS_PER_OPERATION;
    while !open.is_empty() {
        let mut undecided = Vec::new();
        for part in open {
            match judge.attempt(part, horizon, per_operation) {
                Judged::Order(order) => orders.push(order),
                Judged::Unknown(why) if judge.is_last(part, per_operation) => unknown = Some(why),
                Judged::Unknown(_) => undecided.push(part),
                Judged::Violation { why, until } => {
                    let shortest = counterexample::shorten(&judge, part, until, why);
                    // Only the events before this violation matter in the other parts.
                    horizon = shortest.end.checked_sub(1).expect("a response comes after an invocation");
                    worst = Some((part, shortest));
                }
            }
        }
        open = undecided;
        per_operation = per_operation.saturating_mul(STEP_GROWTH);
    }
    match (worst, unknown) {
        (Some((part, mut shortest)), unknown) => {
            shortest.minimal &= unknown.is_none();
            Verdict::Violation(Box::new(counterexample::explain(&judge, part, shortest)))
        }
        (None, Some(why)) => Verdict::Unknown(why),
        (None, None) => Verdict::Linearizable(merge(ranks, orders)),
    }
}

/// What all parts of a history are judged with.
pub(super) struct Judge<'a> {
    pub(super) ranks: &'a Ranks,
    limits: Limits,
}

impl Judge<'_> {
    /// Checks one part up to the event `until`, with ever more steps.
    pub(super) fn judge<'p>(&self, part: &'p dyn Part, until: u32) -> Judged<'p> {
        let mut per_operation = STEPS_PER_OPERATION;
        loop {
            let judged = self.attempt(part, until, per_operation);
            if !matches!(judged, Judged::Unknown(_)) || self.is_last(part, per_operation) {
                return judged;
            }
            per_operation = per_operation.saturating_mul(STEP_GROWTH);
        }
    }

    /// The steps of one search of a part.
    fn steps(&self, part: &dyn Part, per_operation: u64) -> u64 {
        per_operation.saturating_mul(100 + part.members().len() as u64).min(self.limits.steps)
    }

    /// Whether a search has all the steps that the limits allow.
    fn is_last(&self, part: &dyn Part, per_operation: u64) -> bool {
        self.steps(part, per_operation) >= self.limits.steps
    }

    /// Checks one part up to the event `until`, with so many steps. Refusing a prefix is often much cheaper than
    /// refusing the whole part, so prefixes are tried before the steps run out.
    fn attempt<'p>(&self, part: &'p dyn Part, until: u32, per_operation: u64) -> Judged<'p> {
        match part.decide(&spans(part, self.ranks, until)) {
            Some(Decision::Linearizable(order)) => {
                return Judged::Order(order.into_iter().map(|n| part.members()[n as usize]).collect());
            }
            Some(Decision::Violation(reason)) => return Judged::Violation { why: Why::Reason(reason), until },
            None => {}
        }
        let steps = self.steps(part, per_operation);
        let (judged, stuck) = self.search(part, until, steps);
        // In the first attempt the other parts come first, which is cheaper than prefixes.
        let is_soon = per_operation == STEPS_PER_OPERATION;
        if !matches!(judged, Judged::Unknown(_)) || is_soon || self.is_last(part, per_operation) {
            return judged;
        }
        let ends = part.members().iter().map(|&n| self.ranks.of[n as usize].1);
        let mut ends: Vec<u32> = ends.filter(|&end| end <= until).collect();
        ends.sort_unstable();
        let last = ends.len().saturating_sub(1);
        let mut prefixes = [last / 8, last / 4, last / 2, stuck.min(last), last * 3 / 4];
        prefixes.sort_unstable();
        let refused = prefixes.into_iter().filter(|&n| n < last).find_map(|n| {
            let (judged, _) = self.search(part, ends[n], steps);
            matches!(judged, Judged::Violation { .. }).then_some(judged)
        });
        refused.unwrap_or(judged)
    }

    /// One search with so many steps. Also returns the response at which it got stuck, counting in order from 0.
    fn search<'p>(&self, part: &'p dyn Part, until: u32, steps: u64) -> (Judged<'p>, usize) {
        let searched = part.search(self.ranks, until, Budget { steps, ..self.budget() });
        let (good, bad, dead_ends) = (searched.good, searched.bad, searched.dead_ends);
        let judged = match searched.found {
            Found::Order(order) => Judged::Order(order),
            Found::Nothing => Judged::Violation { why: Why::Stuck { good, bad, dead_ends }, until },
            Found::GaveUp(why) => Judged::Unknown(why),
        };
        (judged, bad)
    }

    pub(super) fn budget(&self) -> Budget {
        let Limits { steps, configurations, bytes, stop } = self.limits;
        Budget { steps, configurations, bytes, stop }
    }
}

/// Merges the orders of the parts. Each operation is placed at the latest invocation up to it in its part's order,
/// which lies between its own invocation and its response.
fn merge(ranks: &Ranks, orders: Vec<Vec<u32>>) -> Vec<usize> {
    let mut placed = Vec::with_capacity(ranks.of.len());
    for order in orders {
        let mut latest = 0;
        for n in order {
            latest = latest.max(ranks.of[n as usize].0);
            placed.push((latest, n));
        }
    }
    // A stable sort: operations at one position are of one part, and stay in its order.
    placed.sort_by_key(|&(at, _)| at);
    placed.into_iter().map(|(_, n)| n as usize).collect()
}
