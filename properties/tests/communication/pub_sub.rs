//! Topics and subscriptions keep their promises under every fault they tolerate, and each planted bug breaks the promise it should.

use seedbed_properties::communication::pub_sub::suite;
use seedbed_sim::component_tests;

component_tests! { suite, seeds: 400, calm: 100, bugs: 5_000 }
