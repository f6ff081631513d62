//! How long shrunk stories are: for each bug of a model, shrinks a number of failing seeds and prints the sizes.
//!
//! `cargo run --release -p seedbed-traces --example sizes -- raft 20 [BUG]`

use rayon::prelude::*;
use seedbed_traces::commands::progress::Stopwatch;
use seedbed_traces::component::{Component, Options, Shrunk};
use seedbed_traces::failing::failing_seeds;
use seedbed_traces::registry;

const MOST_SEEDS: u64 = 100_000;
const MOST_RUNS: usize = 60_000;

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let model = words.next().unwrap_or_else(|| "raft".into());
    let wanted: usize = words.next().map_or(Ok(20), |word| word.parse())?;
    let component = registry::find(&model)?;
    println!(
        "{:32} {:>7} {:>6} {:>6} {:>5} {:>7} {:>9}",
        "bug", "stories", "median", "most", "nodes", "runs", "seconds"
    );
    let only = words.next();
    for bug in component.info().bugs {
        if only.as_ref().is_some_and(|only| only != bug.name) {
            continue;
        }
        let options = Options { bug: Some(bug.name.into()), ..Options::default() };
        let seeds = failing_seeds(&component, &options, bug.caught_by, wanted, MOST_SEEDS)?;
        // The stories are shrunk on all cores, which makes each of them take a little longer.
        let told: Vec<_> = seeds.par_iter().map(|seed| tell(&component, &options, *seed)).collect::<Result<_, _>>()?;
        let told: Vec<_> = told.into_iter().flatten().collect();
        let of = |number: fn(&(Shrunk, f64)) -> usize| told.iter().map(number).collect::<Vec<_>>();
        let items = of(|(shrunk, _)| shrunk.after.items());
        let (nodes, runs) = (of(|(shrunk, _)| shrunk.after.nodes), of(|(shrunk, _)| shrunk.runs));
        let seconds = of(|(_, seconds)| (seconds * 1000.0) as usize);
        let (stories, most) = (items.len(), items.iter().max().copied().unwrap_or(0));
        println!(
            "{:32} {:>7} {:>6} {:>6} {:>5} {:>7} {:>9.3}",
            bug.name,
            stories,
            median(items),
            most,
            median(nodes),
            median(runs),
            median(seconds) as f64 / 1000.0
        );
    }
    Ok(())
}

/// A seed's shrunk story, and how many seconds it took.
fn tell(component: &Component, options: &Options, seed: u64) -> anyhow::Result<Option<(Shrunk, f64)>> {
    let watch = Stopwatch::start();
    let shrunk = component.prepare(options)?.hunt(seed, &mut |progress| progress.runs < MOST_RUNS)?;
    Ok(shrunk.map(|shrunk| (shrunk, watch.seconds())))
}

fn median(mut values: Vec<usize>) -> usize {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}
