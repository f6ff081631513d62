//! The faults that a sweep may draw.

use std::collections::BTreeSet;

use crate::choice::Source;
use crate::fault::FaultClass;
use crate::model::Model;
use crate::scenario::CaseOf;
use crate::strategy::drawn::Drawn;
use crate::swarm::shares::Shares;
use crate::time::Span;

/// The faults that a sweep may draw.
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
    pub(super) of_one_shape: bool,
    pub(super) chaos: Option<Span>,
    pub(super) drawn: Drawn,
    pub(super) shares: Shares,
}

impl Swarm {
    /// Everything that the model tolerates, so that a violation is a bug.
    pub fn tolerated() -> Self {
        Swarm {
            base: None,
            more: BTreeSet::new(),
            over_budget: 0,
            over_skew: 1,
            over_pause: 1,
            every: false,
            as_configured: false,
            of_one_shape: false,
            chaos: None,
            drawn: Drawn::Swarm,
            shares: Shares::default(),
        }
    }

    /// These classes and no others, tolerated or not.
    pub fn only(classes: impl IntoIterator<Item = FaultClass>) -> Self {
        Swarm { base: Some(classes.into_iter().collect()), ..Swarm::tolerated() }
    }

    /// These classes and no others, and all of them in every plan, to measure their effect; a swarm that leaves some
    /// out ([`Swarm::only`]) finds more. A fault that is drawn may still have no effect.
    pub fn exactly(classes: impl IntoIterator<Item = FaultClass>) -> Self {
        Swarm { every: true, ..Swarm::only(classes) }
    }

    /// No faults.
    pub fn calm() -> Self {
        Swarm::only([])
    }

    /// One more class, outside the tolerance.
    pub fn and(mut self, class: FaultClass) -> Self {
        self.more.insert(class);
        self
    }

    /// Lets this many more nodes be down at once than the model tolerates.
    pub fn over_budget(mut self, nodes: usize) -> Self {
        self.over_budget = nodes;
        self
    }

    /// Skews clocks by up to this many times what the model tolerates.
    pub fn over_skew(mut self, times: u32) -> Self {
        self.over_skew = times;
        self
    }

    /// Pauses nodes for up to this many times the tolerated length, if it is bounded.
    pub fn over_pause(mut self, times: u32) -> Self {
        self.over_pause = times;
        self
    }

    /// Runs the model as it is configured, without variants ([`Model::variants`]).
    pub fn as_configured(mut self) -> Self {
        self.as_configured = true;
        self
    }

    /// Runs the model in its configured size, and with its usual length and density of operations; variants are drawn. (By
    /// default, sweeps draw other [sizes](Model::sizes) as well, an occasional long world, and bursts of operations.)
    pub fn of_one_shape(mut self) -> Self {
        self.of_one_shape = true;
        self
    }

    /// Replaces the model's length of chaos.
    pub fn chaos(mut self, chaos: Span) -> Self {
        self.chaos = Some(chaos);
        self
    }

    /// Shifts the shares of operations in workloads.
    pub fn shares(mut self, shares: Shares) -> Self {
        self.shares = shares;
        self
    }

    /// Restricts the classes to these, which must be some of them.
    pub(crate) fn narrowed(mut self, classes: BTreeSet<FaultClass>) -> Self {
        self.base = Some(classes);
        self.more = BTreeSet::new();
        self
    }

    /// Whether the configuration has no variants here.
    pub(crate) fn is_as_configured(&self) -> bool {
        self.as_configured
    }

    /// Replaces the way in which cases are drawn.
    pub(crate) fn drawn(mut self, drawn: Drawn) -> Self {
        self.drawn = drawn;
        self
    }

    /// The source of choices for the case of a seed, whose variant relies on this bound on delays.
    pub(crate) fn source<C, O>(&self, case: &CaseOf<C, O>, seed: u64, delay: impl FnOnce() -> Option<Span>) -> Source {
        self.drawn.source(case, seed, delay)
    }

    /// The classes that may be drawn for a model.
    pub fn classes<M: Model>(&self) -> BTreeSet<FaultClass> {
        let base = self.base.clone().unwrap_or_else(|| M::INFO.tolerates.iter().copied().collect());
        base.union(&self.more).copied().collect()
    }
}
