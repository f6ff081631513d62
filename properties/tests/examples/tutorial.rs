//! What is promised holds under every fault that is tolerated, and each planted bug breaks the promise it should.

// A rare bug shows in one of a few hundred seeds; `seedbed mutants` measures how rare each is.
seedbed_sim::component_tests! {
    seedbed_properties::examples::tutorial::suite, seeds: 200, calm: 50, bugs: 1_000
}
