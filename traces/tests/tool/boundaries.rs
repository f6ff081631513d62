//! Every boundary that a component declares can be stepped over: a seed breaks the property, and shrinks.

use seedbed_traces::component::{Boundary, Component, Options};
use seedbed_traces::failing::failing_seeds;
use seedbed_traces::registry;

/// Rare ones show in one of a few thousand seeds.
const MOST_SEEDS: u64 = 40_000;
/// The kept traces are the short ones; here it is enough that shrinking gets somewhere.
const SHRINK_RUNS: usize = 2_000;

#[test]
fn every_boundary_can_be_stepped_over() {
    for component in registry::all() {
        for boundary in component.boundaries() {
            step_over(&component, boundary);
        }
    }
}

fn step_over(component: &Component, Boundary { name, breaks, .. }: Boundary) {
    let model = component.info().name;
    // What protocols assert of themselves is not in the list of properties.
    let known = breaks.starts_with("assertion: ") || component.judges(breaks);
    assert!(known, "{model} has no property {breaks}, which {name} names");
    let options = Options { boundary: Some(name.into()), ..Options::default() };
    let seeds = failing_seeds(component, &options, breaks, 1, MOST_SEEDS).expect("the boundary's case is possible");
    let [seed] = seeds[..] else {
        panic!("{model}: nothing broke {breaks} at the boundary '{name}' in {MOST_SEEDS} seeds");
    };
    let prepared = component.prepare(&options).expect("the boundary's case is possible");
    let shrunk = prepared.hunt(seed, &mut |progress| progress.runs < SHRINK_RUNS);
    let shrunk = shrunk.expect("it fails again in its recording").expect("it failed before");
    assert_eq!(shrunk.violation.property, breaks, "{model}: {name}");
    assert!(shrunk.after.items() <= shrunk.before.items(), "{model}: {name} grew");
}
