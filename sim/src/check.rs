//! The harness of tests: seeds → runs → verdicts; on a violation, a shrunk trace and a report.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use proptest::strategy::BoxedStrategy;

use crate::bug::{Bug, Planted};
use crate::choice::Source;
use crate::mark::Mark;
use crate::model::{Info, Model, Workload};
use crate::property::{AtEnd, Invariant, Maker, Property, Verdict};
use crate::run::Record;
use crate::seed::SeedResult;
use crate::shrink::{self, AnyShrunk, DEFAULT_RUNS, RETOLD};
use crate::suite::Suite;
use crate::swarm::{Cases, Swarm};
use crate::sweep::{AnyCampaign, Campaign, Summary};
use crate::system::{AnyCase, System};
use crate::timeline::Happening;
use crate::world::World;

/// Begins a check of a model: say what breaks and what must be true, then [`Check::run`].
///
/// ```no_run
/// use seedbed_sim::{Swarm, check};
/// # use seedbed_sim::doc::PingPong;
/// check(PingPong)
///     .faults(Swarm::calm())
///     .invariant("nobody is left behind", |world| {
///         let hits: Vec<u32> = world.processes().map(|(_, player)| player.hits).collect();
///         match hits.iter().max().zip(hits.iter().min()) {
///             Some((most, least)) if most - least > 1 => Err(format!("hits are {hits:?}").into()),
///             _ => Ok(()),
///         }
///     })
///     .run();
/// ```
pub fn check<M: Model>(model: M) -> Check<M> {
    Check {
        campaign: Campaign::new(Suite::bare(model)),
        workload: None,
        seeds: 100,
        twice_every: 10,
        shrink_runs: DEFAULT_RUNS,
    }
}

/// A check that is being configured. See [`check()`].
pub struct Check<M: Model> {
    campaign: Campaign<M>,
    workload: Option<BoxedStrategy<Workload<M>>>,
    seeds: u64,
    twice_every: u64,
    shrink_runs: usize,
}

impl<M: Model> Check<M> {
    /// Which faults are drawn. Without this, all that the model tolerates.
    pub fn faults(mut self, swarm: Swarm) -> Self {
        self.campaign.swarm = swarm;
        self
    }

    /// Adds the properties and demanded marks of a suite; the model stays.
    pub fn suite(mut self, suite: Suite<M>) -> Self {
        self.campaign.suite.properties.extend(suite.properties);
        self.campaign.suite.sometimes.extend(suite.sometimes);
        self
    }

    /// Plants a bug in every world.
    pub fn planting(mut self, bug: impl Planted) -> Self {
        self.campaign.suite.bug = Some(bug.name());
        self
    }

    /// Adds properties.
    pub fn properties(mut self, properties: impl IntoIterator<Item = Maker<M>>) -> Self {
        self.campaign.suite.properties.extend(properties);
        self
    }

    /// Adds a property.
    pub fn property(mut self, property: impl Property<M> + Clone + Send + Sync + 'static) -> Self {
        self.campaign.suite = self.campaign.suite.property(property);
        self
    }

    /// Adds a closure that is checked after each event. What it captures is cloned for each run.
    pub fn invariant<F>(self, name: &str, holds: F) -> Self
    where
        F: FnMut(&World<M>) -> Verdict + Clone + Send + Sync + 'static,
    {
        self.property(Invariant::new(name, holds))
    }

    /// Adds a closure that is checked at the end.
    pub fn at_end<F>(self, name: &str, holds: F) -> Self
    where
        F: FnMut(&World<M>) -> Verdict + Clone + Send + Sync + 'static,
    {
        self.property(AtEnd::new(name, holds))
    }

    /// Demands that some seed makes this mark ([`crate::Context::mark`]).
    pub fn sometimes(mut self, mark: Mark) -> Self {
        self.campaign.suite = self.campaign.suite.sometimes(mark);
        self
    }

    /// Another workload than the model's own.
    pub fn workload(mut self, workload: BoxedStrategy<Workload<M>>) -> Self {
        self.workload = Some(workload);
        self
    }

    /// How many seeds are run where the environment does not say; 100 if not set.
    pub fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    /// Of how many seeds one is run twice and compared; zero for none, 10 if not set.
    pub fn twice_every(mut self, seeds: u64) -> Self {
        self.twice_every = seeds;
        self
    }

    /// How many worlds a shrink may run.
    pub fn shrink_runs(mut self, runs: usize) -> Self {
        self.shrink_runs = runs;
        self
    }

    /// Runs the seeds.
    ///
    /// `MADSIM_TEST_SEED` is the first seed and `MADSIM_TEST_NUM` their number (one, if only the first is set);
    /// `PROPTEST_CASES` is the number where `MADSIM_TEST_NUM` is not set. `SEEDBED_BUG` plants the model's bug of this
    /// name, to see that a test fails when it should.
    ///
    /// # Panics
    /// With a report, if a property is violated, after shrinking the failure and writing its trace to
    /// `traces/failing/`; if a run differed from its repetition; or if all seeds were run and a declared class of
    /// faults never had an effect or a demanded mark was never made.
    pub fn run(self) -> Summary {
        match self.report() {
            Ok(summary) => summary,
            Err(report) => panic!("\n\n{report}\n"),
        }
    }

    /// Like [`Check::run`], with the report as a value.
    ///
    /// # Errors
    /// The report of whatever [`Check::run`] panics for.
    pub fn report(mut self) -> Result<Summary, String> {
        let name = M::INFO.name;
        if let Some(bug) = bug_from_environment(&M::INFO)? {
            self.campaign.suite.bug = Some(bug);
        }
        let seeds = Seeds::from_environment(self.seeds)?;
        let cases = self.cases();
        let mut summary = Summary::default();
        for seed in seeds.range() {
            let result =
                self.campaign.run_seed(&cases, seed, self.twice_every > 0 && seed.is_multiple_of(self.twice_every));
            summary.add(&result);
            if let Some(diverged) = result.diverged {
                return Err(format!(
                    "{name} is not deterministic: two runs of seed {seed} differ after event {}\n  look for HashMap iteration, clocks, threads, statics or ambient randomness in the model",
                    diverged.event
                ));
            }
            if result.violation.is_some() {
                return Err(self.report_violation(&cases, &result));
            }
            if let Some(undecided) = result.undecided {
                return Err(format!("{name}: nothing is known of seed {seed}: {undecided}"));
            }
        }
        let summary = self.campaign.erased().judged(summary);
        if !seeds.complete {
            return Ok(summary);
        }
        if let Some(class) = summary.unfired.first() {
            return Err(format!(
                "{name}: faults of class '{class}' were declared and never had an effect in {} runs",
                summary.runs
            ));
        }
        if let Some(mark) = summary.unreached.first() {
            return Err(format!("{name}: '{mark}' was never reached in {} runs", summary.runs));
        }
        Ok(summary)
    }

    fn cases(&self) -> Cases<M> {
        let Campaign { suite, swarm } = &self.campaign;
        match &self.workload {
            Some(workload) => swarm.cases_with(&suite.model, workload.clone()).planting(suite.bug),
            None => suite.cases(swarm),
        }
    }

    fn report_violation(&self, cases: &Cases<M>, result: &SeedResult) -> String {
        let case = cases.case(result.seed);
        let source = self.campaign.swarm.source(&case, result.seed, || case.scenario.config.tolerance().delay);
        report_violation(&self.campaign.erased(), (&case.erased(), &source), result, self.shrink_runs)
    }
}

/// Shrinks a failure in at most so many runs, writes its trace to a file, and returns the report.
fn report_violation(
    campaign: &AnyCampaign,
    (case, source): (&AnyCase, &Source),
    result: &SeedResult,
    mut runs: usize,
) -> String {
    let shrinking = shrink::record_and_shrink_any(case, source, campaign, &mut |_| {
        runs = runs.saturating_sub(1);
        runs > 0
    });
    let Ok(Some(shrunk)) = shrinking else {
        let violation = result.violation.as_ref().map(ToString::to_string).unwrap_or_default();
        return format!(
            "{violation}\n  (seed {}; its recording does not fail again: the model is not deterministic)",
            result.seed
        );
    };
    let model = campaign.system.info().name;
    let file = failing_directory().join(file_name(model, &shrunk.violation.property, result.seed));
    let written = keep_trace(&file, &shrunk.trace_of(model, Some(result.seed)).to_text());
    report(&shrunk, result.seed, &file, written, &campaign.system)
}

/// Which seeds a test runs.
struct Seeds {
    first: u64,
    number: u64,
    /// Whether these are at least as many as the test asks for. With fewer, a missing mark or fault class is no error.
    complete: bool,
}

impl Seeds {
    fn from_environment(usual: u64) -> Result<Self, String> {
        let number = |name: &str| match std::env::var(name) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| format!("{name}='{text}' is not a whole number")),
            Err(_) => Ok(None),
        };
        let first = number("MADSIM_TEST_SEED")?;
        let asked = number("MADSIM_TEST_NUM")?.or(number("PROPTEST_CASES")?);
        let number = asked.unwrap_or(if first.is_some() { 1 } else { usual });
        Ok(Seeds { first: first.unwrap_or(0), number, complete: number >= usual })
    }

    fn range(&self) -> Range<u64> {
        self.first..self.first.saturating_add(self.number)
    }
}

/// The variable that plants a bug in the worlds of tests.
const BUG: &str = "SEEDBED_BUG";

/// The name of the bug that the environment asks for.
fn bug_from_environment(model: &Info) -> Result<Option<&'static str>, String> {
    let Ok(asked) = std::env::var(BUG) else { return Ok(None) };
    let found = model.bugs.iter().find(|bug| bug.name == asked);
    let known = || model.bugs.iter().map(|bug| bug.name).collect::<Vec<_>>().join(", ");
    found.map(|bug| Some(bug.name)).ok_or_else(|| format!("{BUG}='{asked}': {} has: {}", model.name, known()))
}

/// Mutation testing of the properties: plants each bug that a model lists, and returns those that these seeds do not
/// catch by the property that the bug is listed with.
///
/// # Panics
/// If no world can run the model's usual configuration.
pub fn missed_bugs<M: Model>(suite: impl Fn() -> Suite<M>, seeds: Range<u64>) -> Vec<Bug> {
    let system = System::new(suite());
    let is_caught = |bug: &Bug| AnyCampaign::hunting(&system, bug.name).breaks(bug.caught_by, seeds.clone());
    M::INFO.bugs.iter().filter(|bug| !is_caught(bug)).copied().collect()
}

/// The tests that every component has: its properties hold under all that it tolerates and its marks are reached, they
/// hold where nothing breaks, and each bug is caught by the property that it is listed with.
///
/// `suite` is a function that returns a [`Suite`](crate::Suite); the numbers are seeds. `bugs` is an upper bound,
/// because the search for a bug ends when it is caught.
///
/// ```
/// # mod pings { pub fn suite() -> seedbed_sim::Suite<seedbed_sim::doc::PingPong> { seedbed_sim::Suite::new(seedbed_sim::doc::PingPong) } }
/// seedbed_sim::component_tests! { pings::suite, seeds: 20, calm: 5, bugs: 100 }
/// ```
#[macro_export]
macro_rules! component_tests {
    ($suite:path, seeds: $seeds:expr, calm: $calm:expr, bugs: $bugs:expr $(,)?) => {
        #[test]
        fn properties_hold_inside_the_tolerance() {
            let suite = $suite();
            $crate::check(suite.model.clone()).suite(suite).seeds($seeds).run();
        }

        #[test]
        fn properties_hold_where_nothing_breaks() {
            let suite = $suite();
            let calm = $crate::Swarm::calm();
            $crate::check(suite.model).faults(calm).properties(suite.properties).seeds($calm).run();
        }

        #[test]
        fn each_bug_is_caught_by_the_property_it_breaks() {
            let missed = $crate::missed_bugs($suite, 0..$bugs);
            assert!(missed.is_empty(), "not caught by the property they break: {missed:?}");
        }
    };
}

/// Where failing traces go: `traces/failing` of the workspace that the test runs in, or of the current directory.
pub fn failing_directory() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let root = here.ancestors().find(|dir| dir.join("Cargo.lock").exists()).unwrap_or(&here);
    root.join("traces").join("failing")
}

/// The file name of a failing trace: model, property and seed.
pub fn file_name(model: &str, property: &str, seed: u64) -> String {
    let own = property.strip_prefix(&format!("{model}/")).unwrap_or(property);
    let own: String =
        own.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).take(60).collect();
    format!("{model}-{}-{seed}.json", own.trim_matches('-'))
}

/// Writes a failing trace. An existing file of that name is renamed to the first free number.
///
/// # Errors
/// If the file cannot be written, or the other one not renamed.
pub fn keep_trace(file: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read_to_string(file).is_ok_and(|other| other != text) {
        let mut aside = (1..).map(|n| file.with_extension(format!("{n}.json")));
        let free = aside.find(|aside| !aside.exists()).expect("there are many numbers");
        std::fs::rename(file, free)?;
    }
    write_trace(file, text)
}

/// Writes a trace so that a reader never sees half of it.
///
/// # Errors
/// If the file cannot be written.
pub fn write_trace(file: &Path, text: &str) -> std::io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    // A device or a pipe is written to, and not replaced by a file.
    if std::fs::metadata(file).is_ok_and(|known| !known.is_file()) {
        return std::fs::write(file, text);
    }
    let mut part = file.file_name().unwrap_or_default().to_os_string();
    part.push(format!(".{}.part", std::process::id()));
    let part = file.with_file_name(part);
    let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, file));
    if written.is_err() {
        // What is left of it is of no use; that it could not be written is the error that counts.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// The report of a shrunk failure, as a test prints it.
fn report(shrunk: &AnyShrunk, seed: u64, file: &Path, written: std::io::Result<()>, system: &System) -> String {
    let mut text = String::new();
    let violation = &shrunk.violation;
    let (before, after) = (shrunk.before, shrunk.story.sizes());
    let here = std::env::current_dir().unwrap_or_default();
    let root = here.ancestors().find(|dir| dir.join("Cargo.lock").exists()).unwrap_or(&here);
    let shown = file.strip_prefix(root).unwrap_or(file).display();
    let mut line = |args: std::fmt::Arguments<'_>| {
        text.write_fmt(args).expect("writing to a string");
        text.push('\n');
    };
    line(format_args!("{} VIOLATED at {} (seed {seed})", violation.property, violation.at));
    line(format_args!("  {}", violation.message));
    line(format_args!("  shrunk: {}, in {} runs", before.shrunk_to(after), shrunk.runs));
    if shrunk.retold {
        line(format_args!("  {RETOLD}"));
    }
    match written {
        Ok(()) => {
            line(format_args!("  trace   {shown}"));
            line(format_args!("  replay  cargo run -- replay {shown}"));
            line(format_args!(
                "          (where the tool knows the model and the property; elsewhere run the test again:)"
            ));
        }
        Err(problem) => line(format_args!("  the trace could not be written to {shown}: {problem}")),
    }
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
    let bug = std::env::var(BUG).map(|bug| format!("{BUG}={bug} ")).unwrap_or_default();
    line(format_args!("  again   {bug}MADSIM_TEST_SEED={seed} cargo test {test}"));
    for fault in &shrunk.story.case.faults {
        line(format_args!("  fault   {fault}"));
    }
    for entry in system.0.as_runner().replay(&shrunk.story, Record::Yes).timeline {
        if let Happening::Invoked { node, text, .. } = entry.what {
            line(format_args!("  {:>9}  {node} asks {text}", entry.at.to_string()));
        }
    }
    text
}
