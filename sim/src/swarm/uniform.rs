//! Uniform plans: the baseline for swarm plans. Every class of faults that may be on is on in every world. The number
//! of faults, their kinds, times, lengths and strengths are uniformly distributed inside the same tolerance. No class
//! is left out, nothing is aimed at a role, and faults are independent of each other.

use proptest::prelude::*;

use crate::disk::DiskConfig;
use crate::fault::{Fault, FaultClass, by_time};
use crate::network::NetworkConfig;
use crate::swarm::place::{Plan, PlanParameters};
use crate::swarm::plans::what;
use crate::swarm::rules::{MOST_LATE, MOST_PPM, MOST_SYNC_JITTER};
use crate::time::{Span, Time};

/// Plans have fewer faults than this, as many as a dense plan of a swarm may have.
const FAULTS: usize = 25;
/// The greatest length of a fault that has an end.
const LONGEST: Span = Span::secs(2);

/// A length of at most `most`, in whole microseconds.
fn up_to(most: Span) -> impl Strategy<Value = Span> {
    (0..=most.0 / 1_000).prop_map(Span::us)
}

pub(super) fn plans(parameters: PlanParameters) -> BoxedStrategy<Plan> {
    let on = |class| parameters.classes.contains(&class);
    let ppm = |on: bool, most: u32| if on { (0..=most).boxed() } else { Just(0).boxed() };
    let (usual, fifo) = (parameters.network.latency.clone(), !on(FaultClass::Reorder));
    let usual = match parameters.delay_bound {
        Some(bound) => usual.at_most(bound),
        None => usual,
    };
    let noise = (ppm(on(FaultClass::Loss), MOST_PPM), ppm(on(FaultClass::Dup), MOST_PPM));
    let network = noise.prop_map(move |(loss_ppm, dup_ppm)| NetworkConfig {
        latency: usual.clone(),
        fifo,
        loss_ppm,
        dup_ppm,
        bandwidth: None,
    });
    let disk = if on(FaultClass::Disk) {
        (up_to(Span::ms(10)), up_to(MOST_SYNC_JITTER), 0..=1_000_000u32, 0..=300_000u32)
            .prop_map(|(sync, sync_jitter, lost_ppm, torn_ppm)| DiskConfig { sync, sync_jitter, lost_ppm, torn_ppm })
            .boxed()
    } else {
        Just(DiskConfig::default()).boxed()
    };
    let late = up_to(parameters.delay_bound.map_or(MOST_LATE, |bound| bound.min(MOST_LATE)));
    (network, disk, late, faults(&parameters))
        .prop_map(|(network, disk, timer_jitter, faults)| Plan { network, disk, timer_jitter, faults })
        .boxed()
}

fn faults(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let kinds: Vec<_> = parameters.classes.iter().filter_map(|class| what(parameters, *class, false)).collect();
    if kinds.is_empty() {
        return Just(Vec::new()).boxed();
    }
    let at = (0..=parameters.chaos.0 / 1_000_000).prop_map(Time::ms);
    let lasts = (1..=LONGEST.0 / 1_000_000).prop_map(Span::ms);
    let fault = (at, lasts, prop::strategy::Union::new(kinds));
    let plan = prop::collection::vec(fault.prop_map(|(at, lasts, what)| Fault::new(at, lasts, what)), 0..FAULTS);
    plan.prop_map(|mut plan| {
        by_time(&mut plan);
        plan
    })
    .boxed()
}
