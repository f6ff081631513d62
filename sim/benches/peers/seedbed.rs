//! The same on this project's worlds: named choices, the clients' timers, a fingerprint.

use seedbed_models::examples::echo::Echo;
use seedbed_sim::{Case, Record, Source, Span, run as run_case};

use crate::Workload;

pub fn run(workload: Workload, seed: u64) -> u64 {
    let Workload { servers, clients, round_trips } = workload;
    let mut case = Case::quiet(Echo { servers, clients, round_trips, ..Echo::default() });
    // Every latency on its own, and time enough.
    case.scenario.network.fifo = false;
    case.scenario.phases.chaos = Span::secs(3600);
    let outcome = run_case(&case, &Source::Seed(seed), &[], Record::No).expect("the case is possible");
    outcome.stats.delivered
}
