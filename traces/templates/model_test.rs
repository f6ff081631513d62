//! What is promised of sapling holds under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_properties::examples::sapling::suite;
use seedbed_sim::component_tests;

// A rare bug shows in one of a few hundred seeds; `seedbed mutants` measures how rare each is.
component_tests! { suite, seeds: 200, calm: 50, bugs: 1_000 }
