//! Shrinking: delta debugging over the lists of a failing case, then coarsening, then rounding, while the same
//! property still fails. (Zeller & Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, TSE 2002.)

mod coarsen;
mod reduce;
mod retell;
mod round;
mod shake;

pub use retell::SHORT;

use std::fmt;

use crate::choice::Deviation;
use crate::choice::Source;
use crate::fault::{Target, What};
use crate::model::Model;
use crate::network::Latency;
use crate::property::{Maker, Violation};
use crate::run::{Finished, Record, run_valid};
use crate::scenario::Case;
use crate::sweep::Campaign;
use crate::time::{Span, Time};
use crate::trace::{Origin, Sizes, Trace};

/// A case with everything about it explicit.
#[derive(Debug)]
pub struct Story<M: Model> {
    /// Scenario, operations, faults.
    pub case: Case<M>,
    /// The choices that are not the default.
    pub deviations: Vec<Deviation>,
}

impl<M: Model> Clone for Story<M> {
    fn clone(&self) -> Self {
        Story { case: self.case.clone(), deviations: self.deviations.clone() }
    }
}

impl<M: Model> Story<M> {
    /// The story of a trace.
    pub fn of(trace: &Trace<M>) -> Self {
        Story { case: trace.case(), deviations: trace.deviations.clone() }
    }

    /// The story of a recorded run, which needs no seed: choices recorded, roles resolved, noise made explicit.
    pub fn recorded(case: &Case<M>, outcome: &Finished<M>) -> Self {
        let mut case = case.clone();
        case.faults = outcome.struck.iter().map(|(_, fault)| fault.clone()).collect();
        // What the generator needed and a replay does not.
        let scenario = &mut case.scenario;
        scenario.budget = None;
        scenario.network.loss_ppm = 0;
        scenario.network.dup_ppm = 0;
        scenario.network.latency = Latency::Constant { base: scenario.network.latency.base() };
        scenario.disk.sync_jitter = Span::ZERO;
        scenario.disk.lost_ppm = 0;
        scenario.disk.torn_ppm = 0;
        scenario.timer_jitter = Span::ZERO;
        Story { case, deviations: outcome.recorded.clone() }
    }

    /// How long it is.
    pub fn sizes(&self) -> Sizes {
        Sizes::of(&self.case, &self.deviations)
    }

    /// Runs it.
    pub fn run(&self, properties: &[Maker<M>], record: Record) -> Finished<M> {
        run_valid(&self.case, &Source::Fixed(self.deviations.clone()), properties, record)
    }
}

/// Runs a case and records it as a story. `None` if nothing is violated.
pub fn record<M: Model>(case: &Case<M>, source: &Source, properties: &[Maker<M>]) -> Option<(Story<M>, Violation)> {
    let outcome = run_valid(case, source, properties, Record::Yes);
    let violation = outcome.violation.clone()?;
    Some((Story::recorded(case, &outcome), violation))
}

/// How far shrinking has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Worlds run so far.
    pub runs: usize,
    /// The size at the beginning.
    pub before: Sizes,
    /// The size now.
    pub now: Sizes,
}

/// A shrunk story.
#[derive(Clone, Debug)]
pub struct Shrunk<M: Model> {
    /// The smallest story found.
    pub story: Story<M>,
    /// What it violates: the same property as before.
    pub violation: Violation,
    /// The fingerprint up to there.
    pub fingerprint: u64,
    /// The size at the beginning.
    pub before: Sizes,
    /// Worlds run.
    pub runs: usize,
    /// Whether the story is not a part of the first one but was found again in a smaller world.
    pub retold: bool,
}

/// What people are told of a story that was retold.
pub const RETOLD: &str =
    "retold: the same property, violated in a smaller world than the seed's; its configuration may be another variant";

impl<M: Model> Shrunk<M> {
    /// The trace to keep.
    pub fn trace(&self, seed: Option<u64>) -> Trace<M> {
        let origin = Origin {
            seed,
            seedbed: env!("CARGO_PKG_VERSION").into(),
            shrunk_from: Some(self.before),
            retold: self.retold,
            note: String::new(),
        };
        let Story { case, deviations } = self.story.clone();
        Trace::new(case, deviations, Some(self.violation.clone()), self.fingerprint, origin)
    }
}

/// A story that does not fail when it is run: there is nothing to shrink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoesNotFail;

impl fmt::Display for DoesNotFail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the trace violates nothing when it is replayed, so there is nothing to shrink")
    }
}

impl std::error::Error for DoesNotFail {}

/// Records a failing run of a case, shrinks it, and if it stays long, tells it anew in a smaller world. `None` if the
/// run violates nothing.
///
/// # Errors
/// If the recording does not fail: then the run does not depend on its case and choices alone.
pub fn tell<M: Model>(
    case: &Case<M>,
    source: &Source,
    campaign: &Campaign<M>,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Option<Shrunk<M>>, DoesNotFail> {
    let properties = &campaign.suite.properties;
    let Some((story, _)) = record(case, source, properties) else {
        return Ok(None);
    };
    let shrunk = shrink(story, properties, keep_going)?;
    let told = retell::retell(shrunk, campaign, keep_going);
    Ok(Some(shake::shake(told, properties, keep_going)))
}

/// How many worlds a shrink runs at most, where nobody says otherwise.
pub const DEFAULT_RUNS: usize = 40_000;

/// Shrinks a failing story. `keep_going` is asked before each run; when it says no, the smallest story so far is the
/// result.
///
/// # Errors
/// If the story does not fail.
pub fn shrink<M: Model>(
    story: Story<M>,
    properties: &[Maker<M>],
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Shrunk<M>, DoesNotFail> {
    let outcome = story.run(properties, Record::No);
    let Some(violation) = outcome.violation.clone() else {
        return Err(DoesNotFail);
    };
    let (before, fingerprint) = (story.sizes(), outcome.fingerprint);
    let story = used(story, &outcome.used, violation.at);
    let best = Shrunk { story, violation, fingerprint, before, runs: 1, retold: false };
    let mut shrinker = Shrinker { properties, best, stopped: false, keep_going };
    shrinker.shrink();
    Ok(shrinker.best)
}

struct Shrinker<'a, M: Model> {
    properties: &'a [Maker<M>],
    /// The shortest story so far. Another may take its place if it violates the same property, whatever else of the
    /// violation differs.
    best: Shrunk<M>,
    stopped: bool,
    keep_going: &'a mut dyn FnMut(&Progress) -> bool,
}

impl<M: Model> Shrinker<'_, M> {
    fn shrink(&mut self) {
        // Each round can make room for the next: a coarser story may lose more items.
        for _ in 0..4 {
            let size = self.best.story.sizes();
            self.reduce();
            self.coarsen();
            if self.stopped || self.best.story.sizes() == size {
                break;
            }
        }
        self.round();
        self.reduce();
    }

    /// Runs a candidate; it becomes the best story if the same property fails.
    fn attempt(&mut self, candidate: Story<M>) -> bool {
        let best = &mut self.best;
        let progress = Progress { runs: best.runs, before: best.before, now: best.story.sizes() };
        if self.stopped || !(self.keep_going)(&progress) {
            self.stopped = true;
            return false;
        }
        if candidate.case.validate().is_err() {
            return false;
        }
        best.runs += 1;
        let outcome = candidate.run(self.properties, Record::No);
        let Some(violation) = outcome.violation.filter(|violation| violation.property == best.violation.property)
        else {
            return false;
        };
        best.story = used(candidate, &outcome.used, violation.at);
        best.fingerprint = outcome.fingerprint;
        best.violation = violation;
        true
    }
}

/// What a story used until its violation: no choices that nobody asked for, and nothing that lies after it.
fn used<M: Model>(mut story: Story<M>, asked_for: &[bool], violated: Time) -> Story<M> {
    let mut asked_for = asked_for.iter();
    story.deviations.retain(|_| *asked_for.next().expect("one flag a deviation"));
    story.case.operations.retain(|operation| operation.at <= violated);
    story.case.faults.retain(|fault| fault.at <= violated);
    story
}

/// The story without a node: its operations, faults and choices go with it. `None` if it is the last.
fn without_node<M: Model>(story: &Story<M>, node: crate::NodeId) -> Option<Story<M>> {
    let mut story = story.clone();
    let case = &mut story.case;
    case.scenario.nodes.retain(|other| *other != node);
    case.scenario.service.remove(&node);
    if case.scenario.nodes.is_empty() {
        return None;
    }
    case.operations.retain(|operation| operation.client != node);
    case.faults.retain_mut(|fault| match &mut fault.what {
        What::Cut { from, to, .. } | What::Delay { from, to, .. } => {
            from.retain(|other| *other != node);
            to.retain(|other| *other != node);
            !from.is_empty() && !to.is_empty()
        }
        What::Partition { side, .. } => {
            side.retain(|other| *other != node);
            !side.is_empty()
        }
        what => what.target() != Some(&Target::Node(node)),
    });
    story.deviations.retain(|deviation| !deviation.nodes().contains(&node));
    Some(story)
}
