//! The judge of one history.

use std::collections::BTreeMap;

use super::counterexample::{self, Violating};
use super::layout::{Layout, NEVER, Ranks, answer};
use super::operation::Operation;
use super::search::{Budget, Found, Search};
use super::specification::{Decision, Spanned, Specification};
use super::verdict::{Unknown, Verdict};

/// What a check may spend. In steps and configurations, not in seconds and bytes, so that verdicts are the same
/// everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of the search in each part of a history; some 5 to 20 million take a second.
    pub steps: u64,
    /// Failed configurations that are remembered at once, each one state and a few words.
    pub configurations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps: 50_000_000,
            configurations: 2_000_000,
        }
    }
}

/// Judges histories against a specification.
#[derive(Clone, Debug)]
pub struct Checker<S> {
    spec: S,
    limits: Limits,
    partitioned: bool,
    shortcuts: bool,
}

/// What is known of a part of a history.
pub(super) enum Judged {
    /// Linearizable, in this order.
    Order(Vec<u32>),
    /// Not linearizable; the first so many responses of the part are.
    Violation { good: usize, reason: Option<String> },
    /// Not known.
    Unknown(Unknown),
}

impl<S: Specification> Checker<S> {
    /// A checker with the default limits.
    pub fn new(spec: S) -> Self {
        Checker {
            spec,
            limits: Limits::default(),
            partitioned: true,
            shortcuts: true,
        }
    }

    /// The same with other limits.
    pub fn limits(self, limits: Limits) -> Self {
        Checker { limits, ..self }
    }

    /// The same, judging histories as a whole and not by parts.
    pub fn whole(self) -> Self {
        Checker {
            partitioned: false,
            ..self
        }
    }

    /// The same, with the search alone: without [`Specification::decide`].
    pub fn search_only(self) -> Self {
        Checker {
            shortcuts: false,
            ..self
        }
    }

    /// The specification.
    pub fn spec(&self) -> &S {
        &self.spec
    }

    /// Judges a history; the operations may be in any order.
    pub fn check(&self, operations: &[Operation<S::Op, S::Ret>]) -> Verdict {
        let ranks = Ranks::new(operations);
        let mut horizon = NEVER - 1;
        let mut orders = Vec::new();
        let mut unknown = None;
        let mut worst = None;
        for (key, part) in self.parts(operations, &ranks) {
            match self.judge(operations, &ranks, &part, horizon) {
                Judged::Order(order) => orders.push(order),
                Judged::Unknown(why) => unknown = Some(why),
                Judged::Violation { good, reason } => {
                    let key = key.map(|key| format!("{key:?}"));
                    let violating = Violating {
                        key,
                        part,
                        until: horizon,
                        good,
                        reason,
                    };
                    let shortest = counterexample::shorten(self, operations, &ranks, violating);
                    // Of the other parts, only what happened before this concerns us now.
                    horizon = shortest
                        .end
                        .checked_sub(1)
                        .expect("a response comes after an invocation");
                    worst = Some(shortest);
                }
            }
        }
        match (worst, unknown) {
            (Some(shortest), unknown) => {
                let minimal = shortest.minimal && unknown.is_none();
                Verdict::Violation(Box::new(counterexample::tell(
                    self, operations, &ranks, shortest, minimal,
                )))
            }
            (None, Some(why)) => Verdict::Unknown(why),
            (None, None) => Verdict::Linearizable(merge(&ranks, orders)),
        }
    }

    /// The independent parts, each in the order of invocation.
    fn parts(&self, operations: &[Operation<S::Op, S::Ret>], ranks: &Ranks) -> Vec<(Option<S::Key>, Vec<u32>)> {
        let mut parts: BTreeMap<S::Key, Vec<u32>> = BTreeMap::new();
        for &n in &ranks.by_call {
            match self
                .spec
                .partition(&operations[n as usize].op)
                .filter(|_| self.partitioned)
            {
                Some(key) => parts.entry(key).or_default().push(n),
                None => return vec![(None, ranks.by_call.clone())],
            }
        }
        parts.into_iter().map(|(key, part)| (Some(key), part)).collect()
    }

    /// Judges one part up to the event `until`.
    pub(super) fn judge(
        &self,
        operations: &[Operation<S::Op, S::Ret>],
        ranks: &Ranks,
        part: &[u32],
        until: u32,
    ) -> Judged {
        if let Some(decision) = self.decide(operations, ranks, part, until) {
            return match decision {
                Decision::Linearizable(order) => Judged::Order(order.into_iter().map(|n| part[n as usize]).collect()),
                Decision::Violation(reason) => Judged::Violation {
                    good: 0,
                    reason: Some(reason),
                },
            };
        }
        let layout = Layout::new(&self.spec, operations, ranks, part, until);
        let mut search = Search::new(&self.spec, operations, &layout, self.budget(), 0);
        match search.run() {
            Found::Order(order) => Judged::Order(order),
            Found::Nothing => Judged::Violation {
                good: search.furthest as usize,
                reason: None,
            },
            Found::GaveUp(why) => Judged::Unknown(why),
        }
    }

    fn decide(
        &self,
        operations: &[Operation<S::Op, S::Ret>],
        ranks: &Ranks,
        part: &[u32],
        until: u32,
    ) -> Option<Decision> {
        if !self.shortcuts {
            return None;
        }
        let part = &part[..part.partition_point(|&n| ranks.of[n as usize].0 <= until)];
        let spanned = part.iter().map(|&n| {
            let (call, end) = ranks.of[n as usize];
            let end = if end > until { NEVER } else { end };
            Spanned {
                op: &operations[n as usize].op,
                ret: answer(operations, n, end),
                call,
                end,
            }
        });
        self.spec.decide(&spanned.collect::<Vec<_>>())
    }

    pub(super) fn budget(&self) -> Budget {
        Budget {
            steps: self.limits.steps,
            configurations: self.limits.configurations,
        }
    }
}

/// Makes one order of the orders of the parts: each operation goes where the last invocation up to it in its own order
/// is, which lies between its own invocation and its response.
fn merge(ranks: &Ranks, orders: Vec<Vec<u32>>) -> Vec<usize> {
    let mut placed = Vec::with_capacity(ranks.of.len());
    for order in orders {
        let mut latest = 0;
        for n in order {
            latest = latest.max(ranks.of[n as usize].0);
            placed.push((latest, n));
        }
    }
    // Stable: operations at one instant are of one part, and in its order.
    placed.sort_by_key(|&(at, _)| at);
    placed.into_iter().map(|(_, n)| n as usize).collect()
}
