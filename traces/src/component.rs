//! A component as the commands use it, independent of its messages and states. Nothing here is compiled for each model.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::PathBuf;

use seedbed_properties::formats::Operations;
use seedbed_properties::registry::{AsOperations, Registered};
use seedbed_sim::choice::Source;
use seedbed_sim::fault::FaultClass;
use seedbed_sim::shrink::{self, AnyShrunk, Progress};
use seedbed_sim::system::{AnyCase, AnyConfig, AnyFinished, AnyStory, AnyTrace, AnyWorld};
use seedbed_sim::timeline::Entry;
use seedbed_sim::trace::TraceOf;
use seedbed_sim::{
    AnyCampaign, Fault, Info, NodeId, Observation, Origin, Outcome, Record, Replayed, Search, SeedResult, Setting,
    Shares, Sizes, Stats, Strategy, Summary, Swarm, System, Time, TraceError, Undecided, Violation, kind_of,
};

/// The options for running a model, from the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The bug to plant, by name.
    pub bug: Option<String>,
    /// The fault classes to draw, in place of those that the model tolerates.
    pub faults: Option<BTreeSet<FaultClass>>,
    /// The number of nodes, in place of the default.
    pub nodes: Option<usize>,
    /// The boundary at which the model is run, outside its tolerance.
    pub boundary: Option<String>,
    /// Settings of the configuration: name and value.
    pub settings: Vec<(String, String)>,
    /// Whether every plan has all classes of [`Options::faults`], instead of random subsets.
    pub every: bool,
    /// Fields of the configuration to replace: the path of each, with dots, and its value in the form of a trace.
    pub with: Vec<(String, String)>,
    /// The shares of operations, by their kinds.
    pub workload: Vec<(String, u32)>,
    /// The strategy that draws worlds.
    pub strategy: Strategy,
    /// The folder of a guided strategy's corpus.
    pub corpus: Option<PathBuf>,
    /// The bound on the events of a world, in place of the usual one.
    pub events: Option<NonZeroU64>,
}

/// The outcomes of a run's operations, with latencies.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Operations that returned.
    pub returned: u64,
    /// Operations that failed without effect.
    pub failed: u64,
    /// Operations of unknown outcome.
    pub unknown: u64,
    /// The latencies of those that returned, in nanoseconds of virtual time.
    pub latencies: Vec<u64>,
}

/// The outcome of a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The first violation, at which the run stopped.
    pub violation: Option<Violation>,
    /// Why there is no verdict, if there is none.
    pub undecided: Option<Undecided>,
    /// The fingerprint at the end or at the violation.
    pub fingerprint: u64,
    /// The world's time at the end or at the violation.
    pub ended_at: Time,
    /// Counts of events, messages, writes and faults.
    pub stats: Stats,
    /// The number of times that each mark was made.
    pub marks: Vec<(&'static str, u64)>,
    /// The outcomes of operations.
    pub operations: Ends,
    /// The faults that struck.
    pub struck: Vec<Fault<NodeId>>,
    /// All entries of the timeline.
    pub timeline: Vec<Entry>,
    /// The nodes of the scenario.
    pub nodes: Vec<NodeId>,
}

/// The outcome of a replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Exact, nudged or lost.
    pub replayed: Replayed,
    /// The violation that the trace recorded, if any.
    pub recorded: Option<Violation>,
    /// The fingerprint that the trace recorded.
    pub recorded_fingerprint: u64,
    /// The number of choices that it fixes.
    pub choices: usize,
    /// The number of these that the run did not ask for.
    pub unused: usize,
    /// Its numbers of items.
    pub sizes: Sizes,
    /// The faults of the replayed story.
    pub faults: Vec<Fault>,
    /// The replayed run.
    pub run: Run,
}

/// A shrunk failure.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The text of the trace.
    pub text: String,
    /// The violation of the shrunk story.
    pub violation: Violation,
    /// The size before shrinking.
    pub before: Sizes,
    /// The size of the shrunk story.
    pub after: Sizes,
    /// Worlds run.
    pub runs: usize,
    /// Whether it was found again in a smaller world ([`seedbed_sim::shrink::ShrunkOf::retold`]).
    pub retold: bool,
}

/// Called before each run of a shrink; `false` ends it.
pub type KeepGoing<'a> = &'a mut dyn FnMut(&Progress) -> bool;

/// Takes the result of a seed, and a function that runs it again to its end and returns the first violation of each
/// property.
pub type EachInTurn<'a> = &'a mut dyn FnMut(SeedResult, &dyn Fn() -> Vec<Violation>) -> bool;

/// Changes of a trace before it is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Fields of the configuration to replace: the path of each, with dots, and its value.
    pub fields: Vec<(String, String)>,
    /// Whether the planted bug is removed.
    pub mended: bool,
    /// Another bound on events.
    pub events: Option<NonZeroU64>,
}

/// A known violation outside a component's tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// In kebab case.
    pub name: &'static str,
    /// In one line, how the property breaks.
    pub what: &'static str,
    /// The property that breaks.
    pub breaks: &'static str,
}

/// The operations of the commands on a component.
pub struct Component {
    system: System,
    operations: Option<AsOperations>,
}

impl Component {
    /// The component of a registry entry.
    pub fn new(Registered { system, operations }: Registered) -> Self {
        Component { system, operations }
    }

    /// The description of the component.
    pub fn info(&self) -> Info {
        self.system.info()
    }

    /// The names of its properties.
    pub fn properties(&self) -> Vec<String> {
        self.system.properties()
    }

    /// The marks that sweeps demand.
    pub fn marks(&self) -> Vec<&'static str> {
        self.system.sometimes()
    }

    /// Known violations outside the tolerance.
    pub fn boundaries(&self) -> Vec<Boundary> {
        let erased = |boundary: seedbed_sim::Boundary<AnyConfig>| Boundary {
            name: boundary.name,
            what: boundary.what,
            breaks: boundary.breaks,
        };
        self.system.boundaries().into_iter().map(erased).collect()
    }

    /// The parts of its configuration that can be set by name.
    pub fn settings(&self) -> &'static [Setting] {
        self.system.settings()
    }

    /// The path of the model's type, which names the module of its sources.
    pub fn path(&self) -> &'static str {
        self.system.type_name()
    }

    /// Prepares runs with these options, without a corpus.
    ///
    /// # Errors
    /// If the options do not fit the model.
    pub fn prepare(&self, options: &Options) -> anyhow::Result<Prepared> {
        Ok(self.prepare_with(options, Vec::new())?.0)
    }

    /// The same, for a search that begins with earlier finds. Also returns those that it cannot use, by index, with the
    /// reasons.
    ///
    /// # Errors
    /// If the options do not fit the model.
    pub fn prepare_with(
        &self,
        options: &Options,
        found: Vec<AnyStory>,
    ) -> anyhow::Result<(Prepared, Vec<(usize, String)>)> {
        let campaign = self.campaign(options)?;
        let (search, refused) = Search::new(campaign, options.strategy, found)?;
        Ok((Prepared { search }, refused))
    }

    /// Reads a trace of this model.
    ///
    /// # Errors
    /// If the text is no trace of this model.
    pub fn parse(&self, text: &str) -> Result<AnyTrace, TraceError> {
        self.system.parse(text)
    }

    /// The system that judges a trace. Includes the trace's property if only a boundary checks it.
    fn judge_of(&self, trace: &AnyTrace) -> System {
        match &trace.violation {
            Some(violation) => self.system.judging(&violation.property),
            None => self.system.clone(),
        }
    }

    /// Whether it has a property of this name, including those of its boundaries.
    pub fn judges(&self, property: &str) -> bool {
        self.system.judging(property).properties().iter().any(|name| name == property)
    }

    /// Replays a trace of this model.
    ///
    /// # Errors
    /// If the text is no trace of this model.
    pub fn replay(&self, text: &str, nudges: usize) -> anyhow::Result<Replay> {
        let trace = self.parse(text)?;
        let replay = seedbed_sim::replay::replay_any(&trace, &self.judge_of(&trace), Record::Yes, nudges);
        Ok(Replay {
            replayed: replay.replayed,
            choices: replay.choices(),
            unused: replay.unused(),
            recorded_fingerprint: trace.fingerprint.0,
            sizes: replay.story.sizes(),
            faults: replay.story.case.faults.clone(),
            run: run_of(&replay.story.case, replay.outcome),
            recorded: trace.violation,
        })
    }

    /// A trace of this model with some changes. The recorded violation is kept.
    ///
    /// # Errors
    /// If the text is no trace of this model, or its configuration has no such field.
    pub fn with(&self, text: &str, changes: &Changes) -> anyhow::Result<String> {
        let mut trace = self.parse(text)?;
        if changes.mended {
            trace.scenario.bug = None;
        }
        trace.scenario.most_events = changes.events.or(trace.scenario.most_events);
        trace.scenario.config = self.with_fields(&trace.scenario.config, &changes.fields)?;
        Ok(trace.to_text())
    }

    /// Replays a trace, for a number of events or to its end, and calls `each` with the world after every event, until
    /// that returns `false`.
    ///
    /// # Errors
    /// If the text is no trace of this model.
    pub fn step(
        &self,
        text: &str,
        events: Option<u64>,
        each: &mut dyn FnMut(&dyn AnyWorld) -> bool,
    ) -> anyhow::Result<()> {
        if events == Some(0) {
            return Ok(());
        }
        let go_on = |world: &dyn AnyWorld| events.is_none_or(|events| world.events() < events);
        Ok(self.system.step(&self.parse(text)?, &mut |world| each(world) && go_on(world))?)
    }

    /// Shrinks a trace of this model.
    ///
    /// # Errors
    /// If the text is no trace of this model, or the trace violates nothing.
    pub fn shrink(&self, text: &str, keep_going: KeepGoing<'_>) -> anyhow::Result<Shrunk> {
        let trace = self.parse(text)?;
        let shrunk = shrink::shrink_any(AnyStory::of(&trace), &self.judge_of(&trace), keep_going)?;
        Ok(self.shrunk_of(&shrunk, trace.origin.seed))
    }

    /// Replays a trace of this model, and converts its history to operations on an object, up to the violation if there
    /// is one. `None` if the model does not support that.
    ///
    /// # Errors
    /// If the text is no trace of this model.
    pub fn history(&self, text: &str) -> Result<Option<Operations>, TraceError> {
        let trace = self.parse(text)?;
        let source = Source::Fixed(trace.deviations.clone());
        Ok(self.operations.as_ref().map(|operations| operations(&trace.case(), &source)))
    }

    /// The name of a bug, as the model lists it.
    fn planted(&self, name: &str) -> anyhow::Result<&'static str> {
        let Info { name: model, bugs, .. } = self.info();
        let names = || bugs.iter().map(|bug| bug.name).collect::<Vec<_>>().join(", ");
        match bugs.iter().find(|bug| bug.name == name) {
            Some(bug) => Ok(bug.name),
            None if bugs.is_empty() => anyhow::bail!("{model} has no bugs to plant"),
            None => anyhow::bail!("{model} has no bug '{name}'; it has: {}", names()),
        }
    }

    /// A configuration with some of its fields replaced.
    fn with_fields(&self, config: &AnyConfig, fields: &[(String, String)]) -> anyhow::Result<AnyConfig> {
        let (mut json, mut unknown) = (config.json(), None);
        for (path, value) in fields {
            let mut place = &mut json;
            for name in path.split('.') {
                let there = place.as_object_mut().filter(|fields| !fields.contains_key(name));
                if let Some(fields) = there {
                    // A field that is not written where it has its usual value; or there is none of this name.
                    let (model, known) = (self.info().name, fields.keys().cloned().collect::<Vec<_>>().join(", "));
                    unknown = Some(format!("{path}={value}: {model} has no '{name}' there; it has: {known}"));
                    fields.insert(name.to_string(), serde_json::Value::Null);
                }
                place = place.get_mut(name).ok_or_else(|| {
                    anyhow::anyhow!("{path}={value}: there is nothing in {} that has a '{name}'", self.info().name)
                })?;
            }
            // A value that is no JSON is a text.
            *place = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.clone()));
        }
        let said = || fields.iter().map(|(path, value)| format!("{path}={value}")).collect::<Vec<_>>().join(" ");
        let config = self.system.read_config(json).and_then(|config| config.validate().map(|()| config));
        config.map_err(|problem| match unknown {
            Some(unknown) if problem.contains("unknown field") => anyhow::anyhow!("{unknown}"),
            _ => anyhow::anyhow!("{}: {problem}", said()),
        })
    }

    fn campaign(&self, options: &Options) -> anyhow::Result<AnyCampaign> {
        let bug = options.bug.as_deref().map(|name| self.planted(name)).transpose()?;
        let campaign = match (&options.boundary, bug) {
            (None, None) => AnyCampaign::new(self.system.clone()),
            (None, Some(bug)) => AnyCampaign::hunting(&self.system, bug),
            (Some(name), None) => self.at_boundary(name)?,
            (Some(name), Some(bug)) => self.at_boundary(name)?.with_bug(bug),
        };
        let name = self.info().name;
        let AnyCampaign { system, mut swarm } = campaign;
        let mut config = system.config();
        for (setting, value) in &options.settings {
            if !self.settings().iter().any(|known| known.name == setting) {
                anyhow::bail!("--{setting}: {name} has no such setting");
            }
            let set = config.with_setting(setting, value);
            config = set.map_err(|problem| anyhow::anyhow!("--{setting} {value}: {problem}"))?;
        }
        if !options.settings.is_empty() {
            config.validate().map_err(|problem| anyhow::anyhow!("{name}: {problem}"))?;
            // With settings or fields the model is run as configured, without variants.
            swarm = swarm.as_configured();
        }
        if !options.with.is_empty() {
            config = self.with_fields(&config, &options.with)?;
            swarm = swarm.as_configured();
        }
        if let Some(nodes) = options.nodes {
            let possible = config.with_nodes(nodes).and_then(|config| config.validate().map(|()| config));
            config = possible.map_err(|problem| anyhow::anyhow!("--nodes {nodes}: {problem}"))?;
            swarm = swarm.of_one_shape();
        }
        if let Some(classes) = &options.faults {
            let classes = classes.iter().copied();
            let only = if options.every { Swarm::exactly(classes) } else { Swarm::only(classes) };
            let any = options.settings.is_empty() && options.with.is_empty();
            swarm = if any { only } else { only.as_configured() };
            if options.nodes.is_some() {
                swarm = swarm.of_one_shape();
            }
        }
        if !options.workload.is_empty() {
            swarm = swarm.shares(Shares::of(options.workload.clone()));
        }
        let mut system = system.configured(&config);
        if let Some(events) = options.events {
            system = system.bounded(events);
        }
        let campaign = AnyCampaign { system, swarm };
        self.knows_kinds(&campaign, &options.workload)?;
        Ok(campaign)
    }

    /// Refuses shares of kinds of operations that the workload does not have.
    fn knows_kinds(&self, campaign: &AnyCampaign, shares: &[(String, u32)]) -> anyhow::Result<()> {
        if shares.is_empty() {
            return Ok(());
        }
        /// So many workloads have every kind, unless it is rare.
        const SAMPLE: u64 = 200;
        let swarm = campaign.swarm.clone().shares(Shares::default());
        let whole = AnyCampaign { swarm, ..campaign.clone() };
        let mut known = BTreeSet::new();
        for seed in 0..SAMPLE {
            let case = whole.case(seed)?;
            known.extend(case.operations.iter().filter_map(|operation| kind_of(&operation.op)));
        }
        let known = known.into_iter().collect::<Vec<String>>();
        let Some((unknown, _)) = shares.iter().find(|(kind, _)| !known.contains(kind)) else { return Ok(()) };
        match &known[..] {
            [] => anyhow::bail!("--workload {unknown}: the operations of {} are all of one kind", self.info().name),
            _ => anyhow::bail!("--workload {unknown}: {} has the operations {}", self.info().name, known.join(", ")),
        }
    }

    fn at_boundary(&self, name: &str) -> anyhow::Result<AnyCampaign> {
        AnyCampaign::at_boundary(&self.system, name).ok_or_else(|| {
            let model = self.info().name;
            let names: Vec<_> = self.boundaries().into_iter().map(|boundary| boundary.name).collect();
            match names[..] {
                [] => anyhow::anyhow!("{model} has no boundaries"),
                _ => anyhow::anyhow!("{model} has no boundary '{name}'; it has: {}", names.join(", ")),
            }
        })
    }

    fn shrunk_of(&self, shrunk: &AnyShrunk, seed: Option<u64>) -> Shrunk {
        shrunk_of(self.info().name, shrunk, seed)
    }
}

/// A component prepared to run with its options.
pub struct Prepared {
    search: Search,
}

impl Prepared {
    /// The campaign that the options define.
    pub fn campaign(&self) -> &AnyCampaign {
        self.search.campaign()
    }

    fn name(&self) -> &'static str {
        self.campaign().system.info().name
    }

    /// The outcomes of these seeds' worlds; with `until_all` of only as many as it takes to see every allowed outcome.
    /// `None` if the component has no outcomes to collect.
    pub fn observe(&self, seeds: Range<u64>, until_all: bool) -> Option<Observation> {
        self.campaign().system.observe(seeds, until_all)
    }

    /// Runs and records one seed.
    ///
    /// # Errors
    /// If no world can run it.
    pub fn run(&self, seed: u64) -> anyhow::Result<Run> {
        let (case, outcome) = self.recorded_run(seed)?;
        Ok(run_of(&case, outcome))
    }

    /// Runs one seed, and returns the whole run as a trace, whatever its verdict.
    ///
    /// # Errors
    /// If no world can run it.
    pub fn record(&self, seed: u64) -> anyhow::Result<String> {
        let (case, outcome) = self.recorded_run(seed)?;
        let AnyStory { case, deviations } = AnyStory::recorded(&case, &outcome);
        let origin = Origin { seed: Some(seed), seedbed: env!("CARGO_PKG_VERSION").into(), ..Origin::default() };
        let (violation, fingerprint) = (outcome.violation, outcome.fingerprint);
        Ok(TraceOf::of(self.name(), case, deviations, violation, fingerprint, origin).to_text())
    }

    /// Runs the world of a seed, and records its timeline and choices.
    fn recorded_run(&self, seed: u64) -> anyhow::Result<(AnyCase, AnyFinished)> {
        let (case, source) = self.search.world(seed)?;
        let outcome = self.campaign().system.run(&case, &source, Record::Yes)?;
        Ok((case, outcome))
    }

    /// Sweeps seeds on the current rayon pool. Also returns the cases that are worth keeping, if the strategy learns.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn sweep(
        &self,
        seeds: Range<u64>,
        each: &(dyn Fn(SeedResult) -> bool + Sync),
    ) -> anyhow::Result<(Summary, Vec<AnyTrace>)> {
        Ok(self.search.sweep(seeds, each)?)
    }

    /// The summary of no seeds, with declared classes and marks.
    pub fn nothing_swept(&self) -> Summary {
        self.search.nothing()
    }

    /// Calls `each` with the seeds that violate something, ascending, until that returns `false`. Seeds are run in
    /// batches on the current rayon pool; `go_on` is called before each batch.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn failing(
        &self,
        seeds: Range<u64>,
        go_on: &(dyn Fn() -> bool + Sync),
        each: &mut dyn FnMut(u64, Violation) -> bool,
    ) -> anyhow::Result<()> {
        Ok(self.search.failing(seeds, go_on, each)?)
    }

    /// Runs one seed after the other on this thread, until `each` returns `false`.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn in_turn(&self, seeds: Range<u64>, each: EachInTurn<'_>) -> anyhow::Result<()> {
        let system = &self.campaign().system;
        Ok(self.search.in_turn(seeds, &mut |result, case, source| {
            each(result, &|| system.all_violations(case, source).expect("the case has been run"))
        })?)
    }

    /// Records and shrinks a seed; `None` if it violates nothing.
    ///
    /// # Errors
    /// If the recording does not fail again.
    pub fn hunt(&self, seed: u64, keep_going: KeepGoing<'_>) -> anyhow::Result<Option<Shrunk>> {
        let (case, source) = self.search.world(seed)?;
        let shrunk = shrink::record_and_shrink_any(&case, &source, self.campaign(), keep_going)?;
        Ok(shrunk.map(|shrunk| shrunk_of(self.name(), &shrunk, Some(seed))))
    }

    /// Whether a trace has the configuration that is run here.
    ///
    /// # Errors
    /// If the text is no trace of this model.
    pub fn is_configured_so(&self, text: &str) -> Result<bool, TraceError> {
        let system = &self.campaign().system;
        Ok(system.parse(text)?.scenario.config == system.config())
    }
}

fn shrunk_of(model: &str, shrunk: &AnyShrunk, seed: Option<u64>) -> Shrunk {
    Shrunk {
        text: shrunk.trace_of(model, seed).to_text(),
        violation: shrunk.violation.clone(),
        before: shrunk.before,
        after: shrunk.story.sizes(),
        runs: shrunk.runs,
        retold: shrunk.retold,
    }
}

fn run_of(case: &AnyCase, outcome: AnyFinished) -> Run {
    let mut operations = Ends::default();
    for invocation in outcome.history.invocations() {
        match &invocation.outcome {
            Outcome::Returned { at, .. } => {
                operations.returned += 1;
                operations.latencies.push(at.since(invocation.invoked).0);
            }
            Outcome::Failed { .. } => operations.failed += 1,
            Outcome::Unknown => operations.unknown += 1,
        }
    }
    Run {
        violation: outcome.violation,
        undecided: outcome.undecided,
        fingerprint: outcome.fingerprint,
        ended_at: outcome.ended_at,
        stats: outcome.stats,
        marks: outcome.marks,
        operations,
        struck: outcome.struck.into_iter().map(|(_, fault)| fault).collect(),
        timeline: outcome.timeline,
        nodes: case.scenario.nodes.clone(),
    }
}
