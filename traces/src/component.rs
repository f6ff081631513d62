//! A component with its types erased: what the commands need of it, whatever its messages and states are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::ops::Range;
use std::path::PathBuf;

use seedbed_properties::formats::world::{self, View};
use seedbed_properties::formats::{Model as Object, Operations};
use seedbed_sim::choice::Source;
use seedbed_sim::fault::FaultClass;
use seedbed_sim::fingerprint::stable_hash;
use seedbed_sim::run::sightings;
use seedbed_sim::shrink::{self, Progress};
use seedbed_sim::timeline::Entry;
use seedbed_sim::{
    Campaign, Case, Fault, Finished, Info, Model, NodeId, Origin, Outcome, Record, Replayed, Search, SeedResult,
    Setting, Sizes, Stats, Story, Strategy, Suite, Summary, Swarm, Time, Trace, TraceError, Violation, World,
};

use crate::atlas::measure::sample::{self, Sample};
use crate::corpus;
use crate::draw::Picture;

/// How a model is to be run, as the command line says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The bug to plant.
    pub bug: Option<String>,
    /// The fault classes to draw, instead of those that the model tolerates.
    pub faults: Option<BTreeSet<FaultClass>>,
    /// How many nodes, instead of the usual number.
    pub nodes: Option<usize>,
    /// The boundary to step over.
    pub boundary: Option<String>,
    /// What to set in the configuration, by name.
    pub settings: Vec<(String, String)>,
    /// Whether every plan has all classes of [`Options::faults`], and not some of them by chance.
    pub every: bool,
    /// Fields of the configuration to replace: the path to each, with dots, and its value as a trace would have it.
    pub with: Vec<(String, String)>,
    /// How seeds are made into worlds.
    pub strategy: Strategy,
    /// Where a strategy that learns keeps what it found.
    pub corpus: Option<PathBuf>,
}

/// How operations of a run ended, and how long they took.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Returned.
    pub returned: u64,
    /// Failed for certain.
    pub failed: u64,
    /// Never ended.
    pub unknown: u64,
    /// Latencies of those that returned, in nanoseconds of virtual time.
    pub latencies: Vec<u64>,
}

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// The first violation.
    pub violation: Option<Violation>,
    /// The fingerprint at the end.
    pub fingerprint: u64,
    /// When it ended.
    pub ended_at: Time,
    /// Counts.
    pub stats: Stats,
    /// Marks.
    pub marks: Vec<(&'static str, u64)>,
    /// Operations.
    pub operations: Ends,
    /// The faults that struck.
    pub struck: Vec<Fault>,
    /// The timeline.
    pub timeline: Vec<Entry>,
    /// Which nodes there are.
    pub nodes: Vec<NodeId>,
}

impl Run {
    /// What there is to draw of it, in so many lines, if there is a limit.
    pub fn picture(&self, limit: Option<usize>) -> Picture<'_> {
        Picture { nodes: &self.nodes, timeline: &self.timeline, violation: self.violation.as_ref(), limit }
    }
}

/// A replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Exact, nudged or lost.
    pub replayed: Replayed,
    /// What the trace recorded.
    pub recorded: Option<Violation>,
    /// The fingerprint that the trace recorded.
    pub recorded_fingerprint: u64,
    /// How many choices it fixes.
    pub choices: usize,
    /// How many of them nobody asked for.
    pub unused: usize,
    /// How large it is.
    pub sizes: Sizes,
    /// The faults of the story that was run.
    pub faults: Vec<Fault>,
    /// The run.
    pub run: Run,
}

/// A shrunk failure.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The trace file's text.
    pub text: String,
    /// What it violates.
    pub violation: Violation,
    /// The size at the beginning.
    pub before: Sizes,
    /// The size now.
    pub after: Sizes,
    /// Worlds run.
    pub runs: usize,
    /// Whether it was found again in a smaller world ([`seedbed_sim::Shrunk::retold`]).
    pub retold: bool,
}

/// Asked before each run of a shrink; `false` ends it.
pub type KeepGoing<'a> = &'a mut dyn FnMut(&Progress) -> bool;

/// Takes what a seed came to, and a function that runs it again to its end and tells the first violation of each property.
pub type EachInTurn<'a> = &'a mut dyn FnMut(SeedResult, &dyn Fn() -> Vec<Violation>) -> bool;

/// What is known not to hold outside a component's tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Its name.
    pub name: &'static str,
    /// What happens there, in one line.
    pub what: &'static str,
    /// The property that breaks.
    pub breaks: &'static str,
}

/// What a litmus program was seen to do, beside what it may.
#[derive(Clone, Debug)]
pub struct Litmus {
    /// Its name.
    pub program: String,
    /// What it says.
    pub text: String,
    /// The memory model, in words.
    pub memory: String,
    /// How often it ended in which way.
    pub observed: BTreeMap<String, u64>,
    /// The ways in which it may end.
    pub allowed: BTreeSet<String>,
    /// How the two differ, in words.
    pub comparison: String,
    /// Whether they are the same, and nothing was violated.
    pub exact: bool,
    /// How many worlds were run.
    pub runs: u64,
    /// The lowest seed that violated something, and what.
    pub violation: Option<(u64, Violation)>,
}

/// Runs the litmus program of a suite's model in one world a seed; no more than are needed, if asked so. `None` if the
/// model runs none.
pub type Observe<M> = fn(&Suite<M>, Range<u64>, bool) -> Option<Litmus>;

/// A world between two events, its types erased.
pub trait Glimpse {
    /// The world's time.
    fn now(&self) -> Time;

    /// What has happened so far.
    fn timeline(&self) -> &[Entry];

    /// The node whose state the last event may have changed.
    fn changed(&self) -> Option<NodeId>;

    /// The state of a node as it debugs, if it is up.
    fn state(&self, node: NodeId) -> Option<&dyn Debug>;

    /// A hash of the state of a node.
    fn state_hash(&self, node: NodeId) -> u64;

    /// The role that a node holds.
    fn role(&self, node: NodeId) -> Option<&'static str>;

    /// What a node's clock shows.
    fn clock(&self, node: NodeId) -> Time;
}

impl<M: Model> Glimpse for World<M> {
    fn now(&self) -> Time {
        self.now()
    }
    fn timeline(&self) -> &[Entry] {
        self.timeline()
    }
    fn changed(&self) -> Option<NodeId> {
        self.changed()
    }
    fn state(&self, node: NodeId) -> Option<&dyn Debug> {
        self.process(node).map(|process| process as &dyn Debug)
    }
    fn state_hash(&self, node: NodeId) -> u64 {
        stable_hash(&self.process(node))
    }
    fn role(&self, node: NodeId) -> Option<&'static str> {
        self.process(node).and_then(|process| self.config().role(process))
    }
    fn clock(&self, node: NodeId) -> Time {
        self.clock(node)
    }
}

/// What the commands can do with a component.
pub trait Component: Send + Sync {
    /// What there is to know of it without running it.
    fn info(&self) -> Info;

    /// The names of its properties: what must be true in every world.
    fn properties(&self) -> Vec<String>;

    /// Whether it has a property of this name, of its own or of one of its boundaries.
    fn judges(&self, property: &str) -> bool;

    /// The marks that sweeps demand.
    fn marks(&self) -> Vec<&'static str>;

    /// What is known not to hold outside the tolerance.
    fn boundaries(&self) -> Vec<Boundary>;

    /// What of its configuration can be set by name.
    fn settings(&self) -> &'static [Setting];

    /// Runs the litmus program that the options name over these seeds; with `until_all` no more of them than it takes to
    /// see all outcomes. `None` if the options name none.
    ///
    /// # Errors
    /// If the options do not fit the model.
    fn litmus(&self, options: &Options, seeds: Range<u64>, until_all: bool) -> anyhow::Result<Option<Litmus>>;

    /// Runs one seed and records it.
    ///
    /// # Errors
    /// If the options do not fit the model.
    fn run(&self, options: &Options, seed: u64) -> anyhow::Result<Run>;

    /// Sweeps seeds on the current rayon pool.
    ///
    /// # Errors
    /// If the options do not fit the model.
    fn sweep(
        &self,
        options: &Options,
        seeds: Range<u64>,
        each: &(dyn Fn(SeedResult) -> bool + Sync),
    ) -> anyhow::Result<Summary>;

    /// Hands the seeds that violate something to `each`, ascending, until it says no. They are run batch by batch on
    /// the current rayon pool; `go_on` is asked before each batch.
    ///
    /// # Errors
    /// If the options do not fit the model.
    fn failing(
        &self,
        options: &Options,
        seeds: Range<u64>,
        go_on: &(dyn Fn() -> bool + Sync),
        each: &mut dyn FnMut(u64, Violation) -> bool,
    ) -> anyhow::Result<()>;

    /// Runs one seed after the other on this thread, until `each` says no.
    ///
    /// # Errors
    /// If the options do not fit the model.
    fn in_turn(&self, options: &Options, seeds: Range<u64>, each: EachInTurn<'_>) -> anyhow::Result<()>;

    /// Records and shrinks a seed; `None` if it violates nothing.
    ///
    /// # Errors
    /// If the options do not fit the model, or the failure is not there again in its recording.
    fn hunt(&self, options: &Options, seed: u64, keep_going: KeepGoing<'_>) -> anyhow::Result<Option<Shrunk>>;

    /// Replays a trace of this model, stopping at an instant if one is given.
    ///
    /// # Errors
    /// If the text is no trace of this model.
    fn replay(&self, text: &str, nudges: usize) -> anyhow::Result<Replay>;

    /// A trace of this model with some fields of its configuration replaced: the path to each, and its value. The
    /// violation is still the one that was recorded.
    ///
    /// # Errors
    /// If the text is no trace of this model, or its configuration cannot be changed so.
    fn with(&self, text: &str, fields: &[(String, String)]) -> anyhow::Result<String>;

    /// Steps through a trace, for so many events or to its end: shows the world to `each` after every event, until it
    /// says no.
    ///
    /// # Errors
    /// If the text is no trace of this model.
    fn step(&self, text: &str, events: Option<u64>, each: &mut dyn FnMut(&dyn Glimpse) -> bool) -> anyhow::Result<()>;

    /// Runs one seed and writes the whole of it down as a trace, whatever came of it.
    ///
    /// # Errors
    /// If the options do not fit the model.
    fn record(&self, options: &Options, seed: u64) -> anyhow::Result<String>;

    /// Shrinks a trace of this model.
    ///
    /// # Errors
    /// If the text is no trace of this model, or the trace violates nothing.
    fn shrink(&self, text: &str, keep_going: KeepGoing<'_>) -> anyhow::Result<Shrunk>;

    /// Runs every seed of these and its twin without faults, on the current rayon pool; in the order of the seeds. When
    /// `go_on` says no, no more seeds are begun.
    ///
    /// # Errors
    /// If the options do not fit the model.
    fn measure(
        &self,
        options: &Options,
        seeds: Range<u64>,
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> anyhow::Result<Vec<Sample>>;

    /// Whether the configuration of a trace is the one that the options make.
    ///
    /// # Errors
    /// If the options do not fit the model, or the text is no trace of this model.
    fn is_configured_so(&self, options: &Options, text: &str) -> anyhow::Result<bool>;

    /// The path of the model's type: where its sources are.
    fn path(&self) -> &'static str;

    /// Replays a trace of this model, and takes its history as operations on an object, up to the violation if there is
    /// one. `None` if the model does not say how its operations read.
    ///
    /// # Errors
    /// If the text is no trace of this model.
    fn history(&self, text: &str) -> Result<Option<Operations>, TraceError>;
}

/// Erases the types of a suite.
pub fn component<M: Model>(suite: fn() -> Suite<M>) -> Box<dyn Component> {
    Box::new(Typed { suite, recorded: None, observe: None })
}

/// The same of a model whose nodes can run litmus programs.
pub fn observed<M: Model>(suite: fn() -> Suite<M>, observe: Observe<M>) -> Box<dyn Component> {
    Box::new(Typed { suite, recorded: None, observe: Some(observe) })
}

/// The same of a model whose operations read as those on an object: then `seedbed check` judges its traces too.
pub fn recorded<M: Model>(suite: fn() -> Suite<M>, object: Object, view: View<M>) -> Box<dyn Component> {
    Box::new(Typed { suite, recorded: Some((object, view)), observe: None })
}

struct Typed<M: Model> {
    suite: fn() -> Suite<M>,
    recorded: Option<(Object, View<M>)>,
    observe: Option<Observe<M>>,
}

/// The name of a bug, as the model lists it.
fn planted<M: Model>(name: &str) -> anyhow::Result<&'static str> {
    let known = M::INFO.bugs.iter().find(|bug| bug.name == name);
    let names = || M::INFO.bugs.iter().map(|bug| bug.name).collect::<Vec<_>>().join(", ");
    known.map(|bug| bug.name).ok_or_else(|| match M::INFO.bugs {
        [] => anyhow::anyhow!("{} has no bugs to plant", M::INFO.name),
        _ => anyhow::anyhow!("{} has no bug '{name}'; it has: {}", M::INFO.name, names()),
    })
}

/// A model with some fields of its configuration replaced.
fn with_fields<M: Model>(model: &M, fields: &[(String, String)]) -> anyhow::Result<M> {
    let mut config = serde_json::to_value(model)?;
    for (path, value) in fields {
        let mut place = &mut config;
        for name in path.split('.') {
            let known: Vec<String> = place.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
            place = place.get_mut(name).ok_or_else(|| {
                anyhow::anyhow!("{path}={value}: {} has no '{name}' there; it has: {}", M::INFO.name, known.join(", "))
            })?;
        }
        // What is no JSON is taken for a word.
        *place = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.clone()));
    }
    let told = || fields.iter().map(|(path, value)| format!("{path}={value}")).collect::<Vec<_>>().join(" ");
    let model: M = serde_json::from_value(config).map_err(|problem| anyhow::anyhow!("{}: {problem}", told()))?;
    model.validate().map_err(|problem| anyhow::anyhow!("{}: {problem}", told()))?;
    Ok(model)
}

impl<M: Model> Typed<M> {
    fn campaign(&self, options: &Options) -> anyhow::Result<Campaign<M>> {
        let bug = options.bug.as_deref().map(planted::<M>).transpose()?;
        let mut campaign = match (&options.boundary, bug) {
            (None, None) => Campaign::new((self.suite)()),
            (None, Some(bug)) => Campaign::hunting((self.suite)(), bug),
            (Some(name), None) => self.at_boundary(name)?,
            (Some(name), Some(bug)) => {
                let mut campaign = self.at_boundary(name)?;
                campaign.suite.model.set_bug(Some(bug));
                campaign
            }
        };
        let model = &mut campaign.suite.model;
        for (name, value) in &options.settings {
            if !M::settings().iter().any(|setting| setting.name == name) {
                anyhow::bail!("--{name}: {} has no such setting", M::INFO.name);
            }
            model.set(name, value).map_err(|problem| anyhow::anyhow!("--{name} {value}: {problem}"))?;
        }
        if !options.settings.is_empty() {
            model.validate().map_err(|problem| anyhow::anyhow!("{}: {problem}", M::INFO.name))?;
            // Who sets something means that, and not the variants of it.
            campaign.swarm = campaign.swarm.as_configured();
        }
        if !options.with.is_empty() {
            *model = with_fields(model, &options.with)?;
            campaign.swarm = campaign.swarm.as_configured();
        }
        if let Some(nodes) = options.nodes {
            model.set_nodes(nodes).map_err(|problem| anyhow::anyhow!("--nodes {nodes}: {problem}"))?;
        }
        if let Some(classes) = &options.faults {
            let classes = classes.iter().copied();
            let only = if options.every { Swarm::exactly(classes) } else { Swarm::only(classes) };
            let any = options.settings.is_empty() && options.with.is_empty();
            campaign.swarm = if any { only } else { only.as_configured() };
        }
        Ok(campaign)
    }

    /// The search that the options ask for.
    fn search(&self, options: &Options) -> anyhow::Result<Search<M>> {
        let corpus = options.corpus.as_deref().map(|folder| corpus::read(folder, options)).transpose()?;
        let (files, stories): (Vec<_>, Vec<_>) = corpus.unwrap_or_default().into_iter().unzip();
        let (search, refused) = Search::new(self.campaign(options)?, options.strategy, stories)?;
        for (place, problem) in refused {
            eprintln!("note: {} is of no use here: {problem}", files[place].display());
        }
        Ok(search)
    }

    /// A seed's world, run with everything about it written down.
    fn recorded_run(&self, options: &Options, seed: u64) -> anyhow::Result<(Case<M>, Finished<M>)> {
        let search = self.search(options)?;
        let (case, source) = search.world(seed)?;
        let outcome = seedbed_sim::run(&case, &source, &search.campaign().suite.properties, Record::Yes)?;
        Ok((case, outcome))
    }

    fn at_boundary(&self, name: &str) -> anyhow::Result<Campaign<M>> {
        Campaign::at_boundary((self.suite)(), name).ok_or_else(|| {
            let names: Vec<_> = self.boundaries().into_iter().map(|boundary| boundary.name).collect();
            match names[..] {
                [] => anyhow::anyhow!("{} has no boundaries", M::INFO.name),
                _ => anyhow::anyhow!("{} has no boundary '{name}'; it has: {}", M::INFO.name, names.join(", ")),
            }
        })
    }

    /// A trace, and the suite that judges it.
    fn trace(&self, text: &str) -> Result<(Trace<M>, Suite<M>), TraceError> {
        let (trace, suite) = (Trace::parse(text)?, (self.suite)());
        let suite = match &trace.violation {
            Some(violation) => suite.judging(&violation.property),
            None => suite,
        };
        Ok((trace, suite))
    }
}

impl<M: Model> Component for Typed<M> {
    fn info(&self) -> Info {
        M::INFO
    }

    fn properties(&self) -> Vec<String> {
        (self.suite)().property_names()
    }

    fn judges(&self, property: &str) -> bool {
        (self.suite)().judging(property).property_names().iter().any(|name| name == property)
    }

    fn marks(&self) -> Vec<&'static str> {
        (self.suite)().sometimes
    }

    fn boundaries(&self) -> Vec<Boundary> {
        let erased = |boundary: seedbed_sim::Boundary<M>| Boundary {
            name: boundary.name,
            what: boundary.what,
            breaks: boundary.breaks,
        };
        (self.suite)().boundaries.into_iter().map(erased).collect()
    }

    fn settings(&self) -> &'static [Setting] {
        M::settings()
    }

    fn litmus(&self, options: &Options, seeds: Range<u64>, until_all: bool) -> anyhow::Result<Option<Litmus>> {
        let campaign = self.campaign(options)?;
        Ok(self.observe.and_then(|observe| observe(&campaign.suite, seeds, until_all)))
    }

    fn run(&self, options: &Options, seed: u64) -> anyhow::Result<Run> {
        let (case, outcome) = self.recorded_run(options, seed)?;
        Ok(erase(&case, outcome))
    }

    fn sweep(
        &self,
        options: &Options,
        seeds: Range<u64>,
        each: &(dyn Fn(SeedResult) -> bool + Sync),
    ) -> anyhow::Result<Summary> {
        let (summary, finds) = self.search(options)?.sweep(seeds, each)?;
        if let Some(folder) = &options.corpus {
            corpus::write(folder, options, &finds)?;
        }
        Ok(summary)
    }

    fn failing(
        &self,
        options: &Options,
        seeds: Range<u64>,
        go_on: &(dyn Fn() -> bool + Sync),
        each: &mut dyn FnMut(u64, Violation) -> bool,
    ) -> anyhow::Result<()> {
        Ok(self.search(options)?.failing(seeds, go_on, each)?)
    }

    fn in_turn(&self, options: &Options, seeds: Range<u64>, each: EachInTurn<'_>) -> anyhow::Result<()> {
        let search = self.search(options)?;
        let properties = &search.campaign().suite.properties;
        Ok(search.in_turn(seeds, &mut |result, case, source| {
            each(result, &|| sightings(case, source, properties).expect("the case has been run"))
        })?)
    }

    fn hunt(&self, options: &Options, seed: u64, keep_going: KeepGoing<'_>) -> anyhow::Result<Option<Shrunk>> {
        let search = self.search(options)?;
        let (case, source) = search.world(seed)?;
        let Some(shrunk) = shrink::tell(&case, &source, search.campaign(), keep_going)? else {
            return Ok(None);
        };
        Ok(Some(erase_shrunk(&shrunk, Some(seed))))
    }

    fn replay(&self, text: &str, nudges: usize) -> anyhow::Result<Replay> {
        let (trace, suite) = self.trace(text)?;
        let replay = seedbed_sim::replay(&trace, &suite.properties, Record::Yes, nudges);
        Ok(Replay {
            replayed: replay.replayed,
            choices: replay.choices(),
            unused: replay.unused(),
            recorded_fingerprint: trace.fingerprint.0,
            sizes: replay.story.sizes(),
            faults: replay.story.case.faults.clone(),
            run: erase(&replay.story.case, replay.outcome),
            recorded: trace.violation,
        })
    }

    fn with(&self, text: &str, fields: &[(String, String)]) -> anyhow::Result<String> {
        let (mut trace, _) = self.trace(text)?;
        trace.scenario.config = with_fields(&trace.scenario.config, fields)?;
        Ok(trace.to_text())
    }

    fn step(&self, text: &str, events: Option<u64>, each: &mut dyn FnMut(&dyn Glimpse) -> bool) -> anyhow::Result<()> {
        let (trace, _) = self.trace(text)?;
        let mut world = World::recording(&trace.case(), &Source::Fixed(trace.deviations.clone()))?;
        while events.is_none_or(|events| world.stats().events < events) && world.step() && each(&world) {}
        Ok(())
    }

    fn record(&self, options: &Options, seed: u64) -> anyhow::Result<String> {
        let (case, outcome) = self.recorded_run(options, seed)?;
        let Story { case, deviations } = Story::recorded(&case, &outcome);
        let origin = Origin { seed: Some(seed), seedbed: env!("CARGO_PKG_VERSION").into(), ..Origin::default() };
        Ok(Trace::new(case, deviations, outcome.violation, outcome.fingerprint, origin).to_text())
    }

    fn shrink(&self, text: &str, keep_going: KeepGoing<'_>) -> anyhow::Result<Shrunk> {
        let (trace, suite) = self.trace(text)?;
        let shrunk = shrink::shrink(Story::of(&trace), &suite.properties, keep_going)?;
        Ok(erase_shrunk(&shrunk, trace.origin.seed))
    }

    fn measure(
        &self,
        options: &Options,
        seeds: Range<u64>,
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> anyhow::Result<Vec<Sample>> {
        Ok(sample::samples(&self.campaign(options)?, seeds, go_on)?)
    }

    fn is_configured_so(&self, options: &Options, text: &str) -> anyhow::Result<bool> {
        let (trace, _) = self.trace(text)?;
        Ok(trace.scenario.config == self.campaign(options)?.suite.model)
    }

    fn path(&self) -> &'static str {
        std::any::type_name::<M>()
    }

    fn history(&self, text: &str) -> Result<Option<Operations>, TraceError> {
        let trace = Trace::parse(text)?;
        let Some((object, view)) = self.recorded else { return Ok(None) };
        let replay = seedbed_sim::replay(&trace, &(self.suite)().properties, Record::No, 0);
        Ok(Some(world::operations(object, &replay.outcome.history, view)))
    }
}

fn erase_shrunk<M: Model>(shrunk: &seedbed_sim::Shrunk<M>, seed: Option<u64>) -> Shrunk {
    Shrunk {
        text: shrunk.trace(seed).to_text(),
        violation: shrunk.violation.clone(),
        before: shrunk.before,
        after: shrunk.story.sizes(),
        runs: shrunk.runs,
        retold: shrunk.retold,
    }
}

fn erase<M: Model>(case: &Case<M>, outcome: Finished<M>) -> Run {
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
