//! `seedbed`, called bare: a tour. Sweeps every component for a while, hunts every planted bug, prints the table, and writes
//! a small atlas.

use crate::say;
use comfy_table::{Table, presets};

use crate::commands::Ended;
use crate::commands::atlas;
use crate::commands::progress::{Stopwatch, bar, interrupted, mind_ctrl_c};
use crate::component::Options;
use crate::failing::failing_seeds;
use crate::registry;

/// How long the sweeps of a tour take together, in seconds.
const SWEEP_SECONDS: f64 = 36.0;
/// How many seeds a batch has: the clock is looked at between batches.
const BATCH: u64 = 64;
/// How many seeds a bug may take. A tour shows that bugs are found; the kill matrix measures how fast.
const MOST_SEEDS: u64 = 20_000;

/// Takes the tour.
///
/// # Errors
/// If a component cannot be run as it is.
pub fn tour() -> anyhow::Result<Ended> {
    mind_ctrl_c();
    say!("seedbed runs protocols in simulated worlds, breaks what they say they tolerate, and checks what must hold.");
    say!("This tour takes about a minute; Ctrl-C ends it early. `seedbed --help` lists the commands.\n");
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
    say!("next: seedbed list                               what is there");
    say!("      seedbed atlas --quick                      the atlas; without --quick with all configurations");
    say!("      seedbed run tutorial --seed 1              one world, drawn");
    say!("      seedbed sweep tutorial --bug counts-retries   plant a bug, get its shortest story");
    Ok(if held { atlas } else { Ended::Violated })
}
