//! `seedbed run`: runs one world, and prints its verdict, its statistics and its timeline.

use std::path::Path;

use crate::commands::litmus::{Seeds, litmus};
use crate::commands::progress::{ShrinkBudget, keep_shrinking, spinner};
use crate::commands::{Ended, ModelOptions, at_most, hunt, shown};
use crate::component::Run;
use crate::corpus;
use crate::draw::text;
use crate::files;
use crate::program;
use crate::registry;
use crate::report::{folded, latencies, print_json, run_json, verdict};
use crate::{say, say_all, tell};

/// Runs one seed of a model, or the litmus program of the options.
///
/// # Errors
/// If there is no such model, or the options do not fit it.
pub fn run(
    model: &str,
    seeds: Seeds<'_>,
    options: &ModelOptions,
    lines: usize,
    whole: Option<&Path>,
    as_json: bool,
) -> anyhow::Result<Ended> {
    let component = registry::find(model)?;
    let options = options.parse()?;
    let prepared = corpus::prepare(&component, &options)?;
    if let Some(ended) = litmus(&prepared, &options, seeds, as_json)? {
        return Ok(ended);
    }
    let seed = seeds.one.unwrap_or(0);
    let run = prepared.run(seed)?;
    let written = whole.map_or(Ok(()), |file| files::write(file, &prepared.record(seed)?, &[]));
    let trace = match &run.violation {
        None => None,
        Some(_) => {
            let spinner = spinner("shrinking");
            let found = hunt(&component, &prepared, seed, &mut keep_shrinking(&spinner, ShrinkBudget::default()));
            spinner.finish_and_clear();
            found.map(|(_, file)| shown(&file))
        }
    };
    if as_json {
        print_json(&run_json(model, seed, &run, trace.as_deref()));
    } else {
        print(model, seed, &run, lines);
        if let Some(trace) = &trace {
            say!("\n  trace   {trace}\n  replay  {}", program::replay(trace));
        }
    }
    match written {
        // The violation counts more than the file.
        Err(problem) if run.violation.is_some() => tell!("{}: {problem:#}", program::name()),
        written => written?,
    }
    Ok(Ended::of_run(&run))
}

fn print(model: &str, seed: u64, run: &Run, lines: usize) {
    say_all!("{}", text::draw(&run.picture(at_most(lines))));
    let stats = &run.stats;
    say!(
        "\n{model}, seed {seed}: {} after {} events, {} of virtual time",
        verdict(run.violation.as_ref(), run.undecided.as_ref()),
        stats.events,
        run.ended_at
    );
    if let Some(why) = &run.undecided {
        say!("  {why}");
    }
    say!(
        "  messages    {} sent, {} delivered, {} lost, {} doubled, {} cut, {} to a node that was down",
        stats.sent,
        stats.delivered,
        stats.lost,
        stats.doubled,
        stats.cut,
        stats.to_down
    );
    say!("  writes      {} forced, {} lazy", stats.forced, stats.lazy);
    let operations = &run.operations;
    say!(
        "  operations  {} returned, {} failed, {} unknown, {} never invoked",
        operations.returned,
        operations.failed,
        operations.unknown,
        stats.skipped
    );
    if !operations.latencies.is_empty() {
        let latency = latencies(&operations.latencies);
        let ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1e6;
        say!("  latency     p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms (virtual)", ms(0.5), ms(0.9), ms(0.99));
    }
    for (name, count) in folded(run.marks.iter().map(|(name, count)| (*name, *count))) {
        say!("  mark        {name}: {count}");
    }
}
