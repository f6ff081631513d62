//! `seedbed mutants`: the kill matrix. For each planted bug: is it caught, by the property that should catch it, after how
//! many seeds, who else sees it, and which strategy finds it fastest?

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use seedbed_sim::Strategy;

use crate::commands::progress::{bar, interrupted, mind_ctrl_c};
use crate::commands::{Ended, counts};
use crate::kills::compare::compare;
use crate::kills::{self, Effort, Plan, Row};
use crate::registry;
use crate::report::print_json;
use crate::say;

/// What is hunted, how hard, and how it is shown.
#[derive(Clone, Debug, clap::Args)]
pub struct Mutants {
    /// Which models; all without it.
    pub models: Vec<String>,
    /// All models.
    #[arg(long, conflicts_with = "models")]
    pub all: bool,
    /// How many attempts a bug; the median is reported.
    #[arg(long, default_value_t = Effort::default().attempts, value_parser = counts::attempts())]
    pub attempts: u64,
    /// How many seeds an attempt.
    #[arg(long, default_value_t = Effort::default().seeds, value_parser = counts::seeds())]
    pub seeds: u64,
    /// How many seeds all attempts at a bug together, by one strategy: rare bugs get fewer attempts.
    #[arg(long, default_value_t = Effort::default().budget, value_parser = counts::seeds())]
    pub budget: u64,
    /// How seeds are made into worlds; several, separated by commas, or `all`, are compared with the first.
    #[arg(long, visible_alias = "strategy", default_value = Strategy::default().name())]
    pub strategies: String,
    /// Compare all strategies: the same as `--strategies all`.
    #[arg(long, conflicts_with = "strategies")]
    pub compare: bool,
    /// How many threads; all cores without it.
    #[arg(long, value_parser = counts::threads())]
    pub threads: Option<usize>,
    /// Write the matrix as a page.
    #[arg(long, value_name = "PATH.html")]
    pub out: Option<PathBuf>,
    /// Print JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// Hunts every bug of the models and prints the matrix.
///
/// # Errors
/// If there is no such model or strategy, or the page cannot be written.
pub fn mutants(call: &Mutants) -> anyhow::Result<Ended> {
    let components: Vec<_> = match &call.models[..] {
        [] => registry::all(),
        models => models.iter().map(|model| registry::find(model)).collect::<Result<_, _>>()?,
    };
    let strategies = if call.compare { parse_strategies("all")? } else { parse_strategies(&call.strategies)? };
    if call.threads == Some(0) || call.attempts == 0 || call.seeds == 0 {
        bail!("--threads, --attempts and --seeds: a hunt needs at least one of each");
    }
    let plan = Plan {
        effort: Effort { attempts: call.attempts, seeds: call.seeds, budget: call.budget },
        strategies: strategies.clone(),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(call.threads.unwrap_or(0)).build()?;
    mind_ctrl_c();
    let bugs: u64 = components.iter().map(|component| component.info().bugs.len() as u64).sum();
    let progress = bar(bugs * strategies.len() as u64, "hunts");
    let rows = pool.install(|| kills::measure(&components, &plan, &|| progress.inc(1), &|| !interrupted()))?;
    progress.finish_and_clear();
    if let Some(file) = &call.out {
        std::fs::write(file, kills::page::page(&rows, &plan))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if call.json {
        print_lines(&rows);
    } else {
        print(&rows);
    }
    let all_killed = !interrupted() && rows.iter().all(|row| row.main().killed());
    Ok(if all_killed { Ended::Held } else { Ended::Violated })
}

/// Names separated by commas; the one that is the default comes first of all.
fn parse_strategies(text: &str) -> anyhow::Result<Vec<Strategy>> {
    let mut strategies: Vec<Strategy> = match text {
        "all" => {
            let usual = Strategy::default();
            std::iter::once(usual).chain(Strategy::ALL.into_iter().filter(|other| *other != usual)).collect()
        }
        names => names.split(',').map(str::parse).collect::<Result<_, _>>().map_err(anyhow::Error::msg)?,
    };
    let mut seen = Vec::new();
    strategies.retain(|strategy| {
        !seen.contains(strategy) && {
            seen.push(*strategy);
            true
        }
    });
    Ok(strategies)
}

fn print_lines(rows: &[Row]) {
    rows.iter().map(kills::json::row).for_each(|line| print_json(&line));
    if rows.first().is_some_and(|row| row.kills.len() > 1) {
        print_json(&kills::json::comparison(rows, &compare(rows)));
    }
}

fn print(rows: &[Row]) {
    say!("{}\n", kills::text::bugs(rows));
    say!("{}\n", kills::text::seers(rows));
    for line in kills::text::only(rows) {
        say!("{line}");
    }
    if rows.first().is_some_and(|row| row.kills.len() > 1) {
        say!("\n{}\n", kills::text::strategies(rows));
        for line in kills::text::verdicts(rows, &compare(rows)) {
            say!("{line}");
        }
    }
}
