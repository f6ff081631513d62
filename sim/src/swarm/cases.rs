//! Cases: the input of each seed of a sweep.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::fault::{Fault, What};
use crate::generator::plan_key;
use crate::model::{Model, Workload};
use crate::network::NetworkConfig;
use crate::process::NodeId;
use crate::scenario::{Budget, Case, Scenario};
use crate::strategy::drawn::Drawn;
use crate::tolerance::Tolerance;

use crate::swarm::classes::Swarm;
use crate::swarm::place::{MOST_DRIFT, Plan, PlanParameters};
use crate::swarm::plans::plans;
use crate::swarm::rules::Rules;
use crate::swarm::uniform;

impl Swarm {
    /// The cases of a model under this swarm.
    pub fn cases<M: Model>(&self, model: &M) -> Cases<M> {
        Cases { of_variants: true, ..self.cases_with(model, model.workload()) }
    }

    /// The same with another workload.
    pub fn cases_with<M: Model>(&self, model: &M, workload: BoxedStrategy<Workload<M>>) -> Cases<M> {
        let Tolerance { crashes, skew, delay, .. } = model.tolerance();
        let parameters = PlanParameters {
            classes: self.classes::<M>().into_iter().collect(),
            nodes: (0..model.size()).map(|n| NodeId(n as u16)).collect(),
            crashable: crashes.among.clone(),
            roles: M::INFO.roles.iter().map(ToString::to_string).collect(),
            chaos: self.chaos.unwrap_or(model.phases().chaos),
            reaction_time: model.reaction_time(),
            skew: skew.offset * u64::from(self.over_skew),
            drift_ppm: i64::from(skew.drift_ppm.saturating_mul(self.over_skew)).min(MOST_DRIFT),
            network: model.network(),
            delay_bound: delay,
            every: self.every,
        };
        let budget = Budget { among: crashes.among, down: crashes.at_once + self.over_budget };
        let mut scenario = Scenario::new(model.clone());
        scenario.budget = Some(budget);
        scenario.phases.chaos = parameters.chaos;
        Cases {
            scenario,
            workload,
            of_variants: false,
            plans: match self.drawn {
                Drawn::Uniform => uniform::plans(parameters),
                Drawn::Swarm | Drawn::Ordered { .. } => plans(parameters),
            },
            variants: if self.as_configured { Just(model.clone()).boxed() } else { model.variants() },
            swarm: self.clone(),
        }
    }
}

/// The cases of a sweep: a function from seeds to cases.
pub struct Cases<M: Model> {
    scenario: Scenario<M>,
    workload: BoxedStrategy<Workload<M>>,
    /// Whether variants with a workload of their own get it.
    of_variants: bool,
    plans: BoxedStrategy<Plan>,
    variants: BoxedStrategy<M>,
    swarm: Swarm,
}

impl<M: Model> Cases<M> {
    /// The same with a bug planted, and only the variants in which it can show.
    pub fn planting(mut self, bug: Option<&'static str>) -> Self {
        self.scenario.bug = bug.map(String::from);
        if let Some(bug) = bug.filter(|_| !self.swarm.as_configured) {
            self.variants = self.scenario.config.variants_with(bug);
        }
        self
    }

    /// Changes the common part of all scenarios.
    pub fn scenario(mut self, change: impl FnOnce(&mut Scenario<M>)) -> Self {
        change(&mut self.scenario);
        self
    }

    /// The case of a seed.
    pub fn case(&self, seed: u64) -> Case<M> {
        let mut runner = runner(seed);
        let drawn = |workload: &BoxedStrategy<Workload<M>>, runner: &mut TestRunner| {
            workload.new_tree(runner).expect("workload strategies reject nothing").current()
        };
        let mut operations = drawn(&self.workload, &mut runner);
        let mut plan = self.plans.new_tree(&mut runner).expect("plan strategies reject nothing").current();
        let mut scenario = self.scenario.clone();
        let variant = self.variants.new_tree(&mut runner).expect("variants reject nothing");
        scenario.config = variant.current();
        if let Some(own) = scenario.config.own_workload().filter(|_| self.of_variants) {
            operations = drawn(&own, &mut runner);
        }
        let rules = self.rules(&scenario.config);
        rules.keep_classes(&mut plan.faults, &mut plan.network, &mut plan.disk);
        let mut faults = plan.faults;
        self.skew_within(&scenario.config, &mut faults);
        rules.keep_pauses(&mut faults);
        scenario.network = NetworkConfig { bandwidth: scenario.network.bandwidth, ..plan.network };
        scenario.disk = plan.disk;
        scenario.timer_jitter = plan.timer_jitter;
        Case { scenario, operations, faults }
    }

    /// The rules for cases of this configuration.
    pub(crate) fn rules(&self, variant: &M) -> Rules {
        Rules::of(&self.swarm, &self.scenario.config, variant)
    }

    /// The common part of all scenarios.
    pub(crate) fn common(&self) -> &Scenario<M> {
        &self.scenario
    }

    /// Plans are drawn for the configured model; a variant may tolerate less skew, or more.
    fn skew_within(&self, variant: &M, faults: &mut [Fault]) {
        let (usual, bound) = (self.scenario.config.tolerance().skew, variant.tolerance().skew);
        if usual == bound {
            return;
        }
        let scaled = |value: i64, of: u64, to: u64| match of {
            0 => 0,
            of => (i128::from(value) * i128::from(to) / i128::from(of)) as i64,
        };
        for fault in faults {
            if let What::Skew { offset_ns, drift_ppm, .. } = &mut fault.what {
                *offset_ns = scaled(*offset_ns, usual.offset.0, bound.offset.0);
                *drift_ppm =
                    scaled(*drift_ppm, usual.drift_ppm.into(), bound.drift_ppm.into()).clamp(-MOST_DRIFT, MOST_DRIFT);
            }
        }
    }
}

/// A proptest runner with a generator of this seed.
fn runner(seed: u64) -> TestRunner {
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &plan_key(seed)))
}
