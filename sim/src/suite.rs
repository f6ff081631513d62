//! A suite: a model in its usual configuration, with everything that must be true of it.

use crate::model::Model;
use crate::property::{Maker, Property, maker};

/// What a component is checked with, in tests and on the command line alike.
#[derive(Clone)]
pub struct Suite<M: Model> {
    /// The usual configuration.
    pub model: M,
    /// What must be true.
    pub properties: Vec<Maker<M>>,
    /// The interesting states that seeds must reach: names of marks.
    pub sometimes: Vec<&'static str>,
}

impl<M: Model> Suite<M> {
    /// A suite without properties.
    pub fn new(model: M) -> Self {
        Suite { model, properties: Vec::new(), sometimes: Vec::new() }
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

    /// The names of the properties.
    pub fn property_names(&self) -> Vec<String> {
        self.properties.iter().map(|make| make().name()).collect()
    }
}
