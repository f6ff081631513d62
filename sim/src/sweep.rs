//! Sweeps: many seeds on all cores, with one summary that does not depend on how they were divided.
//!
//! The only module of the crate with threads; each world is single-threaded.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::fault::FaultClass;
use crate::fingerprint::stable_hash;
use crate::model::Model;
use crate::parallel;
use crate::run::{Finished, Record, run_valid};
use crate::scenario::{Case, Impossible};
use crate::seed::{SeedResult, run_seed};
use crate::suite::Suite;
use crate::swarm::{Cases, Swarm};
use crate::system::{AnyCase, AnyFinished, System, Worlds};
use crate::trace::Fingerprint;

/// The number of seeds that are run before their results are looked at, when the first failures are searched for.
const BATCH: u64 = 64;

/// A suite and the swarm that its cases are drawn from.
#[derive(Clone)]
pub struct Campaign<M: Model> {
    /// The model with its properties.
    pub suite: Suite<M>,
    /// The faults that may be drawn.
    pub swarm: Swarm,
}

/// A [`Campaign`], its types erased.
#[derive(Clone)]
pub struct AnyCampaign {
    /// The model with its properties.
    pub system: System,
    /// The faults that may be drawn.
    pub swarm: Swarm,
}

impl<M: Model> Campaign<M> {
    /// The campaign of a suite inside its tolerance.
    pub fn new(suite: Suite<M>) -> Self {
        Campaign { suite, swarm: Swarm::tolerated() }
    }

    /// The campaign of a suite at one of its boundaries; `None` if there is none of this name.
    pub fn at_boundary(suite: Suite<M>, name: &str) -> Option<Self> {
        let (suite, swarm) = suite.at_boundary(name)?;
        Some(Campaign { suite, swarm })
    }

    /// The campaign that hunts a bug: inside the tolerance, or, if a bug needs a configuration of its own to show, at
    /// the boundary of the same name.
    pub fn hunting(suite: Suite<M>, bug: &'static str) -> Self {
        let at_boundary = suite.boundaries.iter().any(|boundary| boundary.name == bug);
        let campaign = if at_boundary { Campaign::at_boundary(suite.clone(), bug) } else { None };
        let mut campaign = campaign.unwrap_or_else(|| Campaign::new(suite));
        campaign.suite.bug = Some(bug);
        campaign
    }

    /// The same, its types erased.
    pub fn erased(&self) -> AnyCampaign {
        AnyCampaign { system: System::new(self.suite.clone()), swarm: self.swarm.clone() }
    }

    /// The cases of this campaign.
    pub fn cases(&self) -> Cases<M> {
        self.suite.cases(&self.swarm)
    }

    /// Runs one seed from its case.
    ///
    /// # Errors
    /// If no world can run the case.
    pub fn run(&self, cases: &Cases<M>, seed: u64, record: Record) -> Result<(Case<M>, Finished<M>), Impossible> {
        let case = cases.case(seed);
        case.validate()?;
        let outcome = run_valid(
            &case,
            &self.swarm.source(&case, seed, || case.scenario.config.tolerance().delay),
            &self.suite.properties,
            record,
        );
        Ok((case, outcome))
    }

    /// Runs one seed of these cases; twice if `twice`, to compare both runs.
    pub fn run_seed(&self, cases: &Cases<M>, seed: u64, twice: bool) -> SeedResult {
        let case = cases.case(seed);
        run_seed(
            &case,
            &self.swarm.source(&case, seed, || case.scenario.config.tolerance().delay),
            &self.suite.properties,
            seed,
            twice,
        )
    }

    /// See [`AnyCampaign::sweep`].
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn sweep(
        &self,
        seeds: Range<u64>,
        twice_every: u64,
        each: &(dyn Fn(SeedResult) -> bool + Sync),
    ) -> Result<Summary, Impossible> {
        self.erased().sweep(seeds, twice_every, each)
    }

    /// Whether one of these seeds violates this property.
    ///
    /// # Panics
    /// If no world can run the model's own scenario.
    pub fn breaks(&self, property: &str, seeds: Range<u64>) -> bool {
        self.erased().breaks(property, seeds)
    }
}

impl AnyCampaign {
    /// The campaign of a system inside its tolerance.
    pub fn new(system: System) -> Self {
        AnyCampaign { system, swarm: Swarm::tolerated() }
    }

    /// The campaign of a system at one of its boundaries; `None` if there is none of this name.
    pub fn at_boundary(system: &System, name: &str) -> Option<Self> {
        let (system, swarm) = system.at_boundary(name)?;
        Some(AnyCampaign { system, swarm })
    }

    /// The campaign that hunts a bug: see [`Campaign::hunting`].
    pub fn hunting(system: &System, bug: &'static str) -> Self {
        let campaign = AnyCampaign::at_boundary(system, bug);
        campaign.unwrap_or_else(|| AnyCampaign::new(system.clone())).with_bug(bug)
    }

    /// The same with this bug planted.
    pub fn with_bug(self, bug: &'static str) -> Self {
        AnyCampaign { system: self.system.planting(Some(bug)), ..self }
    }

    /// The classes of fault that may be drawn.
    pub fn classes(&self) -> BTreeSet<FaultClass> {
        self.system.0.classes(&self.swarm)
    }

    /// The cases of this campaign, for one thread.
    pub(crate) fn worlds(&self) -> Box<dyn Worlds + '_> {
        self.system.0.worlds(&self.swarm, &self.system.config())
    }

    /// The case of a seed.
    ///
    /// # Errors
    /// If no world can run it.
    pub fn case(&self, seed: u64) -> Result<AnyCase, Impossible> {
        let case = self.worlds().case(seed);
        self.possible(&case)?;
        Ok(case)
    }

    pub(crate) fn possible(&self, case: &AnyCase) -> Result<(), Impossible> {
        self.system.0.as_runner().validate(case)
    }

    /// Calls `f` with a function that runs one seed, for each of these seeds, on the threads of the current rayon pool.
    /// The results come in the order of the seeds.
    ///
    /// # Errors
    /// The first one that `f` returns.
    pub fn map<T: Send, E: Send>(
        &self,
        seeds: Range<u64>,
        f: impl Fn(u64, &dyn Fn() -> Result<(AnyCase, AnyFinished), Impossible>) -> Result<Option<T>, E> + Sync,
    ) -> Result<Vec<T>, E> {
        parallel::collect(seeds, || self.worlds(), |worlds, seed| f(seed, &|| worlds.run(seed, Record::No)))
    }

    /// Runs all seeds on the threads of the current rayon pool, and calls `each` with each result, in no fixed order,
    /// until that returns `false`. One of every `twice_every` seeds is run twice and compared; zero for none.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn sweep(
        &self,
        seeds: Range<u64>,
        twice_every: u64,
        each: &(dyn Fn(SeedResult) -> bool + Sync),
    ) -> Result<Summary, Impossible> {
        self.case(seeds.start)?;
        let go_on = std::sync::atomic::AtomicBool::new(true);
        let of_one = |worlds: &mut Box<dyn Worlds + '_>, seed: u64| {
            if !go_on.load(std::sync::atomic::Ordering::Relaxed) {
                return Summary::default();
            }
            let result = worlds.run_seed(seed, twice_every > 0 && seed.is_multiple_of(twice_every));
            let mut summary = Summary::default();
            summary.add(&result);
            if !each(result) {
                go_on.store(false, std::sync::atomic::Ordering::Relaxed);
            }
            summary
        };
        Ok(self.judged(parallel::merge(seeds, || self.worlds(), of_one, Summary::merged)))
    }

    /// The seeds that violate something, ascending. Lazy: seeds are run in batches on the current rayon pool, up to the
    /// batch of the last one asked for. `go_on` is called before each batch.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn failing<'a>(
        &'a self,
        seeds: Range<u64>,
        go_on: &'a (dyn Fn() -> bool + Sync),
    ) -> Result<impl Iterator<Item = SeedResult> + 'a, Impossible> {
        self.case(seeds.start)?;
        let batch = move |begin: u64| -> Vec<SeedResult> {
            let batch = begin..seeds.end.min(begin + BATCH);
            let failing = |worlds: &mut Box<dyn Worlds + '_>, seed: u64| {
                let result = worlds.run_seed(seed, false);
                Ok::<_, Infallible>(result.violation.is_some().then_some(result))
            };
            let Ok(results) = parallel::collect(batch, || self.worlds(), failing);
            results
        };
        let begins = (seeds.start..seeds.end).step_by(BATCH as usize);
        Ok(begins.take_while(|_| go_on()).flat_map(batch))
    }

    /// Whether one of these seeds violates this property.
    ///
    /// # Panics
    /// If no world can run the model's own scenario.
    pub fn breaks(&self, property: &str, seeds: Range<u64>) -> bool {
        let mut failing = self.failing(seeds, &|| true).expect("the campaign's own scenario is possible");
        failing.any(|result| result.violation.is_some_and(|violation| violation.property == property))
    }

    /// Completes a summary with the declared fault classes and demanded marks that never occurred.
    pub fn judged(&self, mut summary: Summary) -> Summary {
        summary.models = vec![self.system.info().name.to_string()];
        for class in self.classes() {
            summary.faults.entry(class.name().to_string()).or_insert(0);
        }
        for mark in self.system.sometimes() {
            summary.marks.entry(mark.to_string()).or_insert(0);
        }
        summary.find_missing();
        summary
    }
}

/// The result of many seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The models that were swept.
    pub models: Vec<String>,
    /// Worlds run.
    pub runs: u64,
    /// Worlds that violated a property.
    pub violations: u64,
    /// Worlds without a verdict ([`crate::Undecided`]).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub undecided: u64,
    /// Worlds whose second run differed.
    pub diverged: u64,
    /// Events handled in all.
    pub events: u64,
    /// Wall-clock time, filled in by callers that have a clock.
    pub seconds: f64,
    /// Threads used.
    pub threads: usize,
    /// How often faults of each declared class had an effect.
    pub faults: BTreeMap<String, u64>,
    /// How often each mark was made.
    pub marks: BTreeMap<String, u64>,
    /// The combined fingerprint of all runs, independent of how seeds were divided and in which order they ended.
    pub fingerprint: Fingerprint,
    /// Declared fault classes that never had an effect.
    pub unfired: Vec<String>,
    /// Demanded marks that were never made.
    pub unreached: Vec<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Summary {
    /// Adds the result of one seed.
    pub fn add(&mut self, result: &SeedResult) {
        self.runs += 1;
        self.violations += u64::from(result.violation.is_some());
        self.undecided += u64::from(result.undecided.is_some());
        self.diverged += u64::from(result.diverged.is_some());
        self.events += result.events;
        for (class, count) in FaultClass::ALL.into_iter().zip(result.faults) {
            if count > 0 {
                *self.faults.entry(class.name().to_string()).or_insert(0) += count;
            }
        }
        for (mark, count) in &result.marks {
            *self.marks.entry(mark.to_string()).or_insert(0) += count;
        }
        let one = stable_hash(&(result.seed, result.fingerprint));
        self.fingerprint.0 = self.fingerprint.0.wrapping_add(one);
    }

    /// The summary of both.
    pub fn merged(mut self, other: Summary) -> Summary {
        for model in other.models {
            if !self.models.contains(&model) {
                self.models.push(model);
            }
        }
        self.runs += other.runs;
        self.violations += other.violations;
        self.undecided += other.undecided;
        self.diverged += other.diverged;
        self.events += other.events;
        self.seconds = self.seconds.max(other.seconds);
        self.threads = self.threads.max(other.threads);
        for (class, count) in other.faults {
            *self.faults.entry(class).or_insert(0) += count;
        }
        for (mark, count) in other.marks {
            *self.marks.entry(mark).or_insert(0) += count;
        }
        self.fingerprint.0 = self.fingerprint.0.wrapping_add(other.fingerprint.0);
        self.find_missing();
        self
    }

    /// Fills in the declared classes and marks (entries with a count of zero) that never occurred.
    pub fn find_missing(&mut self) {
        let zeros = |counts: &BTreeMap<String, u64>| {
            counts.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name.clone()).collect()
        };
        self.unfired = zeros(&self.faults);
        self.unreached = zeros(&self.marks);
    }
}
