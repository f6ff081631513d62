//! The log broker keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_properties::communication::log_broker::suite;
use seedbed_sim::component_tests;

component_tests! { suite, seeds: 400, calm: 100, bugs: 5_000 }
