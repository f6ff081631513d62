//! Retelling: what stays long when it is shrunk is looked for again in small worlds.
//!
//! Delta debugging cannot take an early fault out of a story in which everything later leans on it. But what breaks a
//! protocol at all mostly breaks it in a small world too (the small-scope hypothesis: Jackson, *Software
//! Abstractions*, 2006). So a story that stays long is drawn anew: same configuration, same classes of faults, a short
//! chaos, few operations, no jitter; a small world that violates the same property is shrunk, and the shorter story is
//! kept. The trace says so.

use std::collections::BTreeSet;

use crate::choice::Source;
use crate::fault::FaultClass;
use crate::model::Model;
use crate::network::Latency;
use crate::run::{Record, run_valid};
use crate::scenario::Case;
use crate::shrink::{Progress, Shrunk, Story, record, shrink};
use crate::suite::Suite;
use crate::swarm::{Cases, Swarm};
use crate::time::Span;

/// A story of at most this many items is short enough to read at a glance.
pub const SHORT: usize = 8;

/// How many small worlds are tried at most.
const WORLDS: u64 = 60_000;

/// How long chaos lasts in small worlds, and how many operations they have, in turn.
const CHAOS: [Span; 3] = [Span::ms(800), Span::ms(1_500), Span::ms(2_500)];
const OPERATIONS: [usize; 4] = [1, 3, 6, 12];

/// Looks for a shorter story of the same violation, if `shrunk` is long.
pub(crate) fn retell<M: Model>(
    shrunk: Shrunk<M>,
    suite: &Suite<M>,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> Shrunk<M> {
    let mut best = shrunk;
    let smaller = CHAOS.map(|chaos| small_worlds(&best.story, suite, chaos));
    for seed in 0..WORLDS {
        let size = best.story.sizes();
        let progress = Progress { runs: best.runs, before: best.before, now: size };
        if size.items() <= SHORT || !keep_going(&progress) {
            break;
        }
        best.runs += 1;
        let cases = &smaller[seed as usize % smaller.len()];
        let case = small_case(cases, seed, &best.story);
        let outcome = run_valid(&case, &Source::Seed(seed), &suite.properties, Record::No);
        if outcome.violation.is_none_or(|violation| violation.property != best.violation.property) {
            continue;
        }
        let Some((story, _)) = record(&case, seed, &suite.properties) else {
            continue;
        };
        let Ok(told) = shrink(story, &suite.properties, keep_going) else {
            continue;
        };
        best.runs += told.runs;
        if told.violation.property == best.violation.property && told.story.sizes().items() < size.items() {
            best = Shrunk { before: best.before, runs: best.runs, retold: true, ..told };
        }
    }
    best
}

fn small_worlds<M: Model>(story: &Story<M>, suite: &Suite<M>, chaos: Span) -> Cases<M> {
    let swarm = Swarm::only(classes(story)).as_configured().chaos(chaos);
    // The workload is the usual model's: a trace that lost nodes would draw for nodes that are not there.
    let workload = suite.model.workload();
    swarm.cases_with(&story.case.scenario.config, workload)
}

/// The classes of fault that a story is told with: those of its faults. Noise of the network and late timers were
/// turned into faults where they mattered, and are left to chance here only where there is nothing else.
fn classes<M: Model>(story: &Story<M>) -> BTreeSet<FaultClass> {
    let mut classes: BTreeSet<_> = story.case.faults.iter().map(|fault| fault.what.class()).collect();
    if story.case.scenario.disk.sync > Span::ZERO {
        classes.insert(FaultClass::Disk);
    }
    if classes.contains(&FaultClass::Crash) {
        classes.remove(&FaultClass::Reorder);
    }
    if classes.is_empty() {
        classes.extend([FaultClass::Loss, FaultClass::Dup, FaultClass::Reorder]);
    }
    classes
}

fn small_case<M: Model>(cases: &Cases<M>, seed: u64, story: &Story<M>) -> Case<M> {
    let mut case = cases.case(seed);
    let scenario = &mut case.scenario;
    scenario.phases.settle = story.case.scenario.phases.settle;
    scenario.phases.core.clone_from(&story.case.scenario.phases.core);
    scenario.timer_jitter = Span::ZERO;
    // Half of the small worlds have no jitter at all: there the order of events is all there is to tell.
    if seed.is_multiple_of(2) {
        scenario.network.latency = Latency::Constant { base: scenario.network.latency.base() };
    }
    let chaos = scenario.phases.heal_at();
    case.operations.retain(|operation| operation.at < chaos);
    let few = OPERATIONS[(seed / 3) as usize % OPERATIONS.len()];
    let every = case.operations.len().div_ceil(few).max(1);
    let mut place = 0;
    case.operations.retain(|_| {
        place += 1;
        place % every == 0
    });
    case
}
