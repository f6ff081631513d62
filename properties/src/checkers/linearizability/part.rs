//! The parts of a history that are judged on their own. What depends on the specification's types is behind a trait, so
//! that the rest of the checker is compiled once and not for each specification.

use super::layout::{Layout, NEVER, Ranks};
use super::operation::Operation;
use super::search::{self, Budget, Found, Search};
use super::specification::{Decider, Decision, Span, Specification};
use super::verdict::{Bar, Configuration};

/// Operations that are checked together, in the order of invocation.
pub(super) trait Part {
    /// Their indices in the history.
    fn members(&self) -> &[u32];

    /// The part of the object, if it has parts, as `Debug` prints it.
    fn key(&self) -> Option<String>;

    /// The decision of the polynomial algorithm on the first operations, if there is one.
    fn decide(&self, spans: &[Span]) -> Option<Decision>;

    /// Searches the events up to `until`.
    fn search(&self, ranks: &Ranks, until: u32, budget: Budget) -> Searched<'_>;

    /// The longest orders of the events up to `end`, a response that no order explains. Takes at most `steps` more steps
    /// than there are operations.
    fn longest_orders(&self, ranks: &Ranks, end: u32, steps: u64, budget: Budget) -> LongestOrders<'_>;

    /// [`Specification::answer_matters`] of an operation of the history.
    fn answer_matters(&self, n: u32) -> bool;

    /// An operation of the history as it is drawn, in the events up to `end`.
    fn bar(&self, ranks: &Ranks, n: usize, end: u32) -> Bar;

    /// When an operation of the history returned.
    fn returned(&self, n: u32) -> Option<u64>;
}

/// The result of a search.
pub(super) struct Searched<'a> {
    pub(super) found: Found,
    /// The number of responses, from the first, that an order explains.
    pub(super) good: usize,
    /// The last response that was looked at.
    pub(super) bad: usize,
    /// The longest orders.
    pub(super) dead_ends: Vec<DeadEnd<'a>>,
}

/// The longest orders up to a response.
pub(super) struct LongestOrders<'a> {
    /// The number of responses before it.
    pub(super) front: u32,
    pub(super) dead_ends: Vec<DeadEnd<'a>>,
}

/// An order that cannot be continued.
pub(super) struct DeadEnd<'a> {
    /// The number of explained responses.
    pub(super) front: u32,
    /// It as a counterexample shows it, of this culprit (an index in the history) that returns at this front.
    pub(super) configuration: Box<dyn Fn(u32, u32) -> Configuration + 'a>,
}

/// A part of a history of this specification.
pub(super) struct PartOf<'a, S: Specification> {
    spec: &'a S,
    operations: &'a [Operation<S::Op, S::Ret>],
    members: Vec<u32>,
    key: Option<S::Key>,
    decider: Option<Box<dyn Decider + 'a>>,
}

impl<'a, S: Specification> PartOf<'a, S> {
    /// A part, with a polynomial algorithm if there is one and `shortcuts` are wanted.
    pub(super) fn new(
        spec: &'a S,
        operations: &'a [Operation<S::Op, S::Ret>],
        members: Vec<u32>,
        key: Option<S::Key>,
        shortcuts: bool,
    ) -> Self {
        let asked = members.iter().map(|&n| {
            let Operation { op, ret, returned, .. } = &operations[n as usize];
            (op, ret.as_ref().filter(|_| returned.is_some()))
        });
        let decider = if shortcuts { spec.decider(&asked.collect::<Vec<_>>()) } else { None };
        PartOf { spec, operations, members, key, decider }
    }

    fn dead_ends(&self, search: Search<'_, S>) -> Vec<DeadEnd<'_>> {
        let erased = |end: search::DeadEnd<S::State>| DeadEnd {
            front: end.front,
            configuration: Box::new(move |culprit, front| self.configuration(&end, culprit, front)),
        };
        search.dead_ends.into_iter().map(erased).collect()
    }

    fn configuration(&self, end: &search::DeadEnd<S::State>, culprit: u32, front: u32) -> Configuration {
        let Operation { op, ret, .. } = &self.operations[culprit as usize];
        let is_there = end.front == front;
        let answer = self.spec.answer(&end.state, op).filter(|answer| is_there && Some(answer) != ret.as_ref());
        Configuration {
            state: format!("{:?}", end.state),
            length: end.length,
            recent: end.recent.iter().map(|&n| n as usize).collect(),
            is_there,
            instead: answer.map(|answer| format!("{answer:?}")),
        }
    }
}

impl<S: Specification> Part for PartOf<'_, S> {
    fn members(&self) -> &[u32] {
        &self.members
    }

    fn key(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("{key:?}"))
    }

    fn decide(&self, spans: &[Span]) -> Option<Decision> {
        self.decider.as_ref().map(|decider| decider.decide(spans))
    }

    fn search(&self, ranks: &Ranks, until: u32, budget: Budget) -> Searched<'_> {
        let layout = Layout::new(self.spec, self.operations, ranks, &self.members, until);
        let mut search = Search::new(self.spec, self.operations, &layout, budget);
        let found = search.run();
        let good = search.furthest as usize;
        let bad = good.max(search.missed as usize);
        let dead_ends = if let Found::Nothing = found { self.dead_ends(search) } else { Vec::new() };
        Searched { found, good, bad, dead_ends }
    }

    fn longest_orders(&self, ranks: &Ranks, end: u32, steps: u64, budget: Budget) -> LongestOrders<'_> {
        let layout = Layout::new(self.spec, self.operations, ranks, &self.members, end);
        let front = layout.by_end.len() as u32 - 1;
        let steps = budget.steps.min(steps + layout.items.len() as u64);
        let mut search = Search::new(self.spec, self.operations, &layout, Budget { steps, ..budget });
        search.enough_at(front);
        search.run();
        LongestOrders { front, dead_ends: self.dead_ends(search) }
    }

    fn answer_matters(&self, n: u32) -> bool {
        let Operation { op, ret, .. } = &self.operations[n as usize];
        self.spec.answer_matters(op, ret.as_ref())
    }

    fn bar(&self, ranks: &Ranks, n: usize, end: u32) -> Bar {
        let operation = &self.operations[n];
        let (from, to) = ranks.of[n];
        let label = match &operation.ret {
            Some(ret) if to <= end => format!("{:?} → {ret:?}", operation.op),
            _ => format!("{:?}", operation.op),
        };
        Bar { operation: n, process: operation.process, label, from, to: Some(to).filter(|&to| to <= end) }
    }

    fn returned(&self, n: u32) -> Option<u64> {
        self.operations[n as usize].returned
    }
}

/// The spans of the first operations of a part: those that were invoked by the event `until`.
pub(super) fn spans(part: &dyn Part, ranks: &Ranks, until: u32) -> Vec<Span> {
    let spans = part.members().iter().map(|&n| ranks.of[n as usize]).take_while(|&(call, _)| call <= until);
    spans.map(|(call, end)| Span { call, end: if end > until { NEVER } else { end } }).collect()
}
