//! `seedbed` without a command: a tour. Sweeps every component for a while, hunts every planted bug, prints the table,
//! and writes a small atlas.

use crate::say;
use comfy_table::{Table, presets};

use crate::commands::Ended;
use crate::commands::atlas;
use crate::commands::progress::{Stopwatch, bar};
use crate::component::{Component, Options};
use crate::failing::failing_seeds;
use crate::program;
use crate::registry;
use crate::signals::{self, interrupted};

/// The seconds of all sweeps of a tour together.
const SWEEP_SECONDS: f64 = 6.0;
/// The seeds of a batch; the clock is read between batches.
const BATCH: u64 = 64;
/// The most seeds for a bug. A tour shows that bugs are found; the kill matrix measures how fast.
const MOST_SEEDS: u64 = 20_000;

/// Runs the tour.
///
/// # Errors
/// If a component cannot be run as it is.
pub fn tour() -> anyhow::Result<Ended> {
    signals::handle();
    say!("seedbed runs protocols in simulated worlds, breaks what they say they tolerate, and checks what must hold.");
    say!("This tour takes about ten seconds; Ctrl-C ends it early. `{} --help` lists the commands.\n", program::name());
    let components = registry::all();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "component",
        "worlds",
        "events",
        "faults that struck",
        "properties",
        "verdict",
        "planted bugs caught",
    ]);
    let mut held = true;
    for component in &components {
        let info = component.info();
        let seconds = SWEEP_SECONDS / components.len() as f64;
        let watch = Stopwatch::start();
        let progress = bar(seconds as u64, info.name);
        let prepared = component.prepare(&Options::default())?;
        let mut summary = prepared.nothing_swept();
        let mut next = 0;
        while watch.seconds() < seconds && !interrupted() {
            let (batch, _) = prepared.sweep(next..next + BATCH, &|_| !interrupted())?;
            summary = summary.merged(batch);
            next += BATCH;
            progress.set_position(watch.seconds() as u64);
        }
        progress.finish_and_clear();
        let mut caught = 0;
        for bug in info.bugs {
            if !interrupted() {
                let options = Options { bug: Some(bug.name.into()), ..Options::default() };
                let seeds = failing_seeds(component, &options, bug.caught_by, 1, MOST_SEEDS)?;
                caught += seeds.len() as u64;
            }
        }
        held &= summary.violations == 0;
        let faults: Vec<_> =
            summary.faults.iter().filter(|(_, count)| **count > 0).map(|(class, _)| &class[..]).collect();
        table.add_row([
            info.name.to_string(),
            summary.runs.to_string(),
            summary.events.to_string(),
            faults.join(" "),
            component.properties().len().to_string(),
            if summary.violations == 0 { "all held".into() } else { format!("{} VIOLATIONS", summary.violations) },
            format!("{caught} of {}", info.bugs.len()),
        ]);
        say!(
            "{:20} {} worlds: {}",
            info.name,
            summary.runs,
            if summary.violations == 0 { "all held" } else { "VIOLATED" }
        );
    }
    say!("\n{table}\n");
    let atlas = if interrupted() { Ended::Held } else { atlas::tiny(&components)? };
    say!();
    say!("next:");
    next(&components).iter().for_each(|(words, what)| say!("  {:48} {what}", format!("{} {words}", program::name())));
    Ok(if held { atlas } else { Ended::Violated })
}

/// Suggested commands: the words after the program's name, and their purpose, for the first component with bugs.
fn next(components: &[Component]) -> Vec<(String, &'static str)> {
    let mut next = vec![
        ("list".to_string(), "what is there"),
        ("atlas --quick".to_string(), "the atlas; without --quick with all configurations"),
    ];
    let with_bugs = components.iter().map(Component::info).find_map(|info| Some((info.name, info.bugs.first()?)));
    if let Some((model, bug)) = with_bugs {
        next.push((format!("run {model} --seed 1"), "one world, drawn"));
        next.push((format!("sweep {model} --bug {}", bug.name), "plant a bug, get its shortest story"));
    }
    next
}
