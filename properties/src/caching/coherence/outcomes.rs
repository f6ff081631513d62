//! S5: litmus programs have the outcomes that the cores' memory model allows, and over many worlds all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex};

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::settings::MemoryModel;
use seedbed_models::caching::litmus::{Outcome, Program, classical};
use seedbed_sim::{AtEnd, Campaign, Observation, Property, Suite, Swarm, Violation, World};

use crate::caching::litmus::{Comparison, Memory, compare, outcomes};

/// The memory model of the cores, for the oracle.
pub fn memory(model: MemoryModel) -> Memory {
    match model {
        MemoryModel::Sc => Memory::Sc,
        MemoryModel::Tso => Memory::Tso,
    }
}

/// The allowed outcomes of the classical programs, computed once.
static ALLOWED: LazyLock<BTreeMap<(String, Memory), BTreeSet<Outcome>>> = LazyLock::new(|| {
    let both = |program: Program| [Memory::Sc, Memory::Tso].map(|memory| (memory, program.clone()));
    let all = classical().into_iter().flat_map(|litmus| both(litmus.program));
    all.map(|(memory, program)| ((program.name.clone(), memory), outcomes(&program, memory))).collect()
});

/// All outcomes that a memory model allows a classical program.
///
/// # Panics
/// If there is no program of this name.
pub fn allowed(program: &str, memory: Memory) -> &'static BTreeSet<Outcome> {
    let allowed = ALLOWED.get(&(program.to_string(), memory));
    allowed.unwrap_or_else(|| panic!("there is no classical program of this name: {program}"))
}

/// No program has an outcome that its cores do not allow. Whether it has all of them shows only over many worlds:
/// [`observe`].
pub fn litmus_outcomes() -> impl Property<Coherence> + Clone + Send + Sync {
    AtEnd::new("coherence/litmus_outcomes", |world: &World<Coherence>| {
        let Some((program, outcome)) = ended(world) else { return Ok(()) };
        let memory = memory(world.config().memory);
        if allowed(&program.name, memory).contains(&outcome) {
            return Ok(());
        }
        Err(format!("{memory} does not allow {} [{program}] to end with [{outcome}]", program.name).into())
    })
}

/// The program of a world, and its outcome if it has ended.
fn ended(world: &World<Coherence>) -> Option<(&'static Program, Outcome)> {
    let nodes: Vec<_> = world.processes().map(|(_, process)| process.inner()).collect();
    world.config().outcome(nodes.iter().copied())
}

/// The observed and the allowed outcomes of a program over many worlds.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The program.
    pub program: Program,
    /// The memory model of the cores.
    pub memory: Memory,
    /// The number of worlds with each outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// All allowed outcomes.
    pub allowed: BTreeSet<Outcome>,
    /// Worlds run.
    pub runs: u64,
    /// The first violation, in the world of the lowest seed that has one.
    pub violation: Option<(u64, Violation)>,
}

impl Observed {
    /// The difference between observed and allowed outcomes.
    pub fn comparison(&self) -> Comparison {
        compare(&self.outcomes.keys().cloned().collect(), &self.allowed)
    }

    /// Whether exactly the allowed outcomes were observed, and nothing was violated.
    pub fn is_exact(&self) -> bool {
        self.violation.is_none() && self.comparison().is_exact()
    }
}

/// [`observe`] in the form that the suite declares.
pub fn observation(suite: &Suite<Coherence>, seeds: Range<u64>, until_all: bool) -> Option<Observation> {
    let seen = observe(suite, seeds, until_all)?;
    Some(Observation {
        name: seen.program.name.clone(),
        text: seen.program.to_string(),
        rule: seen.memory.to_string(),
        observed: seen.outcomes.iter().map(|(outcome, count)| (outcome.to_string(), *count)).collect(),
        allowed: seen.allowed.iter().map(ToString::to_string).collect(),
        comparison: seen.comparison().to_string(),
        exact: seen.is_exact(),
        runs: seen.runs,
        violation: seen.violation,
    })
}

/// Worlds between checks whether all outcomes have been observed.
const BATCH: u64 = 250;

/// Runs the program of a model in one world for each seed, with all tolerated faults and all properties of the suite.
/// `None` if the model runs no program. With `until_all`, stops when all outcomes have been observed.
///
/// # Panics
/// If no world can run the model, which its validation would have shown.
pub fn observe(suite: &Suite<Coherence>, seeds: Range<u64>, until_all: bool) -> Option<Observed> {
    let model = &suite.model;
    let program = model.program()?.clone();
    let memory = memory(model.memory);
    let collected: Arc<Mutex<BTreeMap<Outcome, u64>>> = Arc::default();
    let collector = collected.clone();
    let collecting = suite.clone().property(AtEnd::new("coherence/observed", move |world: &World<Coherence>| {
        if let Some((_, outcome)) = ended(world) {
            *collector.lock().expect("nobody panics with it").entry(outcome).or_default() += 1;
        }
        Ok(())
    }));
    let campaign = Campaign { suite: collecting, swarm: Swarm::tolerated().as_configured() };
    let allowed = allowed(&program.name, memory).clone();
    let mut observed = Observed { program, memory, outcomes: BTreeMap::new(), allowed, runs: 0, violation: None };
    let first: Mutex<Option<(u64, Violation)>> = Mutex::default();
    let each = |result: seedbed_sim::SeedResult| {
        if let Some(violation) = result.violation {
            let mut first = first.lock().expect("nobody panics with it");
            if first.as_ref().is_none_or(|(seed, _)| result.seed < *seed) {
                *first = Some((result.seed, violation));
            }
        }
        true
    };
    let mut from = seeds.start;
    while from < seeds.end {
        let to = seeds.end.min(from + BATCH);
        let summary = campaign.sweep(from..to, 0, &each).unwrap_or_else(|problem| panic!("{problem}"));
        from = to;
        observed.runs += summary.runs;
        observed.outcomes = collected.lock().expect("nobody panics with it").clone();
        observed.violation = first.lock().expect("nobody panics with it").clone();
        if observed.violation.is_some() || until_all && observed.is_exact() {
            break;
        }
    }
    Some(observed)
}
