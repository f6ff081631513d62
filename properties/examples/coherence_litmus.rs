//! All classical litmus programs on all coherence protocols and both kinds of cores: whether each ends in every way that
//! its cores allow, and in no other.
//!
//! `cargo run --release -p seedbed-properties --example coherence_litmus -- 60000`: so many seeds at most for each.

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::protocol::combinations;
use seedbed_models::caching::coherence::settings::MemoryModel;
use seedbed_models::caching::litmus::classical;
use seedbed_properties::caching::coherence::outcomes::observe;
use seedbed_properties::caching::coherence::suite;
use seedbed_sim::Suite;

fn main() {
    let most: u64 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(60_000);
    let (mut all, mut exact, mut runs, mut slowest) = (0, 0, 0, (0, String::new()));
    for (protocol, on) in combinations() {
        for kind in [MemoryModel::Sc, MemoryModel::Tso] {
            for litmus in classical() {
                let model = Coherence { memory: kind, ..Coherence::default().on(protocol, on) }.running(&litmus);
                let suite = Suite { model, properties: suite().properties, ..Suite::new(Coherence::default()) };
                let seen = observe(&suite, 0..most, true).expect("it runs a program");
                let what = format!("{} on {protocol}, {on}, {}", litmus.program.name, kind.name());
                (all, runs) = (all + 1, runs + seen.runs);
                exact += u64::from(seen.is_exact());
                if !seen.is_exact() {
                    println!("{what}: {} {:?}", seen.comparison(), seen.violation);
                }
                slowest = slowest.max((seen.runs, what));
            }
        }
        println!("{protocol} on {on}: {exact} of {all} exact so far, {runs} worlds; the longest took {slowest:?}");
    }
}
