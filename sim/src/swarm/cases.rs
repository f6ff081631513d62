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
use crate::swarm::plans::{deep_plans, plans};
use crate::swarm::rules::Rules;
use crate::swarm::shape::{self, Shape, Tempo};
use crate::swarm::uniform;
use crate::time::Span;

impl Swarm {
    /// The cases of a model under this swarm.
    pub fn cases<M: Model>(&self, model: &M) -> Cases<M> {
        let others = if self.draws_shapes() { model.sizes() } else { Vec::new() };
        let others = others.into_iter().map(|other| self.cases_of_size(&other, other.workload())).collect();
        Cases { of_variants: true, others, ..self.cases_with(model, model.workload()) }
    }

    /// The same with another workload, in the configured size.
    pub fn cases_with<M: Model>(&self, model: &M, workload: BoxedStrategy<Workload<M>>) -> Cases<M> {
        Cases {
            configured: self.cases_of_size(model, workload),
            others: Vec::new(),
            of_variants: false,
            bug: None,
            swarm: self.clone(),
        }
    }

    /// Whether worlds have other shapes than the configured one. Where a length is asked for, or a configuration, or faults of
    /// every class, that is what is meant.
    pub(super) fn draws_shapes(&self) -> bool {
        !self.as_configured && !self.of_one_shape && !self.every && self.chaos.is_none()
    }

    fn cases_of_size<M: Model>(&self, model: &M, workload: BoxedStrategy<Workload<M>>) -> CasesOfSize<M> {
        let Tolerance { crashes, skew, delay, .. } = model.tolerance();
        let parameters = PlanParameters {
            classes: self.classes::<M>().into_iter().collect(),
            nodes: (0..model.size()).map(|n| NodeId(n as u16)).collect(),
            crashable: crashes.among.clone(),
            power_loss: crashes.power_loss,
            clients: crashes.besides,
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
        let plans_in = |chaos: Span| {
            let parameters = PlanParameters { chaos, ..parameters.clone() };
            match self.drawn {
                Drawn::Uniform => Plans { usual: uniform::plans(parameters), deep: None },
                Drawn::Swarm | Drawn::Ordered { .. } => {
                    let deep = if self.every { None } else { deep_plans(parameters.clone()) };
                    Plans { usual: plans(parameters), deep }
                }
            }
        };
        CasesOfSize {
            workload,
            plans: plans_in(parameters.chaos),
            long_plans: self.draws_shapes().then(|| plans_in(parameters.chaos.max(shape::LONG))),
            variants: if self.as_configured { Just(model.clone()).boxed() } else { model.variants() },
            scenario,
        }
    }
}

/// The cases of a sweep: a function from seeds to cases.
pub struct Cases<M: Model> {
    configured: CasesOfSize<M>,
    /// Those of the other sizes of the model.
    others: Vec<CasesOfSize<M>>,
    /// Whether variants with a workload of their own get it.
    of_variants: bool,
    bug: Option<&'static str>,
    swarm: Swarm,
}

/// The cases of a model of one size.
struct CasesOfSize<M: Model> {
    scenario: Scenario<M>,
    workload: BoxedStrategy<Workload<M>>,
    plans: Plans,
    /// Plans for a long chaos; `None` where all worlds have the usual shape.
    long_plans: Option<Plans>,
    variants: BoxedStrategy<M>,
}

/// Strategies of fault plans.
struct Plans {
    usual: BoxedStrategy<Plan>,
    /// Plans of deep motifs; `None` if none of them can be drawn.
    deep: Option<BoxedStrategy<Plan>>,
}

impl<M: Model> Cases<M> {
    /// The same with a bug planted, and only the variants in which it can show.
    pub fn planting(mut self, bug: Option<&'static str>) -> Self {
        self.bug = bug;
        let as_configured = self.swarm.as_configured;
        for cases in self.sizes_mut() {
            cases.scenario.bug = bug.map(String::from);
            if let Some(bug) = bug.filter(|_| !as_configured) {
                cases.variants = cases.scenario.config.variants_with(bug);
            }
        }
        self
    }

    /// Changes the common part of all scenarios.
    pub fn scenario(mut self, change: impl Fn(&mut Scenario<M>)) -> Self {
        self.sizes_mut().for_each(|cases| change(&mut cases.scenario));
        self
    }

    fn sizes_mut(&mut self) -> impl Iterator<Item = &mut CasesOfSize<M>> {
        std::iter::once(&mut self.configured).chain(&mut self.others)
    }

    /// The case of a seed.
    pub fn case(&self, seed: u64) -> Case<M> {
        let shape = Shape::drawn(seed, self.others.len());
        let shape = if self.swarm.draws_shapes() { shape } else { Shape { deep: shape.deep, ..Shape::USUAL } };
        let of_size = match shape.size.checked_sub(1) {
            None => &self.configured,
            Some(other) => &self.others[other],
        };
        let mut runner = runner(seed);
        let drawn = |workload: &BoxedStrategy<Workload<M>>, runner: &mut TestRunner| {
            workload.new_tree(runner).expect("workload strategies reject nothing").current()
        };
        let mut operations = drawn(&of_size.workload, &mut runner);
        let mut plan = of_size.plans(shape).new_tree(&mut runner).expect("plan strategies reject nothing").current();
        let mut scenario = of_size.scenario.clone();
        let variant = of_size.variants.new_tree(&mut runner).expect("variants reject nothing");
        scenario.config = variant.current();
        if let Some(own) = scenario.config.own_workload().filter(|_| self.of_variants) {
            operations = drawn(&own, &mut runner);
        }
        self.swarm.shares.thin(seed, &mut operations);
        shape.tempo.spread(scenario.phases.chaos, &mut operations);
        scenario.phases = shape.tempo.phases(&scenario.phases);
        let rules = Rules::of(&self.swarm, &of_size.scenario.config, &scenario.config);
        rules.keep_classes(&mut plan.faults, &mut plan.network, &mut plan.disk);
        rules.keep_delays(&mut plan.network, &mut plan.timer_jitter);
        let mut faults = plan.faults;
        self.skew_within(&of_size.scenario.config, &scenario.config, &mut faults);
        rules.keep_pauses(&mut faults);
        scenario.network = NetworkConfig { bandwidth: scenario.network.bandwidth, ..plan.network };
        scenario.disk = plan.disk;
        scenario.timer_jitter = plan.timer_jitter;
        Case { scenario, operations, faults }
    }

    /// The rules for cases of this configuration, which is of the configured size.
    pub(crate) fn rules(&self, variant: &M) -> Rules {
        Rules::of(&self.swarm, &self.configured.scenario.config, variant)
    }

    /// The common part of all scenarios.
    pub(crate) fn common(&self) -> &Scenario<M> {
        &self.configured.scenario
    }

    /// Plans are drawn for the configured model; a variant may tolerate less skew, or more.
    fn skew_within(&self, configured: &M, variant: &M, faults: &mut [Fault]) {
        let (usual, bound) = (configured.tolerance().skew, variant.tolerance().skew);
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

impl<M: Model> CasesOfSize<M> {
    fn plans(&self, shape: Shape) -> &BoxedStrategy<Plan> {
        let plans = match &self.long_plans {
            Some(long) if shape.tempo == Tempo::Long => long,
            _ => &self.plans,
        };
        plans.deep.as_ref().filter(|_| shape.deep).unwrap_or(&plans.usual)
    }
}

/// A proptest runner with a generator of this seed.
fn runner(seed: u64) -> TestRunner {
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &plan_key(seed)))
}
