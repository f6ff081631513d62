//! The checker of one history.

use std::collections::BTreeMap;

use super::counterexample;
use super::layout::{Layout, NEVER, Ranks};
use super::operation::Operation;
use super::search::{Budget, DeadEnd, Found, Search};
use super::specification::{Decider, Decision, Span, Specification};
use super::verdict::{Unknown, Verdict};

/// The limits of a check, in steps and configurations instead of seconds and bytes, so that verdicts are the same on
/// every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of the search in each part of a history. A second is some 5 to 20 million steps.
    pub steps: u64,
    /// Failed configurations that are kept at once, each one state and a few words.
    pub configurations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 50_000_000, configurations: 1_000_000 }
    }
}

/// The steps of the first attempt for each operation, and for a hundred more.
const STEPS_PER_OPERATION: u64 = 4;
/// The factor by which each further attempt has more steps.
const STEP_GROWTH: u64 = 8;

/// Judges histories against a specification.
#[derive(Clone, Debug)]
pub struct Checker<S> {
    spec: S,
    limits: Limits,
    partitioned: bool,
    shortcuts: bool,
}

/// Operations that are checked together, in the order of invocation.
pub(super) struct Part<'a, S: Specification> {
    pub(super) operations: &'a [Operation<S::Op, S::Ret>],
    pub(super) part: &'a [u32],
    decider: Option<Box<dyn Decider + 'a>>,
}

/// The verdict on a part of a history.
pub(super) enum Judged<State> {
    /// Linearizable, in this order.
    Order(Vec<u32>),
    /// Not linearizable, nor are the events up to `until`.
    Violation { why: Why<State>, until: u32 },
    /// Undecided.
    Unknown(Unknown),
}

/// Why a part is not linearizable.
pub(super) enum Why<State> {
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
        dead_ends: Vec<DeadEnd<State>>,
    },
}

impl<S: Specification> Checker<S> {
    /// A checker with the default limits.
    pub fn new(spec: S) -> Self {
        Checker { spec, limits: Limits::default(), partitioned: true, shortcuts: true }
    }

    /// The same with other limits.
    pub fn limits(self, limits: Limits) -> Self {
        Checker { limits, ..self }
    }

    /// The same, without division into parts.
    pub fn whole(self) -> Self {
        Checker { partitioned: false, ..self }
    }

    /// The same, without polynomial algorithms ([`Specification::decider`]).
    pub fn search_only(self) -> Self {
        Checker { shortcuts: false, ..self }
    }

    /// The specification.
    pub fn spec(&self) -> &S {
        &self.spec
    }

    /// Checks a history; the operations may be in any order.
    ///
    /// All parts are checked with few steps first, and undecided ones with ever more. When a part is refused, only the
    /// events before its violation matter in the others, and these may be easy to decide when the whole part is not.
    pub fn check(&self, operations: &[Operation<S::Op, S::Ret>]) -> Verdict {
        let ranks = Ranks::new(operations);
        let parts = self.parts(operations, &ranks);
        let mut open: Vec<(&Option<S::Key>, Part<'_, S>)> =
            parts.iter().map(|(key, members)| (key, self.part(operations, members))).collect();
        let mut horizon = NEVER - 1;
        let mut orders = Vec::new();
        let mut unknown = None;
        let mut worst = None;
        let mut per_operation = STEPS_PER_OPERATION;
        while !open.is_empty() {
            let mut undecided = Vec::new();
            for (key, part) in open {
                match self.attempt(&ranks, &part, horizon, per_operation) {
                    Judged::Order(order) => orders.push(order),
                    Judged::Unknown(why) if self.is_last(&part, per_operation) => unknown = Some(why),
                    Judged::Unknown(_) => undecided.push((key, part)),
                    Judged::Violation { why, until } => {
                        let shortest = counterexample::shorten(self, &ranks, &part, until, why);
                        // Only the events before this violation matter in the other parts.
                        horizon = shortest.end.checked_sub(1).expect("a response comes after an invocation");
                        worst = Some((key, part, shortest));
                    }
                }
            }
            open = undecided;
            per_operation = per_operation.saturating_mul(STEP_GROWTH);
        }
        match (worst, unknown) {
            (Some((key, part, mut shortest)), unknown) => {
                shortest.minimal &= unknown.is_none();
                let key = key.as_ref().map(|key| format!("{key:?}"));
                Verdict::Violation(Box::new(counterexample::explain(self, &ranks, &part, key, shortest)))
            }
            (None, Some(why)) => Verdict::Unknown(why),
            (None, None) => Verdict::Linearizable(merge(&ranks, orders)),
        }
    }

    /// The independent parts, each in the order of invocation.
    fn parts(&self, operations: &[Operation<S::Op, S::Ret>], ranks: &Ranks) -> Vec<(Option<S::Key>, Vec<u32>)> {
        let mut parts: BTreeMap<S::Key, Vec<u32>> = BTreeMap::new();
        for &n in &ranks.by_call {
            match self.spec.partition(&operations[n as usize].op).filter(|_| self.partitioned) {
                Some(key) => parts.entry(key).or_default().push(n),
                None => return vec![(None, ranks.by_call.clone())],
            }
        }
        parts.into_iter().map(|(key, part)| (Some(key), part)).collect()
    }

    /// A part, with a polynomial algorithm if there is one.
    pub(super) fn part<'a>(&'a self, operations: &'a [Operation<S::Op, S::Ret>], part: &'a [u32]) -> Part<'a, S> {
        let asked = part.iter().map(|&n| {
            let Operation { op, ret, returned, .. } = &operations[n as usize];
            (op, ret.as_ref().filter(|_| returned.is_some()))
        });
        let decider = if self.shortcuts { self.spec.decider(&asked.collect::<Vec<_>>()) } else { None };
        Part { operations, part, decider }
    }

    /// Checks one part up to the event `until`, with ever more steps.
    pub(super) fn judge(&self, ranks: &Ranks, part: &Part<'_, S>, until: u32) -> Judged<S::State> {
        let mut per_operation = STEPS_PER_OPERATION;
        loop {
            let judged = self.attempt(ranks, part, until, per_operation);
            if !matches!(judged, Judged::Unknown(_)) || self.is_last(part, per_operation) {
                return judged;
            }
            per_operation = per_operation.saturating_mul(STEP_GROWTH);
        }
    }

    /// The steps of one search of a part.
    fn steps(&self, part: &Part<'_, S>, per_operation: u64) -> u64 {
        per_operation.saturating_mul(100 + part.part.len() as u64).min(self.limits.steps)
    }

    /// Whether a search has all the steps that the limits allow.
    fn is_last(&self, part: &Part<'_, S>, per_operation: u64) -> bool {
        self.steps(part, per_operation) >= self.limits.steps
    }

    /// Checks one part up to the event `until`, with so many steps. Refusing a prefix is often much cheaper than
    /// refusing the whole part, so prefixes are tried before the steps run out.
    fn attempt(&self, ranks: &Ranks, part: &Part<'_, S>, until: u32, per_operation: u64) -> Judged<S::State> {
        if let Some(decider) = &part.decider {
            let spans = part.part.iter().map(|&n| ranks.of[n as usize]).take_while(|&(call, _)| call <= until);
            let spans = spans.map(|(call, end)| Span { call, end: if end > until { NEVER } else { end } });
            return match decider.decide(&spans.collect::<Vec<_>>()) {
                Decision::Linearizable(order) => {
                    Judged::Order(order.into_iter().map(|n| part.part[n as usize]).collect())
                }
                Decision::Violation(reason) => Judged::Violation { why: Why::Reason(reason), until },
            };
        }
        let steps = self.steps(part, per_operation);
        let (judged, stuck) = self.search(ranks, part, until, steps);
        // In the first attempt the other parts come first, which is cheaper than prefixes.
        let is_soon = per_operation == STEPS_PER_OPERATION;
        if !matches!(judged, Judged::Unknown(_)) || is_soon || self.is_last(part, per_operation) {
            return judged;
        }
        let mut ends: Vec<u32> =
            part.part.iter().map(|&n| ranks.of[n as usize].1).filter(|&end| end <= until).collect();
        ends.sort_unstable();
        let last = ends.len().saturating_sub(1);
        let mut prefixes = [last / 8, last / 4, last / 2, stuck.min(last), last * 3 / 4];
        prefixes.sort_unstable();
        let refused = prefixes.into_iter().filter(|&n| n < last).find_map(|n| {
            let (judged, _) = self.search(ranks, part, ends[n], steps);
            matches!(judged, Judged::Violation { .. }).then_some(judged)
        });
        refused.unwrap_or(judged)
    }

    /// One search with so many steps. Also returns the response at which it got stuck, counting in order from 0.
    fn search(&self, ranks: &Ranks, part: &Part<'_, S>, until: u32, steps: u64) -> (Judged<S::State>, usize) {
        let layout = Layout::new(&self.spec, part.operations, ranks, part.part, until);
        let mut search = Search::new(&self.spec, part.operations, &layout, Budget { steps, ..self.budget() });
        let found = search.run();
        let good = search.furthest as usize;
        let bad = good.max(search.missed as usize);
        let judged = match found {
            Found::Order(order) => Judged::Order(order),
            Found::Nothing => {
                let dead_ends = std::mem::take(&mut search.dead_ends);
                Judged::Violation { why: Why::Stuck { good, bad, dead_ends }, until }
            }
            Found::GaveUp(why) => Judged::Unknown(why),
        };
        (judged, bad)
    }

    pub(super) fn budget(&self) -> Budget {
        Budget { steps: self.limits.steps, configurations: self.limits.configurations }
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
