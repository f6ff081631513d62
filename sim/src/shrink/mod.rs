//! Shrinking: delta debugging over the lists of a failing case, then coarsening, then rounding, while the same
//! property still fails. (Zeller & Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, TSE 2002.)

mod coarsen;
mod reduce;
mod retell;
mod round;
mod shake;
mod siblings;

pub use crate::story::{Story, StoryOf};
pub use retell::SHORT;

use std::fmt;

use crate::choice::Source;
use crate::fault::{Target, What};
use crate::model::{Model, Op};
use crate::process::NodeId;
use crate::property::{Maker, Violation};
use crate::run::Record;
use crate::scenario::Case;
use crate::sweep::{AnyCampaign, Campaign};
use crate::system::{AnyCase, AnyConfig, AnyOp, AnyStory, Checked, Runner, System};
use crate::time::Time;
use crate::trace::{Origin, Sizes, Trace, TraceOf};

/// Runs a case and records it as a story. `None` if nothing is violated.
pub fn record<M: Model>(case: &Case<M>, source: &Source, properties: &[Maker<M>]) -> Option<(Story<M>, Violation)> {
    let (story, violation) = record_by(&Checked(properties), &case.erased(), source)?;
    Some((story.of_model(), violation))
}

pub(crate) fn record_by(runner: &dyn Runner, case: &AnyCase, source: &Source) -> Option<(AnyStory, Violation)> {
    let outcome = runner.run(case, source, Record::Yes);
    let violation = outcome.violation.clone()?;
    Some((StoryOf::recorded(case, &outcome), violation))
}

/// The progress of shrinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Worlds run so far.
    pub runs: usize,
    /// The size before shrinking.
    pub before: Sizes,
    /// The size of the smallest story so far.
    pub now: Sizes,
}

/// A shrunk story of a model.
pub type Shrunk<M> = ShrunkOf<M, Op<M>>;

/// A shrunk story, its types erased.
pub type AnyShrunk = ShrunkOf<AnyConfig, AnyOp>;

/// [`Shrunk`] by the types of its configuration and of its operations.
#[derive(Clone, Debug)]
pub struct ShrunkOf<C, O> {
    /// The smallest story found.
    pub story: StoryOf<C, O>,
    /// Of the same property as before.
    pub violation: Violation,
    /// Of the run up to the violation.
    pub fingerprint: u64,
    /// The size before shrinking.
    pub before: Sizes,
    /// Worlds run.
    pub runs: usize,
    /// Whether the story was found in another world, of another seed or a smaller one, and is not a part of the first.
    pub retold: bool,
}

/// Printed with a story that was retold.
pub const RETOLD: &str =
    "retold: the same property, violated in another world than the seed's; its configuration may be another variant";

impl<M: Model> ShrunkOf<M, Op<M>> {
    /// The trace of the story, from this seed.
    pub fn trace(&self, seed: Option<u64>) -> Trace<M> {
        self.trace_of(M::INFO.name, seed)
    }
}

impl AnyShrunk {
    /// The same, as a shrunk story of this model.
    ///
    /// # Panics
    /// If it is one of another model.
    pub fn of_model<M: Model>(self) -> Shrunk<M> {
        ShrunkOf {
            story: self.story.of_model(),
            violation: self.violation,
            fingerprint: self.fingerprint,
            before: self.before,
            runs: self.runs,
            retold: self.retold,
        }
    }
}

impl<C: Clone, O: Clone> ShrunkOf<C, O> {
    /// The trace of the story, of the model of this name.
    pub fn trace_of(&self, model: &str, seed: Option<u64>) -> TraceOf<C, O> {
        let origin = Origin {
            seed,
            seedbed: env!("CARGO_PKG_VERSION").into(),
            shrunk_from: Some(self.before),
            retold: self.retold,
            note: String::new(),
        };
        let StoryOf { case, deviations } = self.story.clone();
        TraceOf::of(model, case, deviations, Some(self.violation.clone()), self.fingerprint, origin)
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

/// Records a failing run of a case, shrinks it, and if it stays long, looks for a shorter story in smaller worlds.
/// `None` if the run violates nothing.
///
/// # Errors
/// If the recording does not fail: the run depends on something besides its case and choices.
pub fn record_and_shrink<M: Model>(
    case: &Case<M>,
    source: &Source,
    campaign: &Campaign<M>,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Option<Shrunk<M>>, DoesNotFail> {
    let shrunk = record_and_shrink_any(&case.erased(), source, &campaign.erased(), keep_going)?;
    Ok(shrunk.map(AnyShrunk::of_model))
}

/// [`record_and_shrink`], its types erased.
///
/// # Errors
/// If the recording does not fail: the run depends on something besides its case and choices.
pub fn record_and_shrink_any(
    case: &AnyCase,
    source: &Source,
    campaign: &AnyCampaign,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Option<AnyShrunk>, DoesNotFail> {
    let runner = campaign.system.0.as_runner();
    let Some((story, _)) = record_by(runner, case, source) else {
        return Ok(None);
    };
    shrink_and_search(story, source.seed(), campaign, keep_going).map(Some)
}

/// Shrinks a failing story of a campaign. If it stays long, looks for a shorter one: in the worlds of the seeds behind its own,
/// if that is known, and in smaller worlds; then by leaving out and moving items at once.
///
/// # Errors
/// If the story does not fail.
pub fn shrink_and_search(
    story: AnyStory,
    seed: Option<u64>,
    campaign: &AnyCampaign,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Result<AnyShrunk, DoesNotFail> {
    let runner = campaign.system.0.as_runner();
    let best = match seed {
        Some(seed) => siblings::shrink_shortest(story, seed, campaign, keep_going)?,
        None => shrink_by(story, runner, keep_going)?,
    };
    let retold = retell::retell(best, campaign, keep_going);
    Ok(shake::shake(retold, runner, keep_going))
}

/// The default limit on the worlds that a shrink runs.
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
    Ok(shrink_by(story.erased(), &Checked(properties), keep_going)?.of_model())
}

/// [`shrink`], its types erased.
///
/// # Errors
/// If the story does not fail.
pub fn shrink_any(
    story: AnyStory,
    system: &System,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Result<AnyShrunk, DoesNotFail> {
    shrink_by(story, system.0.as_runner(), keep_going)
}

pub(crate) fn shrink_by(
    story: AnyStory,
    runner: &dyn Runner,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Result<AnyShrunk, DoesNotFail> {
    let outcome = runner.replay(&story, Record::No);
    let Some(violation) = outcome.violation.clone() else {
        return Err(DoesNotFail);
    };
    let (before, fingerprint) = (story.sizes(), outcome.fingerprint);
    let story = used(story, &outcome.used, violation.at);
    let best = ShrunkOf { story, violation, fingerprint, before, runs: 1, retold: false };
    let mut shrinker = Shrinker { runner, best, stopped: false, keep_going };
    shrinker.shrink();
    Ok(shrinker.best)
}

struct Shrinker<'a> {
    runner: &'a dyn Runner,
    /// The shortest story so far. Another may take its place if it violates the same property, whatever else of the
    /// violation differs.
    best: AnyShrunk,
    stopped: bool,
    keep_going: &'a mut dyn FnMut(&Progress) -> bool,
}

impl Shrinker<'_> {
    fn shrink(&mut self) {
        // Coarsening may allow more items to be left out, so both alternate.
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

    /// Runs a candidate, which replaces the best story if the same property fails.
    fn attempt(&mut self, candidate: AnyStory) -> bool {
        let best = &mut self.best;
        let progress = Progress { runs: best.runs, before: best.before, now: best.story.sizes() };
        if self.stopped || !(self.keep_going)(&progress) {
            self.stopped = true;
            return false;
        }
        if self.runner.validate(&candidate.case).is_err() {
            return false;
        }
        best.runs += 1;
        let outcome = self.runner.replay(&candidate, Record::No);
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

/// Removes the choices that the run did not ask for, and everything after the violation.
fn used(mut story: AnyStory, asked_for: &[bool], violated: Time) -> AnyStory {
    let mut asked_for = asked_for.iter();
    story.deviations.retain(|_| *asked_for.next().expect("one flag a deviation"));
    story.case.operations.retain(|operation| operation.at <= violated);
    story.case.faults.retain(|fault| fault.at <= violated);
    story
}

/// The story without a node: its operations, faults and choices go with it. `None` if it is the last.
fn without_node(story: &AnyStory, node: NodeId) -> Option<AnyStory> {
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
        What::Partition { side: nodes, .. } | What::PowerLoss { nodes } => {
            nodes.retain(|other| *other != node);
            !nodes.is_empty()
        }
        what => what.target() != Some(&Target::Node(node)),
    });
    story.deviations.retain(|deviation| !deviation.nodes().contains(&node));
    Some(story)
}
