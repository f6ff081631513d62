//! Which entries of the transition tables of coherence a sweep reaches, and which it does not.
//!
//! `cargo run --release -p seedbed-properties --example coherence_tables -- 2000`: so many seeds.

use std::collections::BTreeMap;

use seedbed_models::caching::coherence::protocol::{combinations, tables};
use seedbed_properties::caching::coherence::suite;
use seedbed_sim::Campaign;

fn main() {
    let seeds: u64 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(2_000);
    let each = |result: seedbed_sim::SeedResult| {
        if let Some(violation) = &result.violation {
            println!("seed {}: {violation}", result.seed);
        }
        true
    };
    let summary = Campaign::new(suite()).sweep(0..seeds, 0, &each).expect("the usual configuration is possible");
    println!("{} worlds, {} events, {} violations", summary.runs, summary.events, summary.violations);
    let (mut all, mut reached) = (0, 0);
    for (protocol, on) in combinations() {
        let mut here: BTreeMap<&str, u64> = BTreeMap::new();
        let tables = tables(protocol, on, None);
        for table in std::iter::once(&tables.cache).chain(&tables.home) {
            here.extend(table.marks().map(|mark| (mark, summary.marks.get(mark).copied().unwrap_or(0))));
        }
        let missing: Vec<&str> = here.iter().filter(|(_, count)| **count == 0).map(|(mark, _)| *mark).collect();
        let rare = here.values().filter(|count| (1..4).contains(*count)).count();
        println!("{protocol} on {on}: {} of {}, {rare} of them rarely", here.len() - missing.len(), here.len());
        for mark in &missing {
            println!("    {mark}");
        }
        all += here.len();
        reached += here.len() - missing.len();
    }
    println!("{reached} of {all} entries");
}
