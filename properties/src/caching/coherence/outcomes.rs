//! S5: litmus programs end as the memory model of the cores allows, and in every way that it allows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex};

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::settings::MemoryModel;
use seedbed_models::caching::litmus::{Outcome, Program, classical};
use seedbed_sim::{AtEnd, Campaign, Observation, Property, Suite, Swarm, Violation, World};

use crate::caching::litmus::{Comparison, Memory, compare, outcomes};

/// The memory model that cores promise.
pub fn memory(model: MemoryModel) -> Memory {
    match model {
        MemoryModel::Sc => Memory::Sc,
        MemoryModel::Tso => Memory::Tso,
    }
}

/// What the oracle allows the classical programs, computed once.
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

/// No program ends in a way that its cores do not allow. That it ends in every way that they allow can only be seen over
/// many worlds: [`observe`].
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

/// The program that a world runs and how it has ended, if it has.
fn ended(world: &World<Coherence>) -> Option<(&'static Program, Outcome)> {
    let nodes: Vec<_> = world.processes().map(|(_, process)| process.inner()).collect();
    world.config().outcome(nodes.iter().copied())
}

/// How a program ended over many worlds, beside how it may.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The program.
    pub program: Program,
    /// What the cores promise.
    pub memory: Memory,
    /// How often it ended in which way.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// In how many ways it may end.
    pub allowed: BTreeSet<Outcome>,
    /// How many worlds were run.
    pub runs: u64,
    /// The first violation, in the world of the lowest seed that has one.
    pub violation: Option<(u64, Violation)>,
}

impl Observed {
    /// How what was observed differs from what is allowed.
    pub fn comparison(&self) -> Comparison {
        compare(&self.outcomes.keys().cloned().collect(), &self.allowed)
    }

    /// Whether it ended in every way that is allowed and in no other, and nothing was violated.
    pub fn is_exact(&self) -> bool {
        self.violation.is_none() && self.comparison().is_exact()
    }
}

/// [`observe`] in words: what the suite declares.
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

/// How many worlds are run before it is looked whether all outcomes have been observed.
const BATCH: u64 = 250;

/// Runs the program of a model in one world a seed, under everything that it tolerates and with everything checked that
/// the suite holds. `None` if the model runs no program. With `until_all`, no more seeds are run when all outcomes have
/// been observed.
///
/// # Panics
/// If no world can run the model: the model says why when it is validated.
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
