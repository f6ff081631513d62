//! How well traces survive changes of the code: shrinks failing seeds of Raft's bugs and replays each trace after one
//! more broadcast kind of message, after one more labelled draw, and with heartbeats 10 % further apart.
//!
//! `cargo run --release -p seedbed-traces --example durability -- 100`

use std::collections::BTreeMap;

use seedbed_sim::Replayed;
use seedbed_sim::replay::NUDGES;
use seedbed_traces::component::{Component, Options};
use seedbed_traces::failing::failing_seeds;
use seedbed_traces::registry;
use serde_json::{Value, json};

const MOST_SEEDS: u64 = 20_000;

/// A change of the code, as a change of the configuration that switches it on, and how many of a hundred traces must
/// survive it.
type Change = (&'static str, fn(&mut Value), usize);

const CHANGES: [Change; 4] = [
    ("none", |_| {}, 100),
    ("one more kind of message", |settings| settings["extras"] = json!({"beacon": true}), 98),
    ("one more labelled draw", |settings| settings["extras"] = json!({"draw": true}), 98),
    ("heartbeats 10 % further apart", |settings| settings["heartbeat"] = json!("55ms"), 85),
];

fn main() -> anyhow::Result<()> {
    let wanted: usize = std::env::args().nth(1).map_or(Ok(100), |word| word.parse())?;
    let raft = registry::find("raft")?;
    let traces = traces(&raft, wanted)?;
    println!("{} traces of {} bugs", traces.len(), raft.info().bugs.len());
    println!("{:32} {:>6} {:>7} {:>5} {:>6}", "change", "exact", "nudged", "lost", "wanted");
    let mut kept = true;
    for (name, change, least) in CHANGES {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in &traces {
            let mut trace: Value = serde_json::from_str(text)?;
            change(&mut trace["scenario"]["config"]["settings"]);
            let replay = raft.replay(&trace.to_string(), NUDGES)?;
            let word = match replay.replayed {
                Replayed::Exact => "exact",
                Replayed::Nudged { .. } => "nudged",
                Replayed::Lost => "lost",
            };
            *counts.entry(word).or_insert(0) += 1;
        }
        let count = |word| counts.get(word).copied().unwrap_or(0);
        println!("{name:32} {:>6} {:>7} {:>5} {least:>6}", count("exact"), count("nudged"), count("lost"));
        kept &= (count("exact") + count("nudged")) * 100 >= least * traces.len();
    }
    anyhow::ensure!(kept, "fewer traces survived than should");
    Ok(())
}

/// Shrunk traces, as many of each bug as it takes.
fn traces(raft: &Component, wanted: usize) -> anyhow::Result<Vec<String>> {
    let bugs = raft.info().bugs;
    let each = wanted.div_ceil(bugs.len());
    let mut traces = Vec::new();
    for bug in bugs {
        let options = Options { bug: Some(bug.name.into()), ..Options::default() };
        let prepared = raft.prepare(&options)?;
        for seed in failing_seeds(raft, &options, bug.caught_by, each, MOST_SEEDS)? {
            if let Some(shrunk) = prepared.hunt(seed, &mut |progress| progress.runs < 20_000)? {
                traces.push(shrunk.text);
            }
        }
    }
    traces.truncate(wanted);
    Ok(traces)
}
