//! A suite: a model in its usual configuration, with its properties.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::ops::Range;

use crate::bug::Planted;
use crate::mark::Mark;
use crate::model::Model;
use crate::property::{Maker, Property, Violation, maker};
use crate::swarm::{Cases, Swarm};

/// The model, properties and marks that a component is checked with, in tests and on the command line.
#[derive(Clone)]
pub struct Suite<M: Model> {
    /// In its usual configuration.
    pub model: M,
    /// The bug that is planted in every world, if any.
    pub bug: Option<&'static str>,
    /// Created anew for each run.
    pub properties: Vec<Maker<M>>,
    /// The marks that some seeds must reach, by name.
    pub sometimes: Vec<&'static str>,
    /// Known violations outside the tolerance.
    pub boundaries: Vec<Boundary<M>>,
    /// Properties that are checked at one boundary only: the boundary's name, and the property.
    pub boundary_properties: Vec<(&'static str, Maker<M>)>,
    /// The bound on events of its worlds ([`Scenario::most_events`](crate::Scenario::most_events)), if it is not the usual one.
    pub most_events: Option<NonZeroU64>,
    /// How outcomes of its worlds are collected, for components that are judged by sets of outcomes.
    pub observation: Option<Observe<M>>,
}

/// Runs one world for each seed and collects their outcomes; with `true`, only as many as it takes to see every allowed
/// outcome. `None` if this configuration has no outcomes to collect.
pub type Observe<M> = fn(&Suite<M>, Range<u64>, bool) -> Option<Observation>;

/// Observed outcomes and allowed ones: of a litmus program on a memory, for instance.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The name of the program that was run.
    pub name: String,
    /// The text of the program.
    pub text: String,
    /// The rule that allows outcomes, in words.
    pub rule: String,
    /// The number of worlds with each outcome.
    pub observed: BTreeMap<String, u64>,
    /// All allowed outcomes, observed or not.
    pub allowed: BTreeSet<String>,
    /// The difference between observed and allowed outcomes, in words.
    pub comparison: String,
    /// Whether every allowed outcome was observed, no other one, and no violation.
    pub exact: bool,
    /// How many worlds were run.
    pub runs: u64,
    /// The lowest seed with a violation, and the violation.
    pub violation: Option<(u64, Violation)>,
}

/// A step outside the tolerance of a component, where a property is known to break: a result to show, whose shortest
/// story is kept in `traces/corpus/MODEL-NAME.json`. A boundary that cannot be broken is a failing test.
#[derive(Clone, Debug, PartialEq)]
pub struct Boundary<M> {
    /// In kebab case.
    pub name: &'static str,
    /// In one line, how the property breaks.
    pub what: &'static str,
    /// The property that breaks.
    pub breaks: &'static str,
    /// The configuration in which it breaks.
    pub model: M,
    /// The planted bug, if the boundary needs one.
    pub bug: Option<&'static str>,
    /// The faults under which it breaks.
    pub swarm: Swarm,
}

impl<M> Boundary<M> {
    /// A boundary without a bug.
    pub fn new(name: &'static str, what: &'static str, breaks: &'static str, model: M, swarm: Swarm) -> Self {
        Boundary { name, what, breaks, model, bug: None, swarm }
    }

    /// The same with a bug planted.
    pub fn planting(self, bug: impl Planted) -> Self {
        Boundary { bug: Some(bug.name()), ..self }
    }
}

impl<M: Model> Suite<M> {
    /// A suite without properties that demands the marks of the model ([`crate::Info::marks`]).
    pub fn new(model: M) -> Self {
        let marks = M::INFO.marks.iter().copied().flatten();
        let sometimes = marks.filter(|mark| mark.demanded).map(|mark| mark.name).collect();
        Suite { sometimes, ..Suite::bare(model) }
    }

    /// A suite without properties and demanded marks.
    pub fn bare(model: M) -> Self {
        Suite {
            model,
            bug: None,
            properties: Vec::new(),
            sometimes: Vec::new(),
            boundaries: Vec::new(),
            most_events: None,
            observation: None,
            boundary_properties: Vec::new(),
        }
    }

    /// Adds a property, which is cloned for each run.
    pub fn property(mut self, property: impl Property<M> + Clone + Send + Sync + 'static) -> Self {
        self.properties.push(maker(property));
        self
    }

    /// Demands that this mark is reached by some of the seeds.
    pub fn sometimes(mut self, mark: Mark) -> Self {
        self.sometimes.push(mark.name);
        self
    }

    /// Adds a boundary.
    pub fn boundary(mut self, boundary: Boundary<M>) -> Self {
        self.boundaries.push(boundary);
        self
    }

    /// Sets how outcomes of its worlds are collected.
    pub fn observation(mut self, observe: Observe<M>) -> Self {
        self.observation = Some(observe);
        self
    }

    /// Adds a boundary with properties that are checked there only: demands that the component does not claim to meet.
    pub fn boundary_with(mut self, boundary: Boundary<M>, properties: impl IntoIterator<Item = Maker<M>>) -> Self {
        self.boundary_properties.extend(properties.into_iter().map(|property| (boundary.name, property)));
        self.boundary(boundary)
    }

    /// The suite at one of its boundaries, with its configuration, which is of one size, its bug and its own properties. `None` if there is
    /// no boundary of this name.
    pub fn at_boundary(mut self, name: &str) -> Option<(Self, Swarm)> {
        let boundary = self.boundaries.iter().find(|boundary| boundary.name == name)?.clone();
        let own = self.boundary_properties.iter().filter(|(of, _)| *of == name);
        self.properties.extend(own.map(|(_, property)| property.clone()).collect::<Vec<_>>());
        Some((Suite { model: boundary.model, bug: boundary.bug, ..self }, boundary.swarm.of_one_shape()))
    }

    /// The suite that checks a trace which violates this property: if only boundaries have the property, it is added.
    pub fn judging(mut self, property: &str) -> Self {
        if !self.properties.iter().any(|make| make().name() == property) {
            let own = self.boundary_properties.iter().filter(|(_, make)| make().name() == property);
            self.properties.extend(own.map(|(_, make)| make.clone()).collect::<Vec<_>>());
        }
        self
    }

    /// The cases that a swarm draws of it.
    pub(crate) fn cases(&self, swarm: &Swarm) -> Cases<M> {
        self.cases_of(swarm, &self.model)
    }

    /// The same, of another configuration.
    pub(crate) fn cases_of(&self, swarm: &Swarm, model: &M) -> Cases<M> {
        let cases = swarm.cases(model).planting(self.bug);
        cases.scenario(|scenario| scenario.most_events = self.most_events)
    }

    /// The names of the properties.
    pub fn property_names(&self) -> Vec<String> {
        self.properties.iter().map(|make| make().name()).collect()
    }
}
