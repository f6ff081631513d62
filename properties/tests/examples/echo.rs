//! Echo under everything it tolerates.

use seedbed_models::examples::echo::Echo;
use seedbed_properties::examples::echo;
use seedbed_sim::check;

#[test]
fn echo_answers() {
    check(Echo::default()).suite(echo::suite()).run();
}
