//! Which entries of the transition tables of coherence a sweep of each protocol reaches, and which it does not.
//!
//! `cargo run --release -p seedbed-properties --example coherence_tables -- 500 mesi directory`: so many seeds of each
//! combination, or of this one.

use std::collections::BTreeSet;

use seedbed_models::coherence::Coherence;
use seedbed_models::coherence::protocol::{combinations, tables};
use seedbed_properties::coherence::suite;
use seedbed_sim::Swarm;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let seeds: u64 = words.first().and_then(|word| word.parse().ok()).unwrap_or(500);
    let wanted = |name: &str| words.len() < 2 || words[1..].iter().all(|word| word == name);
    for (protocol, on) in combinations() {
        if !wanted(protocol.name()) && !(words.len() == 3 && words[1] == protocol.name() && words[2] == on.name()) {
            continue;
        }
        let mut suite = suite();
        suite.sometimes.clear();
        let base = Coherence::default();
        let cases = Swarm::tolerated().cases(&base);
        let campaign = seedbed_sim::Campaign::new(suite);
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut violations = 0;
        let (mut run, mut seed) = (0, 0);
        while run < seeds {
            seed += 1;
            let case = cases.case(seed);
            if (case.scenario.config.protocol, case.scenario.config.interconnect) != (protocol, on) {
                continue;
            }
            run += 1;
            let result = campaign.run_seed(&cases, seed, false);
            if let Some(violation) = &result.violation {
                violations += 1;
                println!("seed {seed}: {violation}");
            }
            reached.extend(result.marks.iter().map(|(name, _)| *name));
        }
        let tables = tables(protocol, on, None);
        for table in std::iter::once(&tables.cache).chain(&tables.home) {
            let missing: Vec<&str> = table.marks().filter(|mark| !reached.contains(mark)).collect();
            let all = table.marks().count();
            println!("{}: {} of {all} in {seeds} seeds, {violations} violations", table.name, all - missing.len());
            for mark in missing {
                println!("    {mark}");
            }
        }
    }
}
