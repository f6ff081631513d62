//! The result of one seed.

use crate::choice::Source;
use crate::fault::FaultClass;
use crate::model::Model;
use crate::property::{Maker, Violation};
use crate::run::{Finished, FinishedOf, Record, run_valid};
use crate::scenario::Case;
use crate::undecided::Undecided;

/// The result of one seed.
#[derive(Clone, Debug)]
pub struct SeedResult {
    /// The seed.
    pub seed: u64,
    /// The first violation, if any.
    pub violation: Option<Violation>,
    /// Why the run has no verdict, if it has none.
    pub undecided: Option<Undecided>,
    /// The fingerprint of the run.
    pub fingerprint: u64,
    /// Events handled.
    pub events: u64,
    /// How often faults of each class had an effect.
    pub faults: [u64; FaultClass::ALL.len()],
    /// How often each mark was made.
    pub marks: Vec<(&'static str, u64)>,
    /// The first difference of a second run, if this seed was run twice and differed.
    pub diverged: Option<Divergence>,
}

impl SeedResult {
    /// The result of a run, without the parts that are too large to be kept for many seeds.
    pub(crate) fn of<H>(seed: u64, outcome: FinishedOf<H>) -> Self {
        SeedResult {
            seed,
            violation: outcome.violation,
            undecided: outcome.undecided,
            fingerprint: outcome.fingerprint,
            events: outcome.stats.events,
            faults: outcome.stats.faults,
            marks: outcome.marks,
            diverged: None,
        }
    }
}

/// Two runs of one case that differed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The number of events after which the fingerprints differed first.
    pub event: u64,
}

/// Runs a case; twice if `twice`, to compare both runs.
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
