//! A story: a case with every choice explicit.

use crate::choice::{Deviation, Source};
use crate::model::{Model, Op};
use crate::network::Latency;
use crate::property::Maker;
use crate::run::{Finished, FinishedOf, Record, run_valid};
use crate::scenario::CaseOf;
use crate::time::Span;
use crate::trace::{Sizes, TraceOf};

/// A case of a model with every choice explicit.
pub type Story<M> = StoryOf<M, Op<M>>;

/// A [`Story`] by the types of its configuration and of its operations.
#[derive(Clone, Debug)]
pub struct StoryOf<C, O> {
    /// Scenario, operations, faults.
    pub case: CaseOf<C, O>,
    /// The choices that are not the default; all others are.
    pub deviations: Vec<Deviation>,
}

impl<C: Clone, O: Clone> StoryOf<C, O> {
    /// The story of a trace.
    pub fn of(trace: &TraceOf<C, O>) -> Self {
        StoryOf { case: trace.case(), deviations: trace.deviations.clone() }
    }

    /// The story of a recorded run. It needs no seed: choices are recorded, roles resolved, and noise is explicit.
    pub fn recorded<H>(case: &CaseOf<C, O>, outcome: &FinishedOf<H>) -> Self {
        let mut case = case.clone();
        case.faults = outcome.struck.iter().map(|(_, fault)| fault.clone().into()).collect();
        // The parts of a scenario that only the generator needs.
        let scenario = &mut case.scenario;
        scenario.budget = None;
        scenario.network.loss_ppm = 0;
        scenario.network.dup_ppm = 0;
        scenario.network.latency = Latency::Constant { base: scenario.network.latency.base() };
        scenario.disk.sync_jitter = Span::ZERO;
        scenario.disk.lost_ppm = 0;
        scenario.disk.torn_ppm = 0;
        scenario.timer_jitter = Span::ZERO;
        StoryOf { case, deviations: outcome.recorded.clone() }
    }
}

impl<C, O> StoryOf<C, O> {
    /// Its numbers of operations, faults, deviations and nodes.
    pub fn sizes(&self) -> Sizes {
        Sizes::of(&self.case, &self.deviations)
    }
}

impl<M: Model> StoryOf<M, Op<M>> {
    /// Runs the story.
    pub fn run(&self, properties: &[Maker<M>], record: Record) -> Finished<M> {
        run_valid(&self.case, &Source::Fixed(self.deviations.clone()), properties, record)
    }
}
