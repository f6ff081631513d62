//! Replaying a trace: does it still fail, exactly or after a nudge?

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::choice::Deviation;
use crate::model::Model;
use crate::property::Maker;
use crate::run::Record;
use crate::system::{AnyFinished, AnyStory, AnyTrace, Checked, Runner, System};
use crate::time::{Span, Time};
use crate::trace::Trace;

/// The outcome of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The run is the recorded one, event by event: its fingerprint is the recorded one, and it violates the same property, or
    /// nothing as before.
    Exact,
    /// The unchanged trace violates the same property, or nothing as before, in a run with another fingerprint.
    Same,
    /// The same property fails after times were moved by up to five per cent.
    Nudged {
        /// The number of nudged replays.
        tries: usize,
    },
    /// The property holds now.
    Lost,
    /// The run has no verdict ([`crate::Undecided`]): nothing is known.
    Unknown,
}

/// A replay of a trace of some model.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Whether it still fails.
    pub replayed: Replayed,
    /// The run that fails; of the unchanged trace, if none does.
    pub outcome: AnyFinished,
    /// The story of that run, nudged or not.
    pub story: AnyStory,
}

impl Replay {
    /// The number of choices that the trace fixes.
    pub fn choices(&self) -> usize {
        self.outcome.used.len()
    }

    /// How many of them the run did not ask for.
    pub fn unused(&self) -> usize {
        self.outcome.used.iter().filter(|used| !**used).count()
    }
}

/// How many nudged replays are tried before a trace counts as lost.
pub const NUDGES: usize = 100;

/// Replays a trace; if its property no longer fails, and the run has a verdict, tries up to `nudges` times with times moved within five per cent.
pub fn replay<M: Model>(trace: &Trace<M>, properties: &[Maker<M>], record: Record, nudges: usize) -> Replay {
    replay_by(&trace.erased(), &Checked(properties), record, nudges)
}

/// [`replay`], its types erased.
pub fn replay_any(trace: &AnyTrace, system: &System, record: Record, nudges: usize) -> Replay {
    replay_by(trace, system.0.as_runner(), record, nudges)
}

fn replay_by(trace: &AnyTrace, runner: &dyn Runner, record: Record, nudges: usize) -> Replay {
    let story = AnyStory::of(trace);
    let outcome = runner.replay(&story, record);
    if outcome.undecided.is_some() {
        return Replay { replayed: Replayed::Unknown, outcome, story };
    }
    if fails_as(trace, &outcome) {
        let exact = outcome.fingerprint == trace.fingerprint.0;
        return Replay { replayed: if exact { Replayed::Exact } else { Replayed::Same }, outcome, story };
    }
    for attempt in 0..nudges {
        let nudged = nudge(&story, attempt as u64);
        if runner.validate(&nudged.case).is_err() {
            continue;
        }
        let tried = runner.replay(&nudged, record);
        if tried.undecided.is_none() && fails_as(trace, &tried) {
            return Replay { replayed: Replayed::Nudged { tries: attempt + 1 }, outcome: tried, story: nudged };
        }
    }
    Replay { replayed: Replayed::Lost, outcome, story }
}

/// Whether the run violates the property that the trace violates.
fn fails_as(trace: &AnyTrace, outcome: &AnyFinished) -> bool {
    let property =
        |violation: &Option<crate::Violation>| violation.as_ref().map(|violation| violation.property.clone());
    property(&trace.violation) == property(&outcome.violation)
}

/// The story with its times moved: early attempts stretch it as a whole, later ones move each time separately.
fn nudge(story: &AnyStory, attempt: u64) -> AnyStory {
    const RANGE_PPM: u64 = 50_000;
    let mut words = ChaCha8Rng::seed_from_u64(attempt);
    let mut factor_ppm = move || 1_000_000 - RANGE_PPM + words.next_u64() % (2 * RANGE_PPM + 1);
    let whole = attempt.is_multiple_of(2).then(&mut factor_ppm);
    let mut scale =
        |nanos: u64| (u128::from(nanos) * u128::from(whole.unwrap_or_else(&mut factor_ppm)) / 1_000_000) as u64;
    let mut story = story.clone();
    for operation in &mut story.case.operations {
        operation.at = Time(scale(operation.at.0));
    }
    for fault in &mut story.case.faults {
        fault.at = Time(scale(fault.at.0));
        fault.lasts = fault.lasts.map(|lasts| Span(scale(lasts.0)));
    }
    for deviation in &mut story.deviations {
        if let Deviation::Send { latency: Some(latency), .. } = deviation {
            *latency = Span(scale(latency.0));
        }
        if let Deviation::Draw { billionths, .. } = deviation {
            *billionths = (scale(u64::from(*billionths)) as u32).min(999_999_999);
        }
    }
    // The world must not heal before the end of the story.
    story.case.scenario.phases.chaos = story.case.scenario.phases.chaos + Span(story.case.scenario.phases.chaos.0 / 20);
    story
}
