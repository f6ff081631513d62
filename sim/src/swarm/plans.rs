//! Plans of a swarm: which classes of faults are on, in which style, and the faults.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::disk::DiskConfig;
use crate::fault::{Direction, Fault, FaultClass, Target, What, by_time};
use crate::network::{CutMode, Latency, NetworkConfig};
use crate::swarm::motif::Motif;
use crate::swarm::rules::{DELAYS, MOST_LATE, MOST_LATENCY, MOST_PPM, MOST_SYNC_JITTER, SLOWNESSES};
use crate::time::{Span, Time};

use crate::swarm::place::{Plan, PlanParameters};

/// How faults are distributed over a plan.
#[derive(Clone, Copy, Debug)]
enum Style {
    /// Few faults, at random nodes.
    Sparse,
    /// Many faults, at random nodes.
    Dense,
    /// Many faults, mostly at holders of roles.
    Aimed,
    /// One motif, repeated.
    Motif(Motif),
}

pub(super) fn plans(parameters: PlanParameters) -> BoxedStrategy<Plan> {
    let all = parameters.classes.clone();
    // Half of the classes on average; sometimes all of them, or only those that the style needs.
    let on = if parameters.every {
        Just(vec![true; all.len()]).boxed()
    } else {
        prop_oneof![
            5 => prop::collection::vec(any::<bool>(), all.len()),
            1 => Just(vec![true; all.len()]),
            2 => Just(vec![false; all.len()]),
        ]
        .boxed()
    };
    let on = on.prop_map(move |mask| -> BTreeSet<FaultClass> {
        all.iter().zip(mask).filter(|(_, on)| *on).map(|(class, _)| *class).collect()
    });
    let mut styles = vec![(1, Style::Sparse), (1, Style::Dense), (1, Style::Aimed)];
    styles.extend(Motif::among(&Motif::USUAL, &parameters).into_iter().map(|motif| (3, Style::Motif(motif))));
    let styles = styles.into_iter().map(|(weight, style)| (weight, Just(style).boxed()));
    let style = prop::strategy::Union::new_weighted(styles.collect());
    (on, style).prop_flat_map(move |(on, style)| plan(parameters.clone(), on, style)).boxed()
}

/// Plans of one [deep](Motif::DEEP) motif, repeated; `None` if none of them can be drawn. The classes of the noise are drawn as
/// in other plans.
pub(super) fn deep_plans(parameters: PlanParameters) -> Option<BoxedStrategy<Plan>> {
    let motifs = Motif::among(&Motif::DEEP, &parameters);
    if motifs.is_empty() {
        return None;
    }
    let all = parameters.classes.clone();
    let plan = (prop::collection::vec(any::<bool>(), all.len()), prop::sample::select(motifs)).prop_flat_map(
        move |(mask, motif)| {
            let on = all.iter().zip(mask).filter(|(_, on)| *on).map(|(class, _)| *class).collect();
            plan(parameters.clone(), on, Style::Motif(motif))
        },
    );
    Some(plan.boxed())
}

fn plan(parameters: PlanParameters, mut on: BTreeSet<FaultClass>, style: Style) -> impl Strategy<Value = Plan> {
    if let Style::Motif(motif) = style {
        on.extend(motif.needs());
    }
    let network = network(&parameters.network, &on, parameters.delay_bound);
    let disk = disk(on.contains(&FaultClass::Disk));
    let timer_jitter = prop_oneof![3 => Just(Span::ZERO), 1 => Just(Span::us(500)), 1 => Just(MOST_LATE)];
    let bound = parameters.delay_bound;
    let timer_jitter = timer_jitter.prop_map(move |late| bound.map_or(late, |bound| late.min(bound)));
    let faults = match style {
        style if parameters.every => faults_of_every(&parameters, &on, style),
        Style::Sparse => faults(&parameters, &on, false, 0..4),
        Style::Dense => faults(&parameters, &on, false, 3..25),
        Style::Aimed => faults(&parameters, &on, true, 2..14),
        Style::Motif(motif) => motif.plan(&parameters),
    };
    (network, disk, timer_jitter, faults).prop_map(|(network, disk, timer_jitter, faults)| Plan {
        network,
        disk,
        timer_jitter,
        faults,
    })
}

/// Faults of each class are drawn separately, one at least; those of a motif's classes by the motif.
fn faults_of_every(parameters: &PlanParameters, on: &BTreeSet<FaultClass>, style: Style) -> BoxedStrategy<Vec<Fault>> {
    let (motif, aimed, count) = match style {
        Style::Sparse => (None, false, 1..4),
        Style::Dense => (None, false, 3..25),
        Style::Aimed => (None, true, 2..14),
        Style::Motif(motif) => (Some(motif), false, 1..4),
    };
    let needs = motif.map_or(&[][..], Motif::needs);
    let alone = on.iter().filter(|class| !needs.contains(class));
    let mut parts: Vec<_> = alone.map(|class| faults(parameters, &[*class].into(), aimed, count.clone())).collect();
    parts.extend(motif.map(|motif| motif.plan(parameters)));
    let together = parts.prop_map(|parts| {
        let mut plan = parts.concat();
        by_time(&mut plan);
        plan
    });
    together.boxed()
}

fn ppm(on: bool) -> BoxedStrategy<u32> {
    if on { prop_oneof![Just(2_000), Just(20_000), Just(100_000), Just(MOST_PPM)].boxed() } else { Just(0).boxed() }
}

fn network(
    base: &NetworkConfig,
    on: &BTreeSet<FaultClass>,
    bound: Option<Span>,
) -> impl Strategy<Value = NetworkConfig> + use<> {
    let least = base.latency.base();
    let usual = base.latency.clone();
    // A quarter of the worlds has no jitter: only the order of events varies, and rare interleavings are common.
    let latency = prop_oneof![
        2 => Just(Latency::Constant { base: least }),
        3 => Just(usual),
        2 => Just(Latency::LogNormal { min: least, median: least * 2, sigma_milli: 800, max: least * 200 }),
        1 => Just(Latency::HeavyTail { min: least, alpha_milli: 1_100, max: least * MOST_LATENCY }),
    ];
    let latency = latency.prop_map(move |latency| match bound {
        Some(bound) => latency.at_most(bound),
        None => latency,
    });
    let fifo = Just(!on.contains(&FaultClass::Reorder));
    (latency, ppm(on.contains(&FaultClass::Loss)), ppm(on.contains(&FaultClass::Dup)), fifo).prop_map(
        |(latency, loss_ppm, dup_ppm, fifo)| NetworkConfig { latency, fifo, loss_ppm, dup_ppm, bandwidth: None },
    )
}

fn disk(on: bool) -> BoxedStrategy<DiskConfig> {
    if !on {
        return Just(DiskConfig::default()).boxed();
    }
    let sync = prop_oneof![Just(Span::us(100)), Just(Span::ms(2)), Just(Span::ms(10))];
    let jitter = prop_oneof![Just(Span::ZERO), Just(Span::ms(1)), Just(MOST_SYNC_JITTER)];
    let lost = prop_oneof![1 => Just(0), 2 => Just(300_000), 2 => Just(1_000_000)];
    let torn = prop_oneof![Just(0), Just(300_000)];
    (sync, jitter, lost, torn)
        .prop_map(|(sync, sync_jitter, lost_ppm, torn_ppm)| DiskConfig { sync, sync_jitter, lost_ppm, torn_ppm })
        .boxed()
}

fn faults(
    parameters: &PlanParameters,
    on: &BTreeSet<FaultClass>,
    aimed: bool,
    count: std::ops::Range<usize>,
) -> BoxedStrategy<Vec<Fault>> {
    let kinds: Vec<_> = on.iter().filter_map(|class| what(parameters, *class, aimed)).collect();
    if kinds.is_empty() {
        return Just(Vec::new()).boxed();
    }
    let at = (0..=parameters.chaos.0 / 1_000_000).prop_map(Time::ms);
    let lasts = prop_oneof![
        3 => (1u64..50).prop_map(|ms| Some(Span::ms(ms))),
        4 => (50u64..500).prop_map(|ms| Some(Span::ms(ms))),
        2 => (500u64..2_000).prop_map(|ms| Some(Span::ms(ms))),
        1 => Just(None),
    ];
    let reaction_time = parameters.reaction_time;
    let within = prop_oneof![Just(None), Just(Some(reaction_time)), Just(Some(reaction_time * 4))];
    let fault = (at, lasts, within, prop::strategy::Union::new(kinds));
    let fault = fault.prop_map(|(at, lasts, within, what)| {
        let within = within.filter(|_| matches!(what.target(), Some(Target::Role(_))));
        Fault { at, lasts, within, after: None, what }
    });
    prop::collection::vec(fault, count)
        .prop_map(|mut plan| {
            by_time(&mut plan);
            plan
        })
        .boxed()
}

/// The faults of one class; `None` for classes that are noise of the network or the disk and not items of a plan.
pub(super) fn what(parameters: &PlanParameters, class: FaultClass, aimed: bool) -> Option<BoxedStrategy<What>> {
    let nodes = parameters.nodes.clone();
    let anyone = prop::sample::select(nodes.clone()).prop_map(Target::Node);
    let crashable = (!parameters.crashable.is_empty())
        .then(|| prop::sample::select(parameters.crashable.clone()).prop_map(Target::Node).boxed());
    let holder = (aimed && !parameters.roles.is_empty())
        .then(|| prop::sample::select(parameters.roles.clone()).prop_map(Target::Role).boxed());
    // The target; in an aimed plan mostly the holder of a role, and mostly of the model's first role.
    let target = |untargeted: BoxedStrategy<Target>| match (&holder, parameters.roles.first()) {
        (Some(holder), Some(first)) => {
            prop_oneof![5 => Just(Target::Role(first.clone())), 2 => holder.clone(), 2 => untargeted].boxed()
        }
        _ => untargeted,
    };
    let several = move || prop::sample::subsequence(nodes.clone(), 1..=nodes.len().max(2) - 1);
    let mode = || prop_oneof![3 => Just(CutMode::Drop), 1 => Just(CutMode::Hold)];
    Some(match class {
        FaultClass::Loss | FaultClass::Dup => return None,
        FaultClass::Reorder => {
            let by = prop_oneof![Just(DELAYS[0]), Just(DELAYS[1]), Just(DELAYS[2])];
            (several(), several(), by).prop_map(|(from, to, by)| What::Delay { from, to, by }).boxed()
        }
        FaultClass::Partition if parameters.nodes.len() < 2 => return None,
        FaultClass::Partition => {
            let direction =
                prop_oneof![4 => Just(Direction::Both), 1 => Just(Direction::In), 1 => Just(Direction::Out)];
            let isolate = (target(anyone.boxed()), direction, mode())
                .prop_map(|(node, direction, mode)| What::Isolate { node, direction, mode });
            let partition = (several(), mode()).prop_map(|(side, mode)| What::Partition { side, mode });
            let cut = (several(), several(), mode()).prop_map(|(from, to, mode)| What::Cut { from, to, mode });
            prop_oneof![3 => isolate, 3 => partition, 2 => cut].boxed()
        }
        FaultClass::Crash => target(crashable?).prop_map(|node| What::Crash { node }).boxed(),
        FaultClass::Pause => target(anyone.boxed()).prop_map(|node| What::Pause { node }).boxed(),
        FaultClass::Skew => {
            let (offset, drift) = (parameters.skew.0 as i64, parameters.drift_ppm);
            let anyone = target(anyone.boxed());
            (anyone, -offset..=offset, -drift..=drift)
                .prop_map(|(node, offset_ns, drift_ppm)| What::Skew { node, offset_ns, drift_ppm })
                .boxed()
        }
        FaultClass::Disk => {
            let writer = target(crashable?);
            let slow = (writer.clone(), prop_oneof![Just(SLOWNESSES[0]), Just(SLOWNESSES[1])])
                .prop_map(|(node, by)| What::SlowDisk { node, by });
            let full = writer.prop_map(|node| What::FullDisk { node });
            prop_oneof![3 => slow, 1 => full].boxed()
        }
        FaultClass::Wipe => target(crashable?).prop_map(|node| What::Wipe { node }).boxed(),
        FaultClass::Byzantine => target(crashable?).prop_map(|node| What::Byzantine { node }).boxed(),
    })
}
