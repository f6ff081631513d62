//! The story of a cell with a violation: a kept trace of the same violation, or the shortest one that is found now.

use anyhow::{Context as _, ensure};
use seedbed_sim::{FaultClass, Replayed};
use serde::{Deserialize, Serialize};

use crate::atlas::grid;
use crate::atlas::measure::sample::struck_classes;
use crate::component::{Component, Options, Replay};
use crate::kept;
use crate::signals::interrupted;

/// A trace of a violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// The name of its files, without extension.
    pub name: String,
    /// The text of the trace.
    pub text: String,
    /// The violated property.
    pub property: String,
    /// Operations, faults and deviations together.
    pub items: usize,
    /// Whether it is one of the kept traces.
    pub kept: bool,
}

/// The effort to find a short story, in runs instead of seconds, so that the same seeds give the same story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// The most failing seeds that are shrunk until one gives a short story.
    pub seeds: usize,
    /// The most worlds of each shrink.
    pub runs: usize,
}

/// The kept trace of this name.
pub fn kept_by_name(component: &Component, name: &str) -> anyhow::Result<Option<Story>> {
    let Some(text) = kept::find(name) else {
        return Ok(None);
    };
    let replay = verify(component, text).with_context(|| format!("the kept trace {name}"))?;
    Ok(Some(story_of(name.into(), text, &replay, true)))
}

/// A kept trace of the same component, configuration, classes of faults and property.
///
/// # Errors
/// If a kept trace does not replay.
pub fn kept(
    component: &Component,
    options: &Options,
    classes: &[FaultClass],
    property: &str,
) -> anyhow::Result<Option<Story>> {
    let prepared = component.prepare(options)?;
    for (name, text) in kept::KEPT {
        if seedbed_sim::trace::head(text)?.model != component.info().name {
            continue;
        }
        let replay = verify(component, text).with_context(|| format!("the kept trace {name}"))?;
        let same = grid::same(&struck_classes(&replay.run.stats.faults), classes)
            && replay.run.violation.as_ref().is_some_and(|violation| violation.property == property)
            && prepared.is_configured_so(text)?;
        if same {
            return Ok(Some(story_of(name.to_string(), text, &replay, true)));
        }
    }
    Ok(None)
}

/// Shrinks seeds that violate a property, one after the other, until one gives a short story; returns the shortest.
/// `None` if a signal has come.
///
/// # Errors
/// If the seeds do not fail again, or their traces do not replay.
pub fn hunted(
    component: &Component,
    options: &Options,
    seeds: &[u64],
    name: &str,
    search: Search,
) -> anyhow::Result<Option<Story>> {
    let prepared = component.prepare(options)?;
    let mut best: Option<Story> = None;
    for seed in seeds.iter().take(search.seeds) {
        if best.as_ref().is_some_and(|best| best.items <= seedbed_sim::shrink::SHORT) {
            break;
        }
        let mut keep_going = |progress: &seedbed_sim::shrink::Progress| !interrupted() && progress.runs < search.runs;
        let shrunk = prepared.hunt(*seed, &mut keep_going)?;
        if interrupted() {
            return Ok(None);
        }
        let shrunk = shrunk.with_context(|| format!("{name}: seed {seed} failed, and now it does not"))?;
        let replay = verify(component, &shrunk.text).with_context(|| format!("{name}: seed {seed}"))?;
        let story = story_of(name.into(), &shrunk.text, &replay, false);
        if best.as_ref().is_none_or(|best| story.items < best.items) {
            best = Some(story);
        }
    }
    Ok(best)
}

/// Replays a trace, and checks that the result is exactly as recorded.
///
/// # Errors
/// If the result differs.
pub fn verify(component: &Component, text: &str) -> anyhow::Result<Replay> {
    let replay = component.replay(text, 0)?;
    let replays = matches!(replay.replayed, Replayed::Exact | Replayed::Same);
    ensure!(replays, "the trace does not replay: it comes out differently");
    ensure!(replay.recorded.is_some(), "the trace violates nothing");
    ensure!(replay.run.violation == replay.recorded, "the trace replays to another violation than it records");
    ensure!(replay.run.fingerprint == replay.recorded_fingerprint, "the trace replays with another fingerprint");
    Ok(replay)
}

fn story_of(name: String, text: &str, replay: &Replay, kept: bool) -> Story {
    let property = replay.recorded.as_ref().map(|violation| violation.property.clone()).unwrap_or_default();
    Story { name, text: text.into(), property, items: replay.sizes.items(), kept }
}
