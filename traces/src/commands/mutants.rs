//! `seedbed mutants`: the kill matrix. It says for each planted bug whether its property catches it, after how many
//! seeds, which other properties detect it, and which strategy finds it fastest.

use std::path::PathBuf;

use anyhow::bail;
use seedbed_sim::Strategy;

use crate::commands::progress::bar;
use crate::commands::{Ended, counts};
use crate::files;
use crate::kills::compare::compare;
use crate::kills::{self, Effort, Plan, Row};
use crate::registry;
use crate::report::print_json;
use crate::say;
use crate::signals::{self, interrupted};

/// The options of `seedbed mutants`.
#[derive(Clone, Debug, clap::Args)]
pub struct Mutants {
    /// The models; all by default.
    pub models: Vec<String>,
    /// Hunt the bugs of all models.
    #[arg(long, conflicts_with = "models")]
    pub all: bool,
    /// The number of attempts at each bug; the median is reported.
    #[arg(long, default_value_t = Effort::default().attempts, value_parser = counts::attempts())]
    pub attempts: u64,
    /// The most seeds of an attempt.
    #[arg(long, default_value_t = Effort::default().seeds, value_parser = counts::seeds())]
    pub seeds: u64,
    /// The most seeds of all attempts at a bug by one strategy: rare bugs get fewer attempts.
    #[arg(long, default_value_t = Effort::default().budget, value_parser = counts::seeds())]
    pub budget: u64,
    /// The strategies that draw worlds, separated by commas, or `all`; they are compared with the first.
    #[arg(long, visible_alias = "strategy", default_value = Strategy::default().name())]
    pub strategies: String,
    /// Compare all strategies: the same as `--strategies all`.
    #[arg(long, conflicts_with = "strategies")]
    pub compare: bool,
    /// The number of threads; all cores by default.
    #[arg(long, value_parser = counts::threads())]
    pub threads: Option<usize>,
    /// Write the matrix as an HTML page.
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
    let pool = counts::pool(call.threads)?;
    signals::handle();
    let bugs: u64 = components.iter().map(|component| component.info().bugs.len() as u64).sum();
    let progress = bar(bugs * strategies.len() as u64, "hunts");
    let rows = pool.install(|| kills::measure(&components, &plan, &|| progress.inc(1), &|| !interrupted()))?;
    progress.finish_and_clear();
    if call.json {
        print_lines(&rows);
    } else {
        print(&rows);
    }
    if let Some(file) = &call.out {
        files::write(file, &kills::page::page(&rows, &plan), &[])?;
    }
    let all_killed = !interrupted() && rows.iter().all(|row| row.main().killed());
    Ok(if all_killed { Ended::Held } else { Ended::Violated })
}

/// Parses names separated by commas; the default strategy comes first.
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
    say!("{}\n", kills::text::other_detections(rows));
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
