//! A suite: a model in its usual configuration, with everything that must be true of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::bug::Planted;
use crate::model::Model;
use crate::property::{Maker, Property, Violation, maker};
use crate::swarm::Swarm;

/// What a component is checked with, in tests and on the command line alike.
#[derive(Clone)]
pub struct Suite<M: Model> {
    /// The usual configuration.
    pub model: M,
    /// The bug that is planted in every world, if any.
    pub bug: Option<&'static str>,
    /// What must be true.
    pub properties: Vec<Maker<M>>,
    /// The interesting states that seeds must reach: names of marks.
    pub sometimes: Vec<&'static str>,
    /// What is known not to hold outside the tolerance.
    pub boundaries: Vec<Boundary<M>>,
    /// How to see what its worlds do, where that is a set of outcomes rather than a verdict.
    pub observation: Option<Observe<M>>,
}

/// Runs one world a seed and says what they did; with `true`, no more of them than it takes to see everything that is
/// allowed. `None` if there is nothing to see in this configuration.
pub type Observe<M> = fn(&Suite<M>, Range<u64>, bool) -> Option<Observation>;

/// What worlds were seen to do, beside what they may: the outcomes of a litmus program on a memory, for instance.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What was run: its name.
    pub name: String,
    /// What was run: all of it.
    pub text: String,
    /// What says which outcomes are allowed, in words.
    pub rule: String,
    /// In how many worlds each outcome was seen.
    pub observed: BTreeMap<String, u64>,
    /// The outcomes that are allowed.
    pub allowed: BTreeSet<String>,
    /// How the two differ, in words.
    pub comparison: String,
    /// Whether they are the same, and nothing was violated.
    pub exact: bool,
    /// How many worlds were run.
    pub runs: u64,
    /// The lowest seed that violated something, and what.
    pub violation: Option<(u64, Violation)>,
}

/// A step outside what a component tolerates, where a property is known to break: a result to show, with the shortest
/// story of it kept in `traces/corpus/MODEL-NAME.json`. One that cannot be broken is a failing test.
#[derive(Clone, Debug, PartialEq)]
pub struct Boundary<M> {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// What happens there, in one line.
    pub what: &'static str,
    /// The property that breaks.
    pub breaks: &'static str,
    /// The configuration in which it does.
    pub model: M,
    /// The bug that is planted in it, if it needs one.
    pub bug: Option<&'static str>,
    /// The faults under which it does.
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

    /// A suite that demands nothing.
    pub fn bare(model: M) -> Self {
        Suite {
            model,
            bug: None,
            properties: Vec::new(),
            sometimes: Vec::new(),
            boundaries: Vec::new(),
            observation: None,
        }
    }

    /// Adds a property; each run begins with a clone of it.
    pub fn property(mut self, property: impl Property<M> + Clone + Send + Sync + 'static) -> Self {
        self.properties.push(maker(property));
        self
    }

    /// Demands that this mark is reached by some of the seeds.
    pub fn sometimes(mut self, mark: &'static str) -> Self {
        self.sometimes.push(mark);
        self
    }

    /// Adds a boundary.
    pub fn boundary(mut self, boundary: Boundary<M>) -> Self {
        self.boundaries.push(boundary);
        self
    }

    /// Says how to see what its worlds do.
    pub fn observation(mut self, observe: Observe<M>) -> Self {
        self.observation = Some(observe);
        self
    }

    /// The names of the properties.
    pub fn property_names(&self) -> Vec<String> {
        self.properties.iter().map(|make| make().name()).collect()
    }
}
