//! What one seed comes to.

use crate::choice::Source;
use crate::fault::FaultClass;
use crate::model::Model;
use crate::property::{Maker, Violation};
use crate::run::{Finished, FinishedOf, Record, run_valid};
use crate::scenario::Case;

/// What one seed came to.
#[derive(Clone, Debug)]
pub struct SeedResult {
    /// The seed.
    pub seed: u64,
    /// What it violates, if anything.
    pub violation: Option<Violation>,
    /// The fingerprint of the run.
    pub fingerprint: u64,
    /// Events handled.
    pub events: u64,
    /// How often faults of each class had an effect.
    pub faults: [u64; FaultClass::ALL.len()],
    /// How often each mark was made.
    pub marks: Vec<(&'static str, u64)>,
    /// The first event at which a second run differed, if this seed was run twice and did.
    pub diverged: Option<Divergence>,
}

impl SeedResult {
    /// What a run came to, without what is too large to be kept of many.
    pub(crate) fn of<H>(seed: u64, outcome: FinishedOf<H>) -> Self {
        SeedResult {
            seed,
            violation: outcome.violation,
            fingerprint: outcome.fingerprint,
            events: outcome.stats.events,
            faults: outcome.stats.faults,
            marks: outcome.marks,
            diverged: None,
        }
    }
}

/// Two runs of one case that were not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// After how many events the fingerprints differed first.
    pub event: u64,
}

/// Runs a case; twice, if asked to, to see whether both runs are the same.
pub(crate) fn run_seed<M: Model>(
    case: &Case<M>,
    source: &Source,
    properties: &[Maker<M>],
    seed: u64,
    twice: bool,
) -> SeedResult {
    let outcome = run_valid(case, source, properties, Record::No);
    let diverged = if twice { diverges(case, source, properties, &outcome) } else { None };
    SeedResult { diverged, ..SeedResult::of(seed, outcome) }
}

/// Runs a case again and, if it came out differently, steps two worlds side by side to the first difference.
fn diverges<M: Model>(
    case: &Case<M>,
    source: &Source,
    properties: &[Maker<M>],
    first: &Finished<M>,
) -> Option<Divergence> {
    let second = run_valid(case, source, properties, Record::No);
    if second.fingerprint == first.fingerprint && second.violation == first.violation && second.history == first.history
    {
        return None;
    }
    let mut a = crate::World::begin(case, source, false);
    let mut b = crate::World::begin(case, source, false);
    loop {
        let (more_a, more_b) = (a.step(), b.step());
        if a.fingerprint() != b.fingerprint() || more_a != more_b || !more_a {
            return Some(Divergence { event: a.stats().events });
        }
    }
}
