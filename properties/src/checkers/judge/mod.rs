//! What all judges have in common. A judge is told events, one after the other, and refuses the first that breaks its
//! rule; it knows no world, so it judges a recorded log as well. [`journal`] and [`facts`] make it a property of a
//! model.
//!
//! ```
//! use seedbed_properties::checkers::judge::Judge;
//! use seedbed_properties::checkers::mutual_exclusion::{Inside, Exclusion};
//!
//! let mut judge = Exclusion::default();
//! judge.observe(Inside { node: "ann", resources: vec!["file"] }).unwrap();
//! let refusal = judge.observe(Inside { node: "bob", resources: vec!["file"] }).unwrap_err();
//! assert_eq!(refusal.to_string(), r#"mutual exclusion: "ann" and "bob" are both in the critical section of "file""#);
//! ```

mod facts;
mod journal;
mod news;

use std::fmt;

use seedbed_sim::{Broken, NodeId};

pub use facts::{Facts, facts};
pub use journal::{Journal, journal};
pub use news::NewEntries;

/// What an event names: a message, a transaction, a resource, a value.
pub trait Name: Ord + Clone + fmt::Debug {}

impl<T: Ord + Clone + fmt::Debug> Name for T {}

/// Who does things: a node, a client, a session.
pub trait Id: Name {
    /// The node of a world that this is or belongs to, so that a refusal can point at it.
    fn node(&self) -> Option<NodeId> {
        None
    }
}

impl Id for NodeId {
    fn node(&self) -> Option<NodeId> {
        Some(*self)
    }
}

/// Those that are no nodes.
macro_rules! names {
    ($($type:ty),*) => {$(impl Id for $type {})*};
}
names!((), u8, u16, u32, u64, usize, char, &'static str, String, seedbed_sim::OpId);

/// Something of a node: its session, its topic.
impl<A: Id, B: Name> Id for (A, B) {
    fn node(&self) -> Option<NodeId> {
        self.0.node()
    }
}

/// The rule of a refusal by a judge that has come to its limit: nothing is known to be broken.
pub const UNDECIDED: &str = "undecided";

/// Why a judge refuses what it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal<N> {
    /// The rule that is broken, by its name in the literature.
    pub rule: &'static str,
    /// Who breaks it, for the eye; may be empty.
    pub nodes: Vec<N>,
    /// What is so and should not be, with the values.
    pub words: String,
}

impl<N> Refusal<N> {
    /// A refusal by this rule of what these did.
    pub fn new(rule: &'static str, nodes: impl IntoIterator<Item = N>, words: impl Into<String>) -> Self {
        Refusal { rule, nodes: nodes.into_iter().collect(), words: words.into() }
    }
}

impl<N> fmt::Display for Refusal<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.words)
    }
}

impl<N: fmt::Debug> std::error::Error for Refusal<N> {}

impl<N: Id> From<Refusal<N>> for Broken {
    fn from(refusal: Refusal<N>) -> Self {
        if refusal.rule == UNDECIDED {
            return Broken::undecided(refusal.to_string());
        }
        Broken::new(refusal.nodes.iter().filter_map(Id::node), refusal.to_string())
    }
}

/// Whether a judge lets something pass.
pub type Ruling<N> = Result<(), Refusal<N>>;

/// Judges a stream of events against one rule. After a refusal its state is of no use.
pub trait Judge {
    /// What it is told.
    type Event;
    /// Who does things.
    type Node: Id;

    /// Takes the next event.
    ///
    /// # Errors
    /// What breaks the rule.
    fn observe(&mut self, event: Self::Event) -> Ruling<Self::Node>;

    /// Judges a moment at which everything that belongs together has been told.
    ///
    /// # Errors
    /// What breaks the rule.
    fn instant(&mut self) -> Ruling<Self::Node> {
        Ok(())
    }

    /// Judges the whole. Only those who are `obliged` must have done what has to be done in the end: the correct
    /// processes of the literature.
    ///
    /// # Errors
    /// What breaks the rule.
    fn finish(&mut self, obliged: &dyn Fn(&Self::Node) -> bool) -> Ruling<Self::Node> {
        let _ = obliged;
        Ok(())
    }

    /// Whether the rule asks that something good happens in the end.
    fn is_liveness(&self) -> bool {
        false
    }

    /// Judges a whole list of events, where all are obliged and each event is a moment of its own.
    ///
    /// # Errors
    /// What breaks the rule.
    fn judge(mut self, events: impl IntoIterator<Item = Self::Event>) -> Ruling<Self::Node>
    where
        Self: Sized,
    {
        for event in events {
            self.observe(event)?;
            self.instant()?;
        }
        self.finish(&|_| true)
    }
}
