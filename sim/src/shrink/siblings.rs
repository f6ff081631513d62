//! Siblings: other seeds that violate the same property. How short a story becomes depends on the world in which it was found
//! more than on the bug, and how long it takes to shrink depends on how much happened there. So where the first story stays
//! long, or comes from a long run, the next seeds that violate the same property are shrunk as well, those with the shortest
//! runs first, and the shortest story is kept.

use crate::run::Record;
use crate::shrink::{AnyShrunk, DoesNotFail, Progress, SHORT, ShrunkOf, record_by, retell, shrink_by};
use crate::sweep::AnyCampaign;
use crate::system::AnyStory;
use crate::trace::Sizes;

/// How many seeds behind the first are run at most, and how many events in all.
const SEEDS: u64 = 2_000;
const EVENTS: u64 = 3_000_000;

/// How many stories are shrunk at most.
const SHRUNK: usize = 6;

/// A run of at most this many events is shrunk before any other.
const CHEAP: u64 = 3_000;

/// A run of more than this many events is not shrunk before small worlds were tried, so many times: each attempt to leave out
/// something would take as long as many of them.
const COSTLY: u64 = 20_000;
const SMALL_WORLDS: usize = 12_000;

/// Shrinks a failing story, or a shorter one of the seeds behind `after`.
///
/// # Errors
/// If the story does not fail.
pub(super) fn shrink_shortest(
    story: AnyStory,
    after: u64,
    campaign: &AnyCampaign,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Result<AnyShrunk, DoesNotFail> {
    let runner = campaign.system.0.as_runner();
    let before = story.sizes();
    let first = runner.replay(&story, Record::No).violation.ok_or(DoesNotFail)?;
    let mut best: Option<AnyShrunk> = None;
    let mut left = vec![(first.event, story)];
    if first.event <= CHEAP {
        let (_, story) = left.remove(0);
        best = Some(shrink_by(story, runner, keep_going)?);
    }
    let is_short = |best: &Option<AnyShrunk>| best.as_ref().is_some_and(|best| best.story.sizes().items() <= SHORT);
    if !is_short(&best) {
        left.extend(failing(&first.property, after, campaign, before, keep_going));
        left.sort_by_key(|(events, _)| *events);
    }
    if left.first().is_some_and(|(events, _)| *events > COSTLY) {
        let mut tries = 0;
        let mut some = |progress: &Progress| {
            tries += 1;
            tries <= SMALL_WORLDS && keep_going(progress)
        };
        let told = retell::retell(unshrunk(&left[0].1, campaign)?, campaign, &mut some);
        if told.retold {
            return Ok(ShrunkOf { before, ..told });
        }
    }
    let mut runs = 0;
    for (_, story) in left.into_iter().take(SHRUNK) {
        if is_short(&best) {
            break;
        }
        // The cheapest is shrunk as far as there is time; without any, the others would only be tried in vain.
        if let Some(best) = &best
            && !keep_going(&Progress { runs: runs + best.runs, before, now: best.story.sizes() })
        {
            break;
        }
        let Ok(shrunk) = shrink_by(story, runner, keep_going) else { continue };
        runs += shrunk.runs;
        let shorter = best.as_ref().is_none_or(|best| shrunk.story.sizes().items() < best.story.sizes().items());
        if shorter && shrunk.violation.property == first.property {
            // (Of the first seed itself nothing is retold; but what is shrunk here is nearly always another.)
            let retold = shrunk.before != before;
            best = Some(ShrunkOf { before, retold, ..shrunk });
        }
    }
    let best = best.ok_or(DoesNotFail)?;
    Ok(ShrunkOf { runs: best.runs.max(runs), ..best })
}

/// A story as it is.
fn unshrunk(story: &AnyStory, campaign: &AnyCampaign) -> Result<AnyShrunk, DoesNotFail> {
    let outcome = campaign.system.0.as_runner().replay(story, Record::No);
    let (violation, fingerprint) = (outcome.violation.ok_or(DoesNotFail)?, outcome.fingerprint);
    Ok(ShrunkOf { before: story.sizes(), story: story.clone(), violation, fingerprint, runs: 1, retold: false })
}

/// The recorded stories of the next seeds that violate this property, each with the number of events up to that.
fn failing(
    property: &str,
    after: u64,
    campaign: &AnyCampaign,
    before: Sizes,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Vec<(u64, AnyStory)> {
    let (runner, worlds) = (campaign.system.0.as_runner(), campaign.worlds());
    let (mut found, mut events) = (Vec::new(), 0);
    for seed in after.saturating_add(1)..=after.saturating_add(SEEDS) {
        let enough = found.len() == 2 * SHRUNK || events > EVENTS;
        if enough || !keep_going(&Progress { runs: 1, before, now: before }) {
            break;
        }
        let case = worlds.case(seed);
        let source = campaign.swarm.source(&case, seed, || case.scenario.config.tolerance().delay);
        let outcome = runner.run(&case, &source, Record::No);
        events += outcome.stats.events;
        let Some(violation) = outcome.violation.filter(|violation| violation.property == property) else { continue };
        if let Some((story, _)) = record_by(runner, &case, &source) {
            found.push((violation.event, story));
        }
    }
    found
}
