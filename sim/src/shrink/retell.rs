//! Retelling: a story that stays long when it is shrunk is looked for again in small worlds.
//!
//! Delta debugging cannot remove an early fault on which everything later depends. But most bugs of a protocol show in
//! a small world too (the small-scope hypothesis: Jackson, *Software Abstractions*, 2006). So cases are drawn with the
//! same classes of faults, a short chaos, few operations, no jitter and few nodes: first in the story's configuration,
//! then, if the campaign draws variants, in those. A small world that violates the same property is shrunk, and the
//! shorter story is kept. Its trace says that it was retold.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::choice::Source;
use crate::fault::FaultClass;
use crate::network::Latency;
use crate::run::Record;
use crate::scenario::Scenario;
use crate::shrink::{AnyShrunk, Progress, ShrunkOf, record_by, shrink_by};
use crate::swarm::Swarm;
use crate::sweep::AnyCampaign;
use crate::system::{AnyCase, AnyConfig, AnyStory, System, Worlds};
use crate::time::Span;

/// A story of at most this many items is short enough to read at a glance.
pub const SHORT: usize = 8;

/// How many small worlds are tried at most, and how many of them in the story's own configuration, if there are
/// variants.
const WORLDS: u64 = 40_000;
const OWN: u64 = 10_000;

/// The lengths of chaos in small worlds, and their numbers of operations, used in turn.
const CHAOS: [Span; 3] = [Span::ms(800), Span::ms(1_500), Span::ms(2_500)];
const OPERATIONS: [usize; 4] = [1, 3, 6, 12];

/// Looks for a shorter story of the same violation, if `shrunk` is long.
pub(super) fn retell(
    shrunk: AnyShrunk,
    campaign: &AnyCampaign,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> AnyShrunk {
    if campaign.swarm.is_as_configured() {
        return shrink_in(shrunk, campaign, &own_worlds, 0..WORLDS, keep_going);
    }
    let best = shrink_in(shrunk, campaign, &own_worlds, 0..OWN, keep_going);
    shrink_in(best, campaign, &variants, OWN..WORLDS, keep_going)
}

/// Creates small worlds of a system, under a swarm.
type SmallWorlds = dyn for<'a> Fn(&'a System, &AnyStory, Swarm) -> Vec<Box<dyn Worlds + 'a>>;

fn shrink_in(
    shrunk: AnyShrunk,
    campaign: &AnyCampaign,
    worlds: &SmallWorlds,
    seeds: Range<u64>,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> AnyShrunk {
    let mut best = shrunk;
    if best.story.sizes().items() <= SHORT {
        return best;
    }
    let runner = campaign.system.0.as_runner();
    let swarms = swarms(&best.story, campaign);
    let swarms = swarms.iter().flat_map(|swarm| CHAOS.map(|chaos| swarm.clone().chaos(chaos)));
    let settle = best.story.case.scenario.phases.settle;
    let worlds = swarms.flat_map(|swarm| worlds(&campaign.system, &best.story, swarm));
    let worlds: Vec<_> = worlds.map(|cases| cases.with_phases(&|phases| phases.settle = settle)).collect();
    for seed in seeds {
        let size = best.story.sizes();
        let progress = Progress { runs: best.runs, before: best.before, now: size };
        if size.items() <= SHORT || !keep_going(&progress) {
            break;
        }
        best.runs += 1;
        let case = small_case(&*worlds[seed as usize % worlds.len()], seed, seed as usize / worlds.len());
        let source = Source::Seed(seed);
        let outcome = runner.run(&case, &source, Record::No);
        if outcome.violation.is_none_or(|violation| violation.property != best.violation.property) {
            continue;
        }
        let Some((story, _)) = record_by(runner, &case, &source) else {
            continue;
        };
        let Ok(smaller) = shrink_by(story, runner, keep_going) else {
            continue;
        };
        best.runs += smaller.runs;
        if smaller.violation.property == best.violation.property && smaller.story.sizes().items() < size.items() {
            best = ShrunkOf { before: best.before, runs: best.runs, retold: true, ..smaller };
        }
    }
    best
}

/// Swarms with the story's classes of faults, twice as often as with all classes of the campaign, because a shorter
/// story may need others.
fn swarms(story: &AnyStory, campaign: &AnyCampaign) -> Vec<Swarm> {
    let all = campaign.swarm.clone();
    let narrow = all.clone().narrowed(classes(story, campaign));
    if campaign.system.0.classes(&narrow) == campaign.classes() { vec![all] } else { vec![narrow.clone(), narrow, all] }
}

/// Worlds of the story's own configuration, and of the same with as few nodes as it can have.
fn own_worlds<'a>(system: &'a System, story: &AnyStory, swarm: Swarm) -> Vec<Box<dyn Worlds + 'a>> {
    let Scenario { config, core, .. } = &story.case.scenario;
    let swarm = swarm.as_configured();
    let usual = system.0.worlds(&swarm, config).with_core(core);
    std::iter::once(usual).chain(smallest(config).map(|few| system.0.worlds(&swarm, &few))).collect()
}

/// Worlds of the variants of a model with as few nodes as it can have, and of the model.
fn variants<'a>(system: &'a System, _: &AnyStory, swarm: Swarm) -> Vec<Box<dyn Worlds + 'a>> {
    let config = system.config();
    smallest(&config).iter().chain([&config]).map(|config| system.0.worlds(&swarm, config)).collect()
}

/// The configuration with the fewest nodes that still tolerates the failure of one among several; `None` if it has no
/// more than that.
fn smallest(config: &AnyConfig) -> Option<AnyConfig> {
    (2..config.size()).find_map(|nodes| {
        let few = config.with_nodes(nodes).ok()?;
        few.validate().ok()?;
        let crashes = few.tolerance().crashes;
        (crashes.at_once > 0 && crashes.among.len() > 1).then_some(few)
    })
}

/// The classes of a story's faults that the campaign draws. Noise of the network and late timers were turned into
/// faults if they mattered, so they are drawn only if there is no other class.
fn classes(story: &AnyStory, campaign: &AnyCampaign) -> BTreeSet<FaultClass> {
    let mut classes: BTreeSet<_> = story.case.faults.iter().map(|fault| fault.what.class()).collect();
    if story.case.scenario.disk.sync > Span::ZERO {
        classes.insert(FaultClass::Disk);
    }
    // Shrinking tries FIFO links, so links without FIFO order are needed here.
    if !story.case.scenario.network.fifo {
        classes.insert(FaultClass::Reorder);
    } else if classes.contains(&FaultClass::Crash) {
        classes.remove(&FaultClass::Reorder);
    }
    let drawn = campaign.classes();
    classes.retain(|class| drawn.contains(class));
    if classes.is_empty() {
        classes.extend([FaultClass::Loss, FaultClass::Dup, FaultClass::Reorder]);
        classes.retain(|class| drawn.contains(class));
    }
    classes
}

/// The small world of a seed: alternately without and with jitter, and with more operations each time.
fn small_case(cases: &dyn Worlds, seed: u64, turn: usize) -> AnyCase {
    let mut case = cases.case(seed);
    let scenario = &mut case.scenario;
    scenario.timer_jitter = Span::ZERO;
    // Without jitter the story shows only the order of events.
    if turn.is_multiple_of(2) {
        scenario.network.latency = Latency::Constant { base: scenario.network.latency.base() };
        scenario.disk.sync_jitter = Span::ZERO;
    }
    let chaos = scenario.phases.heal_at();
    case.operations.retain(|operation| operation.at < chaos);
    let few = OPERATIONS[turn / 2 % OPERATIONS.len()];
    let every = case.operations.len().div_ceil(few).max(1);
    let mut place = 0;
    case.operations.retain(|_| {
        place += 1;
        place % every == 0
    });
    case
}
