//! Siblings: other seeds that violate the same property. How short a story becomes depends on the world in which it was found
//! more than on the bug, so where the first stays long, the next few are shrunk as well, and the shortest is kept.

use crate::run::Record;
use crate::shrink::{AnyShrunk, Progress, SHORT, ShrunkOf, record_by, shrink_by};
use crate::sweep::AnyCampaign;

/// How many seeds behind the first are run at most, and how many of those that fail are shrunk.
const SEEDS: u64 = 2_000;
const SHRUNK: usize = 5;

/// Looks for a shorter story in the worlds of the seeds that follow, if `shrunk` is long.
pub(super) fn siblings(
    shrunk: AnyShrunk,
    after: u64,
    campaign: &AnyCampaign,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> AnyShrunk {
    let (mut best, mut left) = (shrunk, SHRUNK);
    if best.story.sizes().items() <= SHORT {
        return best;
    }
    let (runner, worlds) = (campaign.system.0.as_runner(), campaign.worlds());
    for seed in after.saturating_add(1)..=after.saturating_add(SEEDS) {
        let progress = Progress { runs: best.runs, before: best.before, now: best.story.sizes() };
        if left == 0 || best.story.sizes().items() <= SHORT || !keep_going(&progress) {
            break;
        }
        best.runs += 1;
        let case = worlds.case(seed);
        let source = campaign.swarm.source(&case, seed);
        let outcome = runner.run(&case, &source, Record::No);
        if outcome.violation.is_none_or(|violation| violation.property != best.violation.property) {
            continue;
        }
        let Some((story, _)) = record_by(runner, &case, &source) else { continue };
        left -= 1;
        let Ok(smaller) = shrink_by(story, runner, keep_going) else { continue };
        best.runs += smaller.runs;
        if smaller.violation.property == best.violation.property
            && smaller.story.sizes().items() < best.story.sizes().items()
        {
            best = ShrunkOf { before: best.before, runs: best.runs, retold: true, ..smaller };
        }
    }
    best
}
