//! Which faults a sweep may draw.

use std::collections::BTreeSet;

use crate::choice::Source;
use crate::fault::FaultClass;
use crate::model::Model;
use crate::scenario::CaseOf;
use crate::strategy::drawn::Drawn;
use crate::time::Span;

/// Which faults a sweep may draw.
///
/// ```
/// use seedbed_sim::{FaultClass, Swarm};
/// let inside = Swarm::tolerated();
/// let one_step_beyond = Swarm::tolerated().and(FaultClass::Wipe);
/// let only_these = Swarm::only([FaultClass::Loss, FaultClass::Crash]);
/// # let _ = (inside, one_step_beyond, only_these);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swarm {
    /// `None`: what the model tolerates.
    pub(super) base: Option<BTreeSet<FaultClass>>,
    pub(super) more: BTreeSet<FaultClass>,
    pub(super) over_budget: usize,
    pub(super) over_skew: u32,
    pub(super) over_pause: u32,
    pub(super) every: bool,
    pub(super) as_configured: bool,
    pub(super) chaos: Option<Span>,
    pub(super) drawn: Drawn,
}

impl Swarm {
    /// Everything that the model tolerates, so that a violation is a bug and not an impossible demand.
    pub fn tolerated() -> Self {
        Swarm {
            base: None,
            more: BTreeSet::new(),
            over_budget: 0,
            over_skew: 1,
            over_pause: 1,
            every: false,
            as_configured: false,
            chaos: None,
            drawn: Drawn::Swarm,
        }
    }

    /// These classes and no others, tolerated or not.
    pub fn only(classes: impl IntoIterator<Item = FaultClass>) -> Self {
        Swarm { base: Some(classes.into_iter().collect()), ..Swarm::tolerated() }
    }

    /// These classes and no others, and all of them in every plan: to measure what they do, where a swarm that leaves some
    /// out ([`Swarm::only`]) finds more. A fault that is drawn may still strike nobody.
    pub fn exactly(classes: impl IntoIterator<Item = FaultClass>) -> Self {
        Swarm { every: true, ..Swarm::only(classes) }
    }

    /// A world in which nothing breaks.
    pub fn calm() -> Self {
        Swarm::only([])
    }

    /// One class more: a step beyond the tolerance.
    pub fn and(mut self, class: FaultClass) -> Self {
        self.more.insert(class);
        self
    }

    /// Lets this many nodes more be down at once than the model tolerates.
    pub fn over_budget(mut self, nodes: usize) -> Self {
        self.over_budget = nodes;
        self
    }

    /// Skews clocks by up to this many times what the model tolerates.
    pub fn over_skew(mut self, times: u32) -> Self {
        self.over_skew = times;
        self
    }

    /// Pauses nodes for up to this many times as long as the model tolerates, where it has a bound.
    pub fn over_pause(mut self, times: u32) -> Self {
        self.over_pause = times;
        self
    }

    /// Runs the model only as it is configured, and none of its variants ([`Model::variants`]).
    pub fn as_configured(mut self) -> Self {
        self.as_configured = true;
        self
    }

    /// Lets chaos last this long, instead of as long as the model says.
    pub fn chaos(mut self, chaos: Span) -> Self {
        self.chaos = Some(chaos);
        self
    }

    /// Leaves out all classes but these, which are some of those that may be drawn.
    pub(crate) fn narrowed(mut self, classes: BTreeSet<FaultClass>) -> Self {
        self.base = Some(classes);
        self.more = BTreeSet::new();
        self
    }

    /// Whether no variants of the configuration are drawn.
    pub(crate) fn is_as_configured(&self) -> bool {
        self.as_configured
    }

    /// Draws in another way than swarms do.
    pub(crate) fn drawn(mut self, drawn: Drawn) -> Self {
        self.drawn = drawn;
        self
    }

    /// Where the choices of a seed's case come from.
    pub(crate) fn source<C, O>(&self, case: &CaseOf<C, O>, seed: u64) -> Source {
        self.drawn.source(case, seed)
    }

    /// The classes that may be drawn for a model.
    pub fn classes<M: Model>(&self) -> BTreeSet<FaultClass> {
        let base = self.base.clone().unwrap_or_else(|| M::INFO.tolerates.iter().copied().collect());
        base.union(&self.more).copied().collect()
    }
}
