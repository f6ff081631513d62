//! `seedbed sweep`: many worlds on all cores.

use crate::say;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use anyhow::{Context as _, bail};
use comfy_table::{Table, presets};
use seedbed_sim::{SeedResult, Summary};
use serde_json::{Value, json};

use crate::commands::progress::{ShrinkBudget, Stopwatch, bar, interrupted, keep_shrinking, mind_ctrl_c, spinner};
use crate::commands::{Ended, ModelOptions, keep, shown};
use crate::component::{Component, Options, Shrunk};
use crate::registry;
use crate::report::{folded, print_json, seed_json, shrink_line};

/// What is swept.
#[derive(Clone, Debug, clap::Args)]
pub struct Sweep {
    /// The models to sweep, one after the other.
    #[arg(required = true)]
    pub models: Vec<String>,
    /// The seeds, as A..B: from A up to and without B.
    #[arg(long, default_value = "0..1000")]
    pub seeds: String,
    #[command(flatten)]
    /// How each model is run.
    pub options: ModelOptions,
    /// How many threads; all cores without it.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Run only part I of N, written I/N, I from 0.
    #[arg(long)]
    pub shard: Option<String>,
    /// Do not shrink what fails.
    #[arg(long)]
    pub no_shrink: bool,
    /// Print JSON lines: one for each failing seed, a summary at the end.
    #[arg(long)]
    pub json: bool,
}

/// Sweeps.
///
/// # Errors
/// If the call does not make sense: unknown models or bugs, bad ranges.
pub fn sweep(call: &Sweep) -> anyhow::Result<Ended> {
    let components: Vec<_> = call.models.iter().map(|model| registry::find(model)).collect::<Result<_, _>>()?;
    let options = call.options.parse()?;
    let whole = parse_seeds(&call.seeds)?;
    let shard = call.shard.as_deref().map(parse_shard).transpose()?.unwrap_or(Shard { index: 0, of: 1 });
    let seeds = shard.part(&whole);
    if call.threads == Some(0) {
        bail!("--threads 0: a sweep needs at least one thread");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(call.threads.unwrap_or(0)).build()?;
    mind_ctrl_c();
    let mut seconds = 0.0;
    let mut summary = Summary::default();
    for component in &components {
        let one = sweep_one(&**component, &options, seeds.clone(), &pool, call)?;
        seconds += one.seconds;
        summary = summary.merged(one);
        if interrupted() {
            break;
        }
    }
    summary.seconds = seconds;
    summary.threads = pool.current_num_threads();
    summary.find_missing();
    match call.json {
        true => print_json(&json!({"summary": summary_json(&summary, &whole, shard)})),
        false => print_summary(&summary),
    }
    Ok(if summary.violations > 0 { Ended::Violated } else { Ended::Held })
}

fn sweep_one(
    component: &dyn Component,
    options: &Options,
    seeds: Range<u64>,
    pool: &rayon::ThreadPool,
    call: &Sweep,
) -> anyhow::Result<Summary> {
    let name = component.info().name;
    let progress = bar(seeds.end - seeds.start, name);
    let lowest: Mutex<Lowest> = Mutex::default();
    let each = |result: SeedResult| {
        progress.inc(1);
        if result.violation.is_some() {
            let passed_over = match call.no_shrink {
                true => Some(result),
                false => lowest.lock().expect("nobody panics with it").put(result),
            };
            if let Some(result) = passed_over {
                progress.suspend(|| report_failure(name, &result, call.json));
            }
        }
        !interrupted()
    };
    let watch = Stopwatch::start();
    let mut summary = pool.install(|| component.sweep(options, seeds, &each))?;
    summary.seconds = watch.seconds();
    progress.finish_and_clear();
    for results in lowest.into_inner().expect("nobody panics with it").0.into_values() {
        shrink_failures(component, options, results.into_values().collect(), call.json);
    }
    Ok(summary)
}

/// How many failing seeds of a property may be shrunk, until one gives a story that is short enough.
const TRIES: usize = 3;
/// So many operations, faults and deviations are few enough to be read.
const SHORT: usize = 8;

/// The lowest failing seeds of each property: those that are shrunk, for more of the same tell nothing new. They are known
/// when the sweep has ended, and do not depend on how many threads there were.
#[derive(Default)]
struct Lowest(BTreeMap<String, BTreeMap<u64, SeedResult>>);

impl Lowest {
    /// Keeps a failure if it is one of the lowest of its property; hands back the one that is not.
    fn put(&mut self, result: SeedResult) -> Option<SeedResult> {
        let lowest = self.0.entry(result.violation.as_ref()?.property.clone()).or_default();
        lowest.insert(result.seed, result);
        if lowest.len() > TRIES { lowest.pop_last().map(|(_, result)| result) } else { None }
    }
}

fn report_failure(name: &str, result: &SeedResult, as_json: bool) {
    let Some(violation) = &result.violation else { return };
    match as_json {
        true => print_json(&seed_json(name, result, None)),
        false => say!("{name}: {} at {} (seed {})", violation.property, violation.at, result.seed),
    }
}

/// Shrinks failures of one property, ascending, until one has become a short story; keeps the shortest.
fn shrink_failures(component: &dyn Component, options: &Options, results: Vec<SeedResult>, as_json: bool) {
    let name = component.info().name;
    let watch = Stopwatch::start();
    let spinner = spinner("shrinking");
    let mut best: Option<(usize, Shrunk)> = None;
    for (place, result) in results.iter().enumerate() {
        let short = best.as_ref().is_some_and(|(_, shrunk)| shrunk.after.items() <= SHORT);
        if short || interrupted() {
            break;
        }
        let found = component.hunt(options, result.seed, &mut keep_shrinking(&spinner, ShrinkBudget::default()));
        let found = found.unwrap_or_else(|problem| {
            eprintln!("seed {}: {problem:#}", result.seed);
            None
        });
        let shorter = |shrunk: &Shrunk| best.as_ref().is_none_or(|(_, best)| shrunk.after.items() < best.after.items());
        if let Some(shrunk) = found.filter(shorter) {
            best = Some((place, shrunk));
        }
    }
    spinner.finish_and_clear();
    let kept = best.and_then(|(place, shrunk)| {
        let file = keep(component, results[place].seed, &shrunk);
        let file = file.inspect_err(|problem| eprintln!("seed {}: {problem:#}", results[place].seed)).ok()?;
        Some((place, shrunk, shown(&file)))
    });
    for (place, result) in results.iter().enumerate() {
        let Some((_, shrunk, file)) = kept.as_ref().filter(|(kept, ..)| *kept == place) else {
            report_failure(name, result, as_json);
            continue;
        };
        let Some(violation) = &result.violation else { continue };
        if as_json {
            print_json(&seed_json(name, result, Some(file)));
            continue;
        }
        say!("{violation}\n  (seed {})", result.seed);
        say!("  {}", shrink_line(shrunk, watch.seconds()));
        say!("  trace   {file}\n  replay  cargo run --release -- replay {file}\n");
    }
}

/// `A..B`.
pub fn parse_seeds(text: &str) -> anyhow::Result<Range<u64>> {
    let help = || format!("--seeds {text}: write two numbers, A..B, such as 0..1000");
    let (from, to) = text.split_once("..").with_context(help)?;
    let (from, to) = (from.trim().parse::<u64>().with_context(help)?, to.trim().parse::<u64>().with_context(help)?);
    if from >= to {
        bail!("--seeds {text}: there is no seed in it; B must be above A");
    }
    Ok(from..to)
}

/// One of several parts of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 0.
    pub index: u64,
    /// Of how many.
    pub of: u64,
}

fn parse_shard(text: &str) -> anyhow::Result<Shard> {
    let help = || format!("--shard {text}: write I/N with I from 0 to N−1, such as 0/4");
    let (index, of) = text.split_once('/').with_context(help)?;
    let (index, of) = (index.parse::<u64>().with_context(help)?, of.parse::<u64>().with_context(help)?);
    if index >= of {
        bail!(help());
    }
    Ok(Shard { index, of })
}

impl Shard {
    /// Its part of the seeds: the parts follow each other and differ in length by one at most.
    pub fn part(self, seeds: &Range<u64>) -> Range<u64> {
        let cut =
            |i: u64| seeds.start + (u128::from(seeds.end - seeds.start) * u128::from(i) / u128::from(self.of)) as u64;
        cut(self.index)..cut(self.index + 1)
    }
}

/// The summary line's content, with what a merge has to know.
pub fn summary_json(summary: &Summary, whole: &Range<u64>, shard: Shard) -> Value {
    let mut value = serde_json::to_value(summary).expect("summaries have string keys and finite numbers");
    value["seeds"] = json!(format!("{}..{}", whole.start, whole.end));
    value["shard"] = json!(format!("{}/{}", shard.index, shard.of));
    value["interrupted"] = json!(interrupted());
    value
}

/// Prints a summary for people.
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
