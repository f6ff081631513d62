//! Counterexamples: the shortest prefix that is not linearizable, and how far its operations can be ordered.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::draw;
use super::judge::{Judge, Judged, Why};
use super::layout::Ranks;
use super::part::Part;
use super::verdict::{Configuration, Counterexample};

/// The steps of a search that only completes a counterexample.
const STORY_STEPS: u64 = 5_000;

/// The first response of a part that cannot be explained.
pub(super) struct Shortest<'a> {
    culprit: u32,
    /// The rank of the response.
    pub(super) end: u32,
    /// Whether every shorter prefix is known to be linearizable.
    pub(super) minimal: bool,
    why: Why<'a>,
}

/// Finds the shortest prefix that is a violation; the part is one up to the event `until`. Linearizability is
/// prefix-closed, and the last event of a shortest violation is a response, so this is a binary search over responses.
/// It begins where the first search got stuck, which is usually the place.
///
/// In a prefix, operations that have not returned yet may give any answer or none, so a prefix may be linearizable
/// although no order of the whole history gets so far.
pub(super) fn shorten<'a>(judge: &Judge<'_>, part: &'a dyn Part, until: u32, mut why: Why<'a>) -> Shortest<'a> {
    let mut ends: Vec<(u32, u32)> = part.members().iter().map(|&n| (judge.ranks.of[n as usize].1, n)).collect();
    ends.retain(|&(end, _)| end <= until);
    ends.sort_unstable();
    let last = ends.len() - 1;
    let (mut low, mut high) = match why {
        Why::Stuck { good, bad, .. } if others_answer_the_same(judge.ranks, part, ends[bad].0, until) => (good, bad),
        Why::Stuck { good, .. } => (good, last),
        Why::Reason(_) => (0, last),
    };

    let mut minimal = true;
    let mut is_violation = |n: usize| match judge.judge(part, ends[n].0) {
        Judged::Order(_) => false,
        Judged::Violation { why: here, .. } => {
            why = here;
            true
        }
        Judged::Unknown(_) => {
            minimal = false;
            false
        }
    };
    // The responses before `low` can be explained, that of `high` cannot. Linearizable prefixes are cheap to check,
    // others expensive: so the best guess `high` comes first, then growing steps upwards from `low`.
    if low < high && high < last {
        if is_violation(high - 1) {
            high -= 1;
        } else {
            low = high;
        }
    }
    let mut stride = 1;
    while low < high {
        let probe = (low + stride - 1).min(low + (high - low) / 2);
        if is_violation(probe) {
            high = probe;
        } else {
            low = probe + 1;
        }
        stride *= 2;
    }
    let (end, culprit) = ends[high];
    Shortest { culprit, end, minimal, why }
}

/// Whether no operation that was open at the event `end` could have helped with another answer later.
fn others_answer_the_same(ranks: &Ranks, part: &dyn Part, end: u32, until: u32) -> bool {
    let open = part.members().iter().map(|&n| (n, ranks.of[n as usize])).take_while(|&(_, (call, _))| call < end);
    let mut helpers = open.filter(|&(_, (_, returned))| returned > end && returned <= until);
    helpers.all(|(n, _)| !part.answer_matters(n))
}

/// Creates the counterexample.
pub(super) fn explain(judge: &Judge<'_>, part: &dyn Part, shortest: Shortest<'_>) -> Counterexample {
    let Shortest { culprit, end, minimal, why } = shortest;
    // The verdict is known. If this search gives up, the reported orders may only end earlier.
    let longest = part.longest_orders(judge.ranks, end, STORY_STEPS, judge.budget());
    let (front, found) = (longest.front, longest.dead_ends);
    let (reason, dead_ends) = match why {
        Why::Stuck { dead_ends, .. } if found.iter().all(|dead_end| dead_end.front < front) => (None, dead_ends),
        Why::Stuck { .. } => (None, found),
        Why::Reason(reason) => (Some(reason), found),
    };
    let furthest: Vec<Configuration> = dead_ends.iter().map(|end| (end.configuration)(culprit, front)).collect();
    let (drawn, left_out) = drawn(judge.ranks, part.members(), end, culprit as usize, &furthest);
    let bars = drawn.into_iter().map(|n| part.bar(judge.ranks, n, end)).collect();
    Counterexample {
        culprit: culprit as usize,
        events: end as usize + 1,
        minimal,
        part: part.key(),
        reason,
        furthest,
        bars,
        left_out,
        at: part.returned(culprit).expect("a culprit returned"),
    }
}

/// The operations to draw, and the number of those left out.
fn drawn(ranks: &Ranks, part: &[u32], end: u32, culprit: usize, furthest: &[Configuration]) -> (Vec<usize>, usize) {
    let required: BTreeSet<usize> =
        furthest.iter().flat_map(|end| end.recent.iter().rev().take(draw::LAST)).copied().chain([culprit]).collect();
    let mut drawn: Vec<usize> = part.iter().map(|&n| n as usize).filter(|&n| ranks.of[n].0 <= end).collect();
    // The operations that ended last are the most relevant.
    let ended = |n: usize| Some(ranks.of[n].1).filter(|&to| to <= end).unwrap_or(u32::MAX);
    drawn.sort_by_key(|&n| Reverse((required.contains(&n), ended(n))));
    let left_out = drawn.len().saturating_sub(draw::ROWS.max(required.len()));
    drawn.truncate(drawn.len() - left_out);
    drawn.sort_by_key(|&n| ranks.of[n].0);
    (drawn, left_out)
}
