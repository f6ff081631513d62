//! A suite as a system: the code that is compiled for each model.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

use crate::choice::Source;
use crate::fault::FaultClass;
use crate::fingerprint::stable_hash;
use crate::kind::kind_names;
use crate::model::{Info, Model, Setting};
use crate::phases::Phases;
use crate::process::{NodeId, Process};
use crate::property::{Maker, Violation};
use crate::run::{Record, all_violations, drive, finish, in_runtime_of, run_valid};
use crate::scenario::{Impossible, Scenario};
use crate::seed::{SeedResult, run_seed};
use crate::strategy::guided::coverage::Observer;
use crate::suite::{Boundary, Observation, Suite};
use crate::swarm::{Cases, Rules, Swarm};
use crate::system::config::AnyOp;
use crate::system::{AnyCase, AnyConfig, AnyFinished, AnyTrace, AnyWorld, Erased, Runner, Worlds};
use crate::time::Time;
use crate::timeline::Entry;
use crate::trace::{TraceError, parse, read_part};
use crate::world::World;

/// The properties that runs of a model are checked against.
pub(crate) struct Checked<'a, M: Model>(pub(crate) &'a [Maker<M>]);

impl<M: Model> Runner for Checked<'_, M> {
    fn info(&self) -> Info {
        M::INFO
    }

    fn run(&self, case: &AnyCase, source: &Source, record: Record) -> AnyFinished {
        run_valid(&case.of_model::<M>(), source, self.0, record).erased()
    }
}

impl<M: Model> Runner for Suite<M> {
    fn info(&self) -> Info {
        M::INFO
    }

    fn run(&self, case: &AnyCase, source: &Source, record: Record) -> AnyFinished {
        Checked(&self.properties).run(case, source, record)
    }
}

impl<M: Model> Erased for Suite<M> {
    fn type_name(&self) -> &'static str {
        std::any::type_name::<M>()
    }

    fn config(&self) -> AnyConfig {
        AnyConfig::new(self.model.clone())
    }

    fn configured(&self, config: &AnyConfig) -> Arc<dyn Erased> {
        Arc::new(Suite { model: config.of::<M>().clone(), ..self.clone() })
    }

    fn bug(&self) -> Option<&'static str> {
        self.bug
    }

    fn planting(&self, bug: Option<&'static str>) -> Arc<dyn Erased> {
        Arc::new(Suite { bug, ..self.clone() })
    }

    fn bounded(&self, most_events: NonZeroU64) -> Arc<dyn Erased> {
        Arc::new(Suite { most_events: Some(most_events), ..self.clone() })
    }

    fn at_boundary(&self, name: &str) -> Option<(Arc<dyn Erased>, Swarm)> {
        let (suite, swarm) = self.clone().at_boundary(name)?;
        Some((Arc::new(suite), swarm))
    }

    fn judging(&self, property: &str) -> Arc<dyn Erased> {
        Arc::new(self.clone().judging(property))
    }

    fn properties(&self) -> Vec<String> {
        self.property_names()
    }

    fn sometimes(&self) -> Vec<&'static str> {
        self.sometimes.clone()
    }

    fn boundaries(&self) -> Vec<Boundary<AnyConfig>> {
        let erased = |boundary: &Boundary<M>| Boundary {
            name: boundary.name,
            what: boundary.what,
            breaks: boundary.breaks,
            model: AnyConfig::new(boundary.model.clone()),
            bug: boundary.bug,
            swarm: boundary.swarm.clone(),
        };
        self.boundaries.iter().map(erased).collect()
    }

    fn settings(&self) -> &'static [Setting] {
        M::settings()
    }

    fn message_kinds(&self) -> Vec<String> {
        kind_names::<<M::Process as Process>::Message>()
    }

    fn classes(&self, swarm: &Swarm) -> BTreeSet<FaultClass> {
        swarm.classes::<M>()
    }

    fn observe(&self, seeds: Range<u64>, until_all: bool) -> Option<Observation> {
        self.observation.and_then(|observe| observe(self, seeds, until_all))
    }

    fn parse(&self, text: &str) -> Result<AnyTrace, TraceError> {
        let config = |text: &str| parse::<M>(text).map(AnyConfig::new);
        let op = |text: &str| parse(text).map(AnyOp::new::<M>);
        AnyTrace::read_by(text, M::INFO.name, &config, &op)
    }

    fn read_config(&self, json: serde_json::Value) -> Result<AnyConfig, String> {
        let config: M = read_part(&json.to_string())?;
        Ok(AnyConfig::new(config))
    }

    fn worlds<'a>(&'a self, swarm: &Swarm, config: &AnyConfig) -> Box<dyn Worlds + 'a> {
        Box::new(Drawn {
            cases: self.cases_of(swarm, config.of::<M>()),
            swarm: swarm.clone(),
            properties: &self.properties,
        })
    }

    fn watch(&self, case: &AnyCase, source: &Source, record: Record, observer: &Observer) -> AnyFinished {
        let finished = in_runtime_of::<M, _>(|| {
            let mut world = World::begin(&case.of_model::<M>(), source, record == Record::Yes);
            world.forget_timeline();
            let mut properties: Vec<_> = self.properties.iter().map(|make| make()).collect();
            properties.push(Box::new(observer.clone()));
            let stopped = drive(&mut world, &mut properties);
            finish(world, stopped)
        });
        finished.erased()
    }

    fn all_violations(&self, case: &AnyCase, source: &Source) -> Result<Vec<Violation>, Impossible> {
        all_violations(&case.of_model::<M>(), source, &self.properties)
    }

    fn step(&self, trace: &AnyTrace, each: &mut dyn FnMut(&dyn AnyWorld) -> bool) -> Result<(), Impossible> {
        let case = trace.case().of_model::<M>();
        in_runtime_of::<M, _>(|| {
            let mut world = World::recording(&case, &Source::Fixed(trace.deviations.clone()))?;
            while world.step() && each(&world) {}
            Ok(())
        })
    }

    fn as_runner(&self) -> &dyn Runner {
        self
    }
}

/// The cases that a swarm draws of a model.
struct Drawn<'a, M: Model> {
    cases: Cases<M>,
    swarm: Swarm,
    properties: &'a [Maker<M>],
}

impl<M: Model> Worlds for Drawn<'_, M> {
    fn case(&self, seed: u64) -> AnyCase {
        self.cases.case(seed).erased()
    }

    fn run(&self, seed: u64, record: Record) -> Result<(AnyCase, AnyFinished), Impossible> {
        let case = self.cases.case(seed);
        case.validate()?;
        let finished = run_valid(
            &case,
            &self.swarm.source(&case, seed, || case.scenario.config.tolerance().delay),
            self.properties,
            record,
        );
        Ok((case.erased(), finished.erased()))
    }

    fn run_seed(&self, seed: u64, twice: bool) -> SeedResult {
        let case = self.cases.case(seed);
        run_seed(
            &case,
            &self.swarm.source(&case, seed, || case.scenario.config.tolerance().delay),
            self.properties,
            seed,
            twice,
        )
    }

    fn rules(&self, config: &AnyConfig) -> Rules {
        self.cases.rules(config.of())
    }

    fn common(&self) -> Scenario<AnyConfig> {
        let common = self.cases.common();
        common.configured(AnyConfig::new(common.config.clone()))
    }

    fn with_phases<'b>(self: Box<Self>, change: &dyn Fn(&mut Phases)) -> Box<dyn Worlds + 'b>
    where
        Self: 'b,
    {
        Box::new(Drawn { cases: self.cases.scenario(|scenario| change(&mut scenario.phases)), ..*self })
    }

    fn with_core<'b>(self: Box<Self>, core: &Option<Vec<NodeId>>) -> Box<dyn Worlds + 'b>
    where
        Self: 'b,
    {
        Box::new(Drawn { cases: self.cases.scenario(|scenario| scenario.core.clone_from(core)), ..*self })
    }
}

impl<M: Model> AnyWorld for World<M> {
    fn now(&self) -> Time {
        self.now()
    }
    fn events(&self) -> u64 {
        self.stats().events
    }
    fn timeline(&self) -> &[Entry] {
        self.timeline()
    }
    fn changed(&self) -> &[NodeId] {
        self.changed()
    }
    fn state(&self, node: NodeId) -> Option<&dyn Debug> {
        self.process(node).map(|process| process as &dyn Debug)
    }
    fn state_hash(&self, node: NodeId) -> u64 {
        stable_hash(&self.process(node))
    }
    fn role(&self, node: NodeId) -> Option<&'static str> {
        self.process(node).and_then(|process| self.config().role(process))
    }
    fn clock(&self, node: NodeId) -> Time {
        self.clock(node)
    }
}
