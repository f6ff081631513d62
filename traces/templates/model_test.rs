//! What is promised of sapling holds under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_properties::examples::sapling::suite;
use seedbed_sim::{Swarm, check, missed_bugs};

#[test]
fn sapling_keeps_its_promises() {
    check(suite().model).suite(suite()).seeds(200).run();
}

#[test]
fn sapling_works_where_nothing_breaks() {
    // Without faults nothing of what `sometimes` demands need happen, so only the properties are taken.
    check(suite().model).faults(Swarm::calm()).properties(suite().properties).seeds(50).run();
}

/// A rare bug shows in one of a few hundred seeds; `seedbed mutants` measures how rare each is.
const MOST_SEEDS: u64 = 1_000;

#[test]
fn sapling_bugs_are_caught_by_the_properties_they_break() {
    let missed = missed_bugs(suite, 0..MOST_SEEDS);
    assert!(missed.is_empty(), "not caught by the property they break: {missed:?}");
}
