//! Properties: what must hold after each event or at the end of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::history::Invocation;
use crate::model::Model;
use crate::process::NodeId;
use crate::time::{Span, Time};
use crate::world::World;

/// Why a property does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The nodes concerned, to be highlighted in drawings; may be empty.
    pub nodes: Vec<NodeId>,
    /// What is wrong, with the values.
    pub message: String,
    /// Whether it is not known if the property holds. The run then has no verdict, unless another property is violated.
    pub undecided: bool,
}

impl Broken {
    /// A property that has come to a limit of its own (steps, memory), and says nothing about the run. The message names the
    /// limit, and what to do.
    pub fn undecided(why: impl Into<String>) -> Self {
        Broken { undecided: true, ..Broken::from(why.into()) }
    }

    /// A property that is broken at these nodes, for this reason.
    pub fn new(nodes: impl IntoIterator<Item = NodeId>, message: impl Into<String>) -> Self {
        Broken { nodes: nodes.into_iter().collect(), message: message.into(), undecided: false }
    }
}

impl From<String> for Broken {
    fn from(message: String) -> Self {
        Broken { nodes: Vec::new(), message, undecided: false }
    }
}

impl From<&str> for Broken {
    fn from(message: &str) -> Self {
        message.to_string().into()
    }
}

/// `Ok` if a property holds.
pub type Verdict = Result<(), Broken>;

/// Something that must hold in every run of a model.
///
/// A property is a value that lives for one run and may keep state, so that checks after each event can be incremental.
/// [`World::changed`] says which nodes to look at.
pub trait Property<M: Model> {
    /// Its name, with the model's or family's in front: `raft/election_safety`. Shrinking compares this and nothing
    /// else of a violation.
    fn name(&self) -> String;

    /// Whether it is a liveness property: something good happens eventually, rather than nothing bad ever. A run that
    /// violates such a property is *stuck*.
    fn is_liveness(&self) -> bool {
        false
    }

    /// How much longer than its phases a run goes on while this property does not hold at the end: for what a protocol
    /// promises with probability one and by no deadline, such as the end of a randomised election. Nothing, by default. Then
    /// [`Property::at_end`] is called several times, and must give its verdict of the world as it is.
    fn patience(&self) -> Span {
        Span::ZERO
    }

    /// Checks the world after one event.
    ///
    /// # Errors
    /// What is wrong.
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        let _ = world;
        Ok(())
    }

    /// Checks the finished run: the history and the final states.
    ///
    /// # Errors
    /// What is wrong.
    fn at_end(&mut self, world: &World<M>) -> Verdict {
        let _ = world;
        Ok(())
    }
}

/// Creates a property for each run; shared by all threads of a sweep.
pub type Maker<M> = std::sync::Arc<dyn Fn() -> Box<dyn Property<M>> + Send + Sync>;

/// The maker of a property that is cloned for each run.
pub fn maker<M: Model, P: Property<M> + Clone + Send + Sync + 'static>(property: P) -> Maker<M> {
    std::sync::Arc::new(move || Box::new(property.clone()))
}

/// A closure, checked after each event.
#[derive(Clone)]
pub struct Invariant<F> {
    name: String,
    holds: F,
}

impl<F> Invariant<F> {
    /// An invariant of this name.
    pub fn new(name: impl Into<String>, holds: F) -> Self {
        Invariant { name: name.into(), holds }
    }
}

impl<M: Model, F: FnMut(&World<M>) -> Verdict> Property<M> for Invariant<F> {
    fn name(&self) -> String {
        self.name.clone()
    }
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        (self.holds)(world)
    }
}

/// A closure, checked at the end.
#[derive(Clone)]
pub struct AtEnd<F> {
    name: String,
    liveness: bool,
    holds: F,
}

impl<F> AtEnd<F> {
    /// A property of whole runs, of this name.
    pub fn new(name: impl Into<String>, holds: F) -> Self {
        AtEnd { name: name.into(), liveness: false, holds }
    }

    /// The same for a liveness property: something good that must have happened by the end.
    pub fn liveness(name: impl Into<String>, holds: F) -> Self {
        AtEnd { name: name.into(), liveness: true, holds }
    }
}

impl<M: Model, F: FnMut(&World<M>) -> Verdict> Property<M> for AtEnd<F> {
    fn name(&self) -> String {
        self.name.clone()
    }
    fn is_liveness(&self) -> bool {
        self.liveness
    }
    fn at_end(&mut self, world: &World<M>) -> Verdict {
        (self.holds)(world)
    }
}

/// Every client is answered once the faults have ended, unless it crashed and forgot what it had asked: what is asked of every
/// model that has clients ([`World::overdue`]).
#[derive(Clone, Debug)]
pub struct Answered {
    name: String,
    within: Span,
}

impl Answered {
    /// The property under this name: an answer comes within this long after the faults have ended, or after the question if that
    /// is later.
    pub fn within(name: impl Into<String>, within: Span) -> Self {
        Answered { name: name.into(), within }
    }

    /// The property under this name, without a bound: nobody waits at the end.
    pub fn at_end(name: impl Into<String>) -> Self {
        Answered::within(name, Span::ZERO)
    }
}

impl<M: Model> Property<M> for Answered {
    fn name(&self) -> String {
        self.name.clone()
    }
    fn is_liveness(&self) -> bool {
        true
    }
    fn at_end(&mut self, world: &World<M>) -> Verdict {
        let Some(Invocation { id, client, op, invoked, .. }) = world.overdue(self.within).next() else { return Ok(()) };
        let message = format!("operation {} of {client}, {op:?}, asked for at {invoked}, was never answered", id.0);
        Err(Broken::new([*client], message))
    }
}

/// A violation: which property, when, where, and the values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The property's name.
    pub property: String,
    /// On the world's clock.
    pub at: Time,
    /// The number of events up to and including the one that violated it.
    pub event: u64,
    /// The nodes concerned.
    pub nodes: Vec<NodeId>,
    /// What was wrong, with the values.
    pub message: String,
    /// Whether it is a liveness property: the run is stuck.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub liveness: bool,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.liveness { "STUCK" } else { "VIOLATED" };
        write!(f, "{} {how} at {}\n  {}", self.property, self.at, self.message)
    }
}
