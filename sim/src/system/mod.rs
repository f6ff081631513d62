//! A system under test with its types erased: a model with its properties, whatever its messages and states are.
//!
//! Shrinking, strategies, sweeps, replays and the tool work on this, and are compiled once. Generic over a model are
//! only the world, code that handles messages and states, and the short functions of this folder.

mod config;
mod typed;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

use crate::choice::Source;
use crate::fault::FaultClass;
use crate::model::{Info, Model, Setting};
use crate::phases::Phases;
use crate::process::NodeId;
use crate::property::Violation;
use crate::run::Record;
use crate::scenario::{Impossible, Scenario};
use crate::seed::SeedResult;
use crate::strategy::guided::coverage::Observer;
use crate::suite::{Boundary, Observation, Suite};
use crate::swarm::{Rules, Swarm};
use crate::time::Time;
use crate::timeline::Entry;
use crate::trace::TraceError;

pub use config::{AnyCase, AnyConfig, AnyFinished, AnyOp, AnyStory, AnyTrace};
pub(crate) use typed::Checked;

/// Runs the cases of a model against some properties.
pub(crate) trait Runner {
    fn info(&self) -> Info;

    /// Runs a case that was validated.
    fn run(&self, case: &AnyCase, source: &Source, record: Record) -> AnyFinished;
}

impl dyn Runner + '_ {
    /// Checks that a world can run the case.
    ///
    /// # Errors
    /// The first impossible thing, with its place.
    pub(crate) fn validate(&self, case: &AnyCase) -> Result<(), Impossible> {
        let config = &case.scenario.config;
        let is_client = |node| config.is_client(node);
        case.validate_as(&self.info(), config.size_of_world(), &is_client, &|op| config.validate_op(op))
    }

    /// Runs a story.
    pub(crate) fn replay(&self, story: &AnyStory, record: Record) -> AnyFinished {
        self.run(&story.case, &Source::Fixed(story.deviations.clone()), record)
    }
}

/// The methods of a suite, with its types erased.
pub(crate) trait Erased: Runner + Send + Sync {
    fn type_name(&self) -> &'static str;
    fn config(&self) -> AnyConfig;
    /// The same properties, of the model in another configuration.
    fn configured(&self, config: &AnyConfig) -> Arc<dyn Erased>;
    fn bug(&self) -> Option<&'static str>;
    /// The same with another planted bug, or none.
    fn planting(&self, bug: Option<&'static str>) -> Arc<dyn Erased>;
    /// The same with this bound on the events of its worlds.
    fn bounded(&self, most_events: NonZeroU64) -> Arc<dyn Erased>;
    /// See [`Suite::at_boundary`].
    fn at_boundary(&self, name: &str) -> Option<(Arc<dyn Erased>, Swarm)>;
    /// See [`Suite::judging`].
    fn judging(&self, property: &str) -> Arc<dyn Erased>;
    fn properties(&self) -> Vec<String>;
    fn sometimes(&self) -> Vec<&'static str>;
    fn boundaries(&self) -> Vec<Boundary<AnyConfig>>;
    fn settings(&self) -> &'static [Setting];
    fn message_kinds(&self) -> Vec<String>;
    fn classes(&self, swarm: &Swarm) -> BTreeSet<FaultClass>;
    fn observe(&self, seeds: Range<u64>, until_all: bool) -> Option<Observation>;
    fn parse(&self, text: &str) -> Result<AnyTrace, TraceError>;
    /// Reads a configuration in the form of a trace.
    fn read_config(&self, json: serde_json::Value) -> Result<AnyConfig, String>;
    /// The cases that a swarm draws of a configuration.
    fn worlds<'a>(&'a self, swarm: &Swarm, config: &AnyConfig) -> Box<dyn Worlds + 'a>;
    /// Like [`Runner::run`], with a coverage observer.
    fn watch(&self, case: &AnyCase, source: &Source, record: Record, observer: &Observer) -> AnyFinished;
    fn all_violations(&self, case: &AnyCase, source: &Source) -> Result<Vec<Violation>, Impossible>;
    fn step(&self, trace: &AnyTrace, each: &mut dyn FnMut(&dyn AnyWorld) -> bool) -> Result<(), Impossible>;
    fn as_runner(&self) -> &dyn Runner;
}

/// The cases of a system under a swarm, for one thread.
pub(crate) trait Worlds {
    fn case(&self, seed: u64) -> AnyCase;
    /// The case of a seed and its outcome.
    fn run(&self, seed: u64, record: Record) -> Result<(AnyCase, AnyFinished), Impossible>;
    /// The result of a seed; run twice if `twice`, to compare both runs.
    fn run_seed(&self, seed: u64, twice: bool) -> SeedResult;
    /// The rules for cases of this configuration.
    fn rules(&self, config: &AnyConfig) -> Rules;
    /// The common part of all scenarios.
    fn common(&self) -> Scenario<AnyConfig>;
    /// The same with other phases.
    fn with_phases<'a>(self: Box<Self>, change: &dyn Fn(&mut Phases)) -> Box<dyn Worlds + 'a>
    where
        Self: 'a;
    /// The same with only these nodes healing ([`Scenario::core`]).
    fn with_core<'a>(self: Box<Self>, core: &Option<Vec<NodeId>>) -> Box<dyn Worlds + 'a>
    where
        Self: 'a;
}

/// A world between two events, with its types erased.
pub trait AnyWorld {
    /// The time of the last event.
    fn now(&self) -> Time;

    /// The number of events so far.
    fn events(&self) -> u64;

    /// The timeline so far; empty unless the world records.
    fn timeline(&self) -> &[Entry];

    /// The nodes whose states the last event may have changed.
    fn changed(&self) -> &[NodeId];

    /// The state of a node, to be printed by `Debug`; `None` if it is down.
    fn state(&self, node: NodeId) -> Option<&dyn Debug>;

    /// A stable hash of the state of a node.
    fn state_hash(&self, node: NodeId) -> u64;

    /// See [`crate::Model::role`].
    fn role(&self, node: NodeId) -> Option<&'static str>;

    /// The node's own clock, with its skew.
    fn clock(&self, node: NodeId) -> Time;
}

/// A model in its usual configuration, with its properties.
#[derive(Clone)]
pub struct System(pub(crate) Arc<dyn Erased>);

impl System {
    /// A suite with its types erased.
    pub fn new<M: Model>(suite: Suite<M>) -> Self {
        System(Arc::new(suite))
    }

    /// The description of the model.
    pub fn info(&self) -> Info {
        self.0.info()
    }

    /// The path of the model's type, which names the module of its sources.
    pub fn type_name(&self) -> &'static str {
        self.0.type_name()
    }

    /// The usual configuration.
    pub fn config(&self) -> AnyConfig {
        self.0.config()
    }

    /// The same in another configuration.
    ///
    /// # Panics
    /// If it is one of another model.
    pub fn configured(&self, config: &AnyConfig) -> Self {
        System(self.0.configured(config))
    }

    /// The bug that is planted in every world, if any.
    pub fn bug(&self) -> Option<&'static str> {
        self.0.bug()
    }

    /// The same with another planted bug, or none.
    pub fn planting(&self, bug: Option<&'static str>) -> Self {
        System(self.0.planting(bug))
    }

    /// The same with this bound on the events of its worlds ([`Scenario::most_events`]).
    pub fn bounded(&self, most_events: NonZeroU64) -> Self {
        System(self.0.bounded(most_events))
    }

    /// The same at one of its boundaries, and the faults there; `None` if there is none of this name.
    pub fn at_boundary(&self, name: &str) -> Option<(Self, Swarm)> {
        let (system, swarm) = self.0.at_boundary(name)?;
        Some((System(system), swarm))
    }

    /// See [`Suite::judging`].
    pub fn judging(&self, property: &str) -> Self {
        System(self.0.judging(property))
    }

    /// The names of the properties.
    pub fn properties(&self) -> Vec<String> {
        self.0.properties()
    }

    /// The marks that sweeps demand.
    pub fn sometimes(&self) -> Vec<&'static str> {
        self.0.sometimes()
    }

    /// Known violations outside the tolerance.
    pub fn boundaries(&self) -> Vec<Boundary<AnyConfig>> {
        self.0.boundaries()
    }

    /// The parts of the configuration that can be set by name.
    pub fn settings(&self) -> &'static [Setting] {
        self.0.settings()
    }

    /// The outcomes of the suite's worlds ([`Suite::observation`]); with `until_all`, of only as many seeds as it takes
    /// to see all. `None` if the suite declares no outcomes for its configuration.
    pub fn observe(&self, seeds: Range<u64>, until_all: bool) -> Option<Observation> {
        self.0.observe(seeds, until_all)
    }

    /// Reads a trace and checks that a world can run it.
    ///
    /// # Errors
    /// If the text is no trace of this model, or one that no world can run; the error names the place.
    pub fn parse(&self, text: &str) -> Result<AnyTrace, TraceError> {
        let trace = self.0.parse(text)?;
        self.0.as_runner().validate(&trace.case())?;
        Ok(trace)
    }

    /// Reads a configuration in the form of a trace.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_config(&self, json: serde_json::Value) -> Result<AnyConfig, String> {
        self.0.read_config(json)
    }

    /// Runs a case to its end, or to the first violation.
    ///
    /// # Errors
    /// If no world can run the case.
    pub fn run(&self, case: &AnyCase, source: &Source, record: Record) -> Result<AnyFinished, Impossible> {
        self.0.as_runner().validate(case)?;
        Ok(self.0.run(case, source, record))
    }

    /// Runs a case to its end and collects the first violation of each property ([`crate::run::all_violations`]).
    ///
    /// # Errors
    /// If no world can run the case.
    pub fn all_violations(&self, case: &AnyCase, source: &Source) -> Result<Vec<Violation>, Impossible> {
        self.0.all_violations(case, source)
    }

    /// Runs a trace and calls `each` with the world after every event, until that returns `false`.
    ///
    /// # Errors
    /// If no world can run the trace.
    pub fn step(&self, trace: &AnyTrace, each: &mut dyn FnMut(&dyn AnyWorld) -> bool) -> Result<(), Impossible> {
        self.0.step(trace, each)
    }
}
