//! `seedbed replay`: runs a trace, verifies it, and says which choices were unused.

use crate::say::tell;
use crate::{say, say_all, tell};
use std::collections::BTreeSet;
use std::io::{BufRead as _, Read as _};
use std::path::Path;

use anyhow::Context as _;
use seedbed_sim::replay::NUDGES;
use seedbed_sim::system::AnyWorld;
use seedbed_sim::{Fingerprint, NodeId, Time};

use crate::commands::{Ended, at_most, in_file, judged_here, read_trace};
use crate::component::{Changes, Component, Replay};
use crate::draw::{Picture, text};
use crate::report::{how, print_json, replay_json, same, verdict};

/// The output of a replay.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Show events only up to this instant.
    pub until: Option<Time>,
    /// Wait for Enter after each event, and show states on demand.
    pub step: bool,
    /// The most lines of the timeline; 0 for all.
    pub lines: usize,
    /// Print a JSON line instead.
    pub json: bool,
}

/// Replays a trace file, perhaps with changes of its scenario.
///
/// # Errors
/// If the file is no trace that this version can run, or its configuration lacks a field.
pub fn replay(file: &Path, changes: &Changes, how_shown: &Shown) -> anyhow::Result<Ended> {
    let (mut trace, component) = read_trace(file)?;
    if *changes != Changes::default() {
        trace = component.with(&trace, changes).with_context(|| in_file(file))?;
    }
    let replay = component.replay(&trace, NUDGES).with_context(|| in_file(file))?;
    judged_here(&component, &replay).with_context(|| in_file(file))?;
    if how_shown.step {
        let events = replay.recorded.as_ref().map(|violation| violation.event);
        step(&trace, &component, events).with_context(|| in_file(file))?;
    }
    if how_shown.json {
        print_json(&replay_json(&replay));
    } else {
        print(&replay, how_shown);
    }
    Ok(Ended::of_run(&replay.run))
}

fn print(replay: &Replay, how_shown: &Shown) {
    let run = &replay.run;
    let until = how_shown.until.unwrap_or(Time::NEVER);
    let timeline: Vec<_> = run.timeline.iter().filter(|entry| entry.at <= until).cloned().collect();
    let violation = run.violation.as_ref().filter(|violation| violation.at <= until);
    let picture = Picture { timeline: &timeline, violation, ..run.picture(at_most(how_shown.lines)) };
    say_all!("{}", text::draw(&picture));
    say!();
    let verdict = verdict(run.violation.as_ref(), run.undecided.as_ref());
    let (word, tries) = how(replay);
    match (&replay.recorded, word) {
        (Some(recorded), "lost") => say!(
            "lost: the trace violated {} and now comes out as {}",
            recorded.property,
            run.violation.as_ref().map_or("held", |violation| &violation.property)
        ),
        (_, "nudged") => say!("nudged: fails again after its times were moved within 5 % ({tries} tries)"),
        (_, "unknown") => say!("unknown: {}", run.undecided.as_ref().map(ToString::to_string).unwrap_or_default()),
        (_, "same") => {
            say!("not exact: {verdict}, as recorded, in another run; the same are: {}", same(replay).join(", "));
        }
        _ => say!("exact: {verdict}"),
    }
    say!(
        "  {} choices fixed, {} of them never asked for ({:.0} %)",
        replay.choices,
        replay.unused,
        100.0 * replay.unused as f64 / (replay.choices.max(1)) as f64
    );
    if run.fingerprint == replay.recorded_fingerprint {
        say!("  fingerprint {} as recorded", Fingerprint(run.fingerprint));
    } else {
        say!(
            "  fingerprint {}, recorded {}: this is not the run that was recorded",
            Fingerprint(run.fingerprint),
            Fingerprint(replay.recorded_fingerprint)
        );
    }
}

/// The most bytes that are read from standard input.
const MOST_TYPED: u64 = 1_000_000;

/// Steps through entries: Enter continues, `s` shows the states of all nodes, `q` ends stepping.
fn step(trace: &str, component: &Component, events: Option<u64>) -> anyhow::Result<()> {
    let mut keys = std::io::stdin().lock().take(MOST_TYPED).lines();
    tell!("Enter: next, s: states of all nodes, q: go on without stepping");
    let mut nodes = BTreeSet::new();
    let mut shown = 0;
    component.step(trace, events, &mut |world| {
        nodes.extend(world.changed());
        let entries = &world.timeline()[shown..];
        shown += entries.len();
        entries.iter().all(|entry| {
            say!("{:>9}  {}", entry.at.to_string(), serde_json::to_string(&entry.what).unwrap_or_default());
            loop {
                tell(format_args!("> "));
                match keys.next() {
                    Some(Ok(key)) if key.trim() == "s" => say!("{}", states(world, &nodes)),
                    Some(Ok(key)) => return key.trim() != "q",
                    None | Some(Err(_)) => return false,
                }
            }
        })
    })
}

fn states(world: &dyn AnyWorld, nodes: &BTreeSet<NodeId>) -> String {
    let up = nodes.iter().filter_map(|node| Some((node, world.state(*node)?)));
    up.map(|(node, state)| format!("{node}: {state:#?}\n")).collect()
}
