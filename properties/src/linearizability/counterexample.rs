//! From "no" to why: the shortest prefix that is already not linearizable, and how far its operations can be ordered.

use std::fmt::Write;

use super::checker::{Checker, Judged};
use super::layout::{Layout, Ranks};
use super::operation::Operation;
use super::search::{Budget, Search};
use super::specification::Specification;
use super::timeline::{self, Bar};
use super::verdict::{Configuration, Counterexample};

/// Orders that are told at most.
const TOLD: usize = 4;
/// What the second search, for the story alone, may spend.
const STORY_STEPS: u64 = 200_000;

/// A part of a history that is not linearizable.
pub(super) struct Violating {
    pub(super) key: Option<String>,
    pub(super) part: Vec<u32>,
    /// The event up to which it is not.
    pub(super) until: u32,
    /// The first so many responses are no violation.
    pub(super) good: usize,
    pub(super) reason: Option<String>,
}

/// Such a part with the first response that cannot be explained.
pub(super) struct Shortest {
    key: Option<String>,
    part: Vec<u32>,
    reason: Option<String>,
    culprit: u32,
    /// The rank of the culprit's response.
    pub(super) end: u32,
    pub(super) minimal: bool,
}

/// Finds the shortest prefix that is a violation. Linearizability is closed under prefixes, and only a response can be
/// the last event of a shortest violation, so this is a binary search over responses; it begins where the first search
/// got stuck, which is mostly the place.
///
/// In a prefix, operations that have not yet returned may give any answer or none: so a prefix may be linearizable
/// although the whole history has no order that gets so far.
pub(super) fn shorten<S: Specification>(
    checker: &Checker<S>,
    operations: &[Operation<S::Op, S::Ret>],
    ranks: &Ranks,
    violating: Violating,
) -> Shortest {
    let Violating {
        key,
        part,
        until,
        good,
        mut reason,
    } = violating;
    let mut ends: Vec<(u32, u32)> = part.iter().map(|&n| (ranks.of[n as usize].1, n)).collect();
    ends.retain(|&(end, _)| end <= until);
    ends.sort_unstable();
    let mut minimal = true;
    let mut is_violation = |n: usize| match checker.judge(operations, ranks, &part, ends[n].0) {
        Judged::Order(_) => false,
        Judged::Violation { reason: why, .. } => {
            reason = why;
            true
        }
        Judged::Unknown(_) => {
            minimal = false;
            false
        }
    };

    // All responses before `low` can be explained, that of `high` cannot.
    let (mut low, mut high) = (good, ends.len() - 1);
    let mut stride = 1;
    while low < high {
        let probe = (low + stride - 1).min(low + (high - low) / 2);
        match is_violation(probe) {
            true => high = probe,
            false => low = probe + 1,
        }
        stride *= 2;
    }
    let (end, culprit) = ends[high];
    Shortest {
        key,
        part,
        reason,
        culprit,
        end,
        minimal,
    }
}

/// Tells it.
pub(super) fn tell<S: Specification>(
    checker: &Checker<S>,
    operations: &[Operation<S::Op, S::Ret>],
    ranks: &Ranks,
    shortest: Shortest,
    minimal: bool,
) -> Counterexample {
    let Shortest {
        key,
        part,
        reason,
        culprit,
        end,
        ..
    } = shortest;
    let layout = Layout::new(checker.spec(), operations, ranks, &part, end);
    let limits = checker.budget();
    let budget = Budget {
        steps: limits.steps.min(STORY_STEPS),
        ..limits
    };
    let mut search = Search::new(checker.spec(), operations, &layout, budget, TOLD);
    // The verdict is known; should this search give up, fewer orders are told.
    search.run();
    let furthest: Vec<Configuration> = search
        .dead_ends
        .iter()
        .map(|end| Configuration {
            state: format!("{:?}", end.state),
            order: end.order.iter().map(|&n| n as usize).collect(),
        })
        .collect();

    let mut counterexample = Counterexample {
        culprit: culprit as usize,
        events: end as usize + 1,
        minimal,
        part: key,
        reason,
        furthest,
        story: String::new(),
    };
    counterexample.story = story(operations, ranks, &part, end, &counterexample);
    counterexample
}

fn story<O: std::fmt::Debug, R: std::fmt::Debug>(
    operations: &[Operation<O, R>],
    ranks: &Ranks,
    part: &[u32],
    end: u32,
    counterexample: &Counterexample,
) -> String {
    let culprit = &operations[counterexample.culprit];
    let label = |n: usize| label(&operations[n], ranks.of[n].1 <= end);
    let mut story = String::new();
    let out = &mut story;
    let _ = write!(
        out,
        "{} returned at {}",
        label(counterexample.culprit),
        culprit.returned.unwrap_or_default()
    );
    let _ = write!(out, ", and no order of the operations until then explains it");
    if let Some(part) = &counterexample.part {
        let _ = write!(out, " (part {part})");
    }
    if let Some(reason) = &counterexample.reason {
        let _ = write!(out, ": {reason}");
    }
    let shortest = if counterexample.minimal {
        "; the shortest such prefix"
    } else {
        ""
    };
    let _ = write!(out, ". It is event {} of the history{shortest}.", counterexample.events);
    for configuration in &counterexample.furthest {
        let _ = write!(out, "\n  It may have come to the state {}", configuration.state);
        match configuration.order.len() {
            0 => {}
            count => {
                let last: Vec<String> = configuration.order[count.saturating_sub(3)..]
                    .iter()
                    .map(|&n| label(n))
                    .collect();
                let dots = if count > last.len() { "… " } else { "" };
                let _ = write!(out, " by {dots}{}", last.join(", "));
            }
        }
        let _ = write!(out, ", but not on to that response.");
    }
    let bars = part
        .iter()
        .map(|&n| n as usize)
        .filter(|&n| ranks.of[n].0 <= end)
        .map(|n| {
            let (from, to) = ranks.of[n];
            let culprit = n == counterexample.culprit;
            Bar {
                label: label(n),
                from: from.into(),
                to: (to <= end).then_some(to.into()),
                culprit,
            }
        });
    let _ = write!(out, "\n{}", timeline::draw(bars.collect()));
    story
}

/// An operation in a few words; its answer only if it is known by now.
fn label<O: std::fmt::Debug, R: std::fmt::Debug>(operation: &Operation<O, R>, returned: bool) -> String {
    let asked = format!("p{} {:?}", operation.process, operation.op);
    match &operation.ret {
        Some(ret) if returned => format!("{asked} → {ret:?}"),
        _ => asked,
    }
}
