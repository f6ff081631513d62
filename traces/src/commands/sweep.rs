//! `seedbed sweep`: runs many worlds on all cores, and on many machines.

use crate::{say, tell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, OnceLock};

use anyhow::bail;
use comfy_table::{Table, presets};
use rayon::prelude::*;
use seedbed_sim::{Fingerprint, SeedResult, Strategy, Summary, Undecided};
use serde_json::{Value, json};

use crate::commands::progress::{ShrinkBudget, Stopwatch, bar, keep_shrinking, spinner};
use crate::commands::{Ended, ModelOptions, beyond, counts, keep, shown};
use crate::component::{Component, Options, Prepared, Shrunk};
use crate::corpus;
use crate::program;
use crate::registry;
use crate::report::{folded, seed_json, shrink_lines};
use crate::shard::collect::Collected;
use crate::shard::record::{FORMAT, Header, Part, Planned, Seeds, Swept};
use crate::shard::results::{Results, print_line};
use crate::shard::{Shard, auto};
use crate::signals::{self, interrupted};

/// The options of `seedbed sweep`.
#[derive(Clone, Debug, clap::Args)]
pub struct Sweep {
    /// The models to sweep, one after the other.
    #[arg(required = true)]
    pub models: Vec<String>,
    /// The seeds, as A..B: from A up to and without B.
    #[arg(long, default_value = "0..1000")]
    pub seeds: String,
    #[command(flatten)]
    /// The options for each model.
    pub options: ModelOptions,
    /// The number of threads; all cores by default.
    #[arg(long, value_parser = counts::threads())]
    pub threads: Option<usize>,
    /// Run only shard I of N, as I/N with I from 0; or `auto`, from the environment of a SLURM or AWS Batch array, a
    /// Kubernetes Indexed Job, or a Buildkite or GitHub Actions matrix.
    #[arg(long)]
    pub shard: Option<String>,
    /// Write finished parts to this file, for `seedbed merge`; if it exists, continue it.
    #[arg(long)]
    pub results: Option<PathBuf>,
    /// Exit with 1 if some listed mark was reached by no world: what it names was not tested.
    #[arg(long)]
    pub demand_marks: bool,
    /// Do not shrink failures.
    #[arg(long)]
    pub no_shrink: bool,
    /// Print JSON lines: one for each failing seed, and a summary at the end; with --shard also the lines that `seedbed
    /// merge` needs.
    #[arg(long)]
    pub json: bool,
}

impl Sweep {
    /// The shard to sweep.
    fn shard(&self) -> anyhow::Result<Shard> {
        match self.shard.as_deref() {
            None => Ok(Shard::WHOLE),
            Some("auto") => {
                let auto::Recognised { shard, engine, from } =
                    auto::recognise(&std::env::vars_os().filter_map(readable).collect())
                        .map_err(|problem| anyhow::anyhow!("--shard auto: {problem}"))?;
                tell!("shard {shard}, by {engine} ({from})");
                Ok(shard)
            }
            Some(text) => text.parse().map_err(|problem| anyhow::anyhow!("--shard: {problem}")),
        }
    }
}

/// A variable of the environment, if it is text.
fn readable((name, value): (OsString, OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

/// Runs a sweep.
///
/// # Errors
/// If the options are invalid: unknown models or bugs, bad ranges; or the results cannot be written.
pub fn sweep(call: &Sweep) -> anyhow::Result<Ended> {
    let components: Vec<_> = call.models.iter().map(|model| registry::find(model)).collect::<Result<_, _>>()?;
    if let Some(twice) = call.models.iter().enumerate().find(|(place, model)| call.models[..*place].contains(model)) {
        bail!("{} is given twice", twice.1);
    }
    let options = call.options.parse()?;
    let whole = parse_seeds(&call.seeds)?;
    for component in &components {
        beyond(&component.info(), &options);
    }
    let shard = call.shard()?;
    if call.threads == Some(0) {
        bail!("--threads 0: a sweep needs at least one thread");
    }
    let pool = counts::pool(call.threads)?;
    let mut swept = Swept {
        models: call.models.clone(),
        seeds: Seeds(whole.clone()),
        options: Some(Planned::from(&options)),
        tool: Some(env!("CARGO_PKG_VERSION").to_string()),
        probe: None,
    };
    let joins = call.results.is_some() || (call.json && call.shard.is_some());
    if joins {
        swept.probe = Some(probe(&components, &options, &whole, &pool)?);
    }
    let header = Header { format: FORMAT, shard, swept };
    signals::handle();
    let (results, before) = match &call.results {
        Some(path) => Results::in_file(path, &header)?,
        None if joins => (Results::on_output(&header)?, Collected::default()),
        None => (Results::Nowhere, Collected::default()),
    };
    let (printed, undecided, broken) = (AtomicUsize::new(0), AtomicUsize::new(0), OnceLock::new());
    let mut work = Work { header, options, pool, call, results, before, seconds: 0.0, printed, undecided, broken };
    let mut summary = Summary::default();
    for component in &components {
        summary = summary.merged(work.sweep(component)?);
        if work.stops() {
            break;
        }
    }
    summary.seconds = summary.seconds.max(work.seconds);
    summary.threads = work.pool.current_num_threads();
    summary.find_missing();
    let closing = json!({"summary": summary_json(&summary, &work.header)});
    if !call.json {
        print_summary(&summary);
        if interrupted() {
            let all = components.len() as u64 * (shard.share(&whole).end - shard.share(&whole).start);
            say!("INTERRUPTED: {} of {all} worlds were run", summary.runs);
        }
    }
    work.write_line(&closing);
    match work.broken.into_inner() {
        // What was found counts more than where it could not be written.
        Some(problem) if summary.violations > 0 => tell!("{}: {problem:#}", program::name()),
        Some(problem) => return Err(problem),
        None => {}
    }
    if call.demand_marks && !summary.unreached.is_empty() && !interrupted() {
        tell!("--demand-marks: no world reached {}", summary.unreached.join(", "));
        return Ok(Ended::Violated);
    }
    Ok(Ended::of(summary.violations, summary.undecided))
}

/// The number of first seeds that every worker runs, to verify that all run the same code.
const PROBE: u64 = 16;

fn probe(
    components: &[Component],
    options: &Options,
    seeds: &Range<u64>,
    pool: &rayon::ThreadPool,
) -> anyhow::Result<Fingerprint> {
    let first = seeds.start..seeds.end.min(seeds.start.saturating_add(PROBE));
    let options = &Options { corpus: None, ..options.clone() };
    let mut summary = Summary::default();
    for component in components {
        let prepared = component.prepare(options)?;
        let (part, _) = pool.install(|| prepared.sweep(first.clone(), &|_| true))?;
        summary = summary.merged(part);
    }
    Ok(summary.fingerprint)
}

/// A shard of a sweep, while it is run.
struct Work<'a> {
    header: Header,
    options: Options,
    pool: rayon::ThreadPool,
    call: &'a Sweep,
    results: Results,
    /// The results that the file had before.
    before: Collected,
    /// The seconds that finished models took, without shrinking.
    seconds: f64,
    /// The number of failing seeds of the model that were printed, or would have been without the limit.
    printed: AtomicUsize,
    /// The same of worlds without a verdict.
    undecided: AtomicUsize,
    /// The first result that could not be written: the sweep ends then, and tells what it has found.
    broken: OnceLock<anyhow::Error>,
}

impl Work<'_> {
    /// Whether the sweep ends before all worlds are run.
    fn stops(&self) -> bool {
        interrupted() || self.broken.get().is_some()
    }

    /// Takes note of a result that could not be written.
    fn kept(&self, written: anyhow::Result<()>) {
        if let Err(problem) = written {
            // Of several problems the first is told.
            let _ = self.broken.set(problem);
        }
    }

    /// Runs the remaining seeds of a model, and shrinks failures.
    fn sweep(&mut self, component: &Component) -> anyhow::Result<Summary> {
        let name = component.info().name;
        let prepared = corpus::prepare(component, &self.options)?;
        let Header { shard, swept, .. } = &self.header;
        let share = shard.share(&swept.seeds.0);
        let progress = bar(share.end - share.start, name);
        let lowest: Mutex<Lowest> = Mutex::default();
        let watch = Stopwatch::start();
        let run = |part: &Range<u64>| {
            if self.stops() {
                return Ok(Summary::default());
            }
            let failing = Mutex::new(BTreeMap::new());
            let each = |result: SeedResult| {
                progress.inc(1);
                if let Some(why) = &result.undecided {
                    progress.suspend(|| self.report_undecided(name, result.seed, why));
                }
                if result.violation.is_some() {
                    failing.lock().expect("nobody panics with it").insert(result.seed, seed_json(name, &result, None));
                    let passed_over = if self.call.no_shrink {
                        Some(result)
                    } else {
                        lowest.lock().expect("nobody panics with it").put(result)
                    };
                    if let Some(result) = passed_over {
                        progress.suspend(|| self.report_failure(name, &result));
                    }
                }
                !self.stops()
            };
            let (summary, finds) = prepared.sweep(part.clone(), &each)?;
            self.kept(corpus::write(component, &self.options, &finds));
            if summary.runs == part.end - part.start {
                let failing = failing.into_inner().expect("nobody panics with it").into_values().collect();
                let (seconds, threads) = (self.seconds + watch.seconds(), self.pool.current_num_threads());
                let stamped = Summary { seconds, threads, ..summary.clone() };
                let part = Part { model: name.to_string(), seeds: Seeds(part.clone()), summary: stamped, failing };
                self.kept(self.results.part(&part));
            }
            Ok(summary)
        };
        let mut summary = prepared.nothing_swept();
        let mut left = match self.options.strategy {
            // A guided search keeps the finds of one island for the next search, so it runs in one part.
            Strategy::Guided => vec![share.clone()],
            _ => shard.parts(&swept.seeds.0),
        };
        let all = left.len();
        left.retain(|part| match self.before.part(name, part) {
            Some(had) => {
                progress.inc(had.runs);
                summary = std::mem::take(&mut summary).merged(had.clone());
                false
            }
            None => true,
        });
        if left.len() < all {
            tell!("{name}: {} of {all} parts are there already", all - left.len());
        }
        let merged = |a: Summary, b: Summary| Ok(a.merged(b));
        let ran: anyhow::Result<Summary> =
            self.pool.install(|| left.par_iter().map(run).try_reduce(Summary::default, merged));
        let summary = summary.merged(ran?);
        let seconds = watch.seconds();
        progress.finish_and_clear();
        let mut lowest = lowest.into_inner().expect("nobody panics with it");
        self.restore_failures(&prepared, name, &mut lowest)?;
        for results in lowest.0.into_values() {
            self.shrink_failures(component, &prepared, results.into_values().collect());
        }
        let unprinted = self.printed.swap(0, Relaxed).saturating_sub(MOST_PRINTED);
        if unprinted > 0 {
            say!("{name}: … and {unprinted} more (--json prints a line for each)");
        }
        self.seconds += seconds;
        Ok(summary)
    }

    /// Restores failures of an earlier worker: those that it did not shrink are run again, to be shrunk.
    fn restore_failures(&self, prepared: &Prepared, name: &str, lowest: &mut Lowest) -> anyhow::Result<()> {
        let mut shrunk = BTreeSet::new();
        let mut left = Vec::new();
        for (seed, line) in self.before.failing(name) {
            if line["trace"].is_null() && !self.call.no_shrink {
                left.push((seed, line));
            } else {
                shrunk.insert(line["property"].to_string());
                self.print(line);
            }
        }
        for (seed, line) in left {
            if shrunk.contains(&line["property"].to_string()) || interrupted() {
                self.print(line);
                continue;
            }
            let again: Mutex<Vec<SeedResult>> = Mutex::default();
            let each = |result| {
                again.lock().expect("nobody panics with it").push(result);
                true
            };
            self.pool.install(|| prepared.sweep(seed..seed + 1, &each))?;
            for result in again.into_inner().expect("nobody panics with it") {
                if let Some(passed_over) = lowest.put(result) {
                    self.print(&seed_json(name, &passed_over, None));
                }
            }
        }
        Ok(())
    }

    fn print(&self, line: &Value) {
        if self.call.json {
            print_line(line);
        }
    }

    /// Writes a JSON line to standard output and to the results file.
    fn write_line(&self, line: &Value) {
        self.print(line);
        self.kept(self.results.keep(line));
    }

    /// Tells of a world without a verdict, as far as there is room for it.
    fn report_undecided(&self, name: &str, seed: u64, why: &Undecided) {
        if self.undecided.fetch_add(1, Relaxed) < MOST_PRINTED {
            tell!("{name}: seed {seed} has no verdict: {why}");
        }
    }

    fn report_failure(&self, name: &str, result: &SeedResult) {
        let Some(violation) = &result.violation else { return };
        if self.call.json {
            print_line(&seed_json(name, result, None));
        } else if self.printed.fetch_add(1, Relaxed) < MOST_PRINTED {
            say!("{name}: {} at {} (seed {})", violation.property, violation.at, result.seed);
        }
    }

    /// Shrinks failures of one property, in the order of seeds, until one becomes a short story; keeps the shortest.
    fn shrink_failures(&self, component: &Component, prepared: &Prepared, results: Vec<SeedResult>) {
        let name = component.info().name;
        let watch = Stopwatch::start();
        let spinner = spinner("shrinking");
        let mut best: Option<(usize, Shrunk)> = None;
        for (place, result) in results.iter().enumerate() {
            let short = best.as_ref().is_some_and(|(_, shrunk)| shrunk.after.items() <= SHORT);
            if short || interrupted() {
                break;
            }
            let mut keep_going = keep_shrinking(&spinner, ShrinkBudget::default());
            let found = prepared.hunt(result.seed, &mut keep_going);
            let found = found.unwrap_or_else(|problem| {
                tell!("seed {}: {problem:#}", result.seed);
                None
            });
            let shorter =
                |shrunk: &Shrunk| best.as_ref().is_none_or(|(_, best)| shrunk.after.items() < best.after.items());
            if let Some(shrunk) = found.filter(shorter) {
                best = Some((place, shrunk));
            }
        }
        spinner.finish_and_clear();
        let kept = best.and_then(|(place, shrunk)| {
            let file = keep(component, results[place].seed, &shrunk);
            let file = file.inspect_err(|problem| tell!("seed {}: {problem:#}", results[place].seed)).ok()?;
            Some((place, shrunk, shown(&file)))
        });
        for (place, result) in results.iter().enumerate() {
            let Some((_, shrunk, file)) = kept.as_ref().filter(|(kept, ..)| *kept == place) else {
                self.report_failure(name, result);
                continue;
            };
            let Some(violation) = &result.violation else { continue };
            self.write_line(&seed_json(name, result, Some(file)));
            if !self.call.json {
                say!("{violation}\n  (seed {})", result.seed);
                say!("{}", shrink_lines(shrunk, watch.seconds()));
                say!("  trace   {file}\n  replay  {}\n", program::replay(file));
            }
        }
    }
}

/// The most failing seeds that are printed one by one, besides those that are shrunk.
const MOST_PRINTED: usize = 8;
/// The most failing seeds of a property that are shrunk until one gives a short story.
const TRIES: usize = 3;
/// The most items of a short story.
const SHORT: usize = 8;

/// The lowest failing seeds of each property, which are shrunk; more of them would show nothing new. They are known at
/// the end of the sweep, and do not depend on the number of threads.
#[derive(Default)]
struct Lowest(BTreeMap<String, BTreeMap<u64, SeedResult>>);

impl Lowest {
    /// Adds a failure. If there are too many, returns the highest one.
    fn put(&mut self, result: SeedResult) -> Option<SeedResult> {
        let lowest = self.0.entry(result.violation.as_ref()?.property.clone()).or_default();
        lowest.insert(result.seed, result);
        if lowest.len() > TRIES { lowest.pop_last().map(|(_, result)| result) } else { None }
    }
}

/// Parses `A..B`.
pub fn parse_seeds(text: &str) -> anyhow::Result<Range<u64>> {
    let Seeds(seeds) = text.parse().map_err(|problem| anyhow::anyhow!("--seeds {problem}"))?;
    Ok(seeds)
}

/// The content of the summary line, with the fields that a merge needs.
fn summary_json(summary: &Summary, header: &Header) -> Value {
    let mut value = serde_json::to_value(summary).expect("summaries have string keys and finite numbers");
    let Header { shard, swept, .. } = header;
    value["seeds"] = json!(swept.seeds);
    value["shard"] = json!(shard);
    value["options"] = json!(swept.options);
    value["tool"] = json!(swept.tool);
    value["probe"] = json!(swept.probe);
    value["interrupted"] = json!(interrupted());
    value
}

/// Prints a summary as text.
pub fn print_summary(summary: &Summary) {
    let rate = |count: u64| (count as f64 / summary.seconds.max(1e-9)) as u64;
    say!(
        "{}: {} worlds, {} events in {:.1} s on {} threads ({} worlds/s, {} events/s): {}",
        summary.models.join(", "),
        summary.runs,
        summary.events,
        summary.seconds,
        summary.threads,
        rate(summary.runs),
        rate(summary.events),
        match summary.violations {
            0 => "no violation".into(),
            n => format!("{n} violations"),
        }
    );
    if summary.undecided > 0 {
        say!("UNKNOWN: {} worlds have no verdict", summary.undecided);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (class, count) in &summary.faults {
        table.add_row(vec!["fault".to_string(), class.clone(), count.to_string()]);
    }
    for (mark, count) in folded(summary.marks.iter().map(|(mark, count)| (mark.as_str(), *count))) {
        table.add_row(vec!["mark".to_string(), mark, count]);
    }
    say!("{table}");
    for class in &summary.unfired {
        say!("note: no fault of class '{class}' had an effect");
    }
    for mark in &summary.unreached {
        say!("note: '{mark}' was never reached");
    }
    say!("fingerprint {}", summary.fingerprint);
}
