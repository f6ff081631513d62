//! What a saga consists of: steps, what each depends on, and which of them can be undone.
//!
//! The paper has a sequence `T_1 … T_n` with compensations `C_1 … C_{n−1}`; its *Parallel Sagas* lets steps run in
//! parallel, ordered by their dependencies. The three kinds of steps are those of Mehrotra, Rastogi, Korth &
//! Silberschatz, *A transaction model for multidatabase systems* (ICDCS 1992), as told in Richardson, *Microservices
//! Patterns* (2018), section 4.3.

use std::fmt;

/// How many services there are.
pub const SERVICES: u16 = 4;

/// A service, by its place among the services of the business. Which node it is, is for a world to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u16);

impl ServiceId {
    /// The place in lists that have one item a service.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Which step of its saga: the `i` of `T_i`, from zero on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u8);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl fmt::Debug for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A set of steps of one saga, which has at most sixteen.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Steps(u16);

impl Steps {
    /// The empty set.
    pub const NONE: Steps = Steps(0);

    /// The set of these steps.
    pub const fn of<const N: usize>(steps: [u8; N]) -> Self {
        let (mut set, mut i) = (0, 0);
        while i < N {
            set |= 1 << steps[i];
            i += 1;
        }
        Steps(set)
    }

    /// Whether the set has this step.
    pub fn contains(self, step: StepId) -> bool {
        self.0 & (1 << step.0) != 0
    }

    /// Adds a step.
    pub fn insert(&mut self, step: StepId) {
        self.0 |= 1 << step.0;
    }

    /// The steps in either set.
    pub fn union(self, other: Steps) -> Steps {
        Steps(self.0 | other.0)
    }

    /// The steps in both sets.
    pub fn intersection(self, other: Steps) -> Steps {
        Steps(self.0 & other.0)
    }

    /// The steps that are not in the other set.
    pub fn difference(self, other: Steps) -> Steps {
        Steps(self.0 & !other.0)
    }

    /// Whether the other set has all of these steps.
    pub fn is_subset(self, other: Steps) -> bool {
        self.difference(other).is_empty()
    }

    /// Whether the set has no step.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The steps, ascending.
    pub fn iter(self) -> impl Iterator<Item = StepId> {
        (0..16).map(StepId).filter(move |step| self.contains(*step))
    }
}

impl From<StepId> for Steps {
    fn from(step: StepId) -> Self {
        Steps::of([step.0])
    }
}

impl FromIterator<StepId> for Steps {
    fn from_iter<I: IntoIterator<Item = StepId>>(steps: I) -> Self {
        let mut set = Steps::NONE;
        steps.into_iter().for_each(|step| set.insert(step));
        set
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Whether a step can be refused, and whether it can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It can be refused, and it can be undone by its `C_i`.
    Compensatable,
    /// It can be refused; once it is executed, the saga runs to its end.
    Pivot,
    /// It is never refused, and is requested until it is executed.
    Retriable,
}

/// One step: `T_i`, and for a compensatable one `C_i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The verb that notes and drawings have for it.
    pub name: &'static str,
    /// The service that executes and compensates it.
    pub service: ServiceId,
    /// Whether it can be refused, and undone.
    pub kind: Kind,
    /// The steps that must be executed before it: its direct dependencies.
    pub after: Steps,
}

/// The steps of one saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(Vec<Step>);

impl Plan {
    /// A plan of these steps. [`Plan::check`] says whether it is sound.
    pub fn new(steps: Vec<Step>) -> Self {
        Plan(steps)
    }

    /// Whether the plan is sound: no step comes before what it depends on; there is one pivot, after all that can be
    /// undone and before all that is retriable; all steps depend on the first, which alone begins by itself, and the last
    /// depends on all; these two are at one service, which so learns how the saga ended.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn check(&self) -> Result<(), &'static str> {
        let before = |step: StepId| Steps(((1u32 << step.0) - 1) as u16);
        let pivot = self.of(Kind::Pivot).iter().next().ok_or("a saga has a pivot")?;
        if !self.all().iter().all(|step| self[step].after.is_subset(before(step))) {
            return Err("a step comes after what it depends on");
        }
        let after_the_pivot = |step: StepId| self.ancestors(step).contains(pivot);
        let rules = [
            (
                self.all().difference(FIRST.into()) == self.descendants(FIRST.into()),
                "only the first step begins by itself",
            ),
            (
                self.all().difference(self.last().into()) == self.ancestors(self.last()),
                "the last step comes after all others",
            ),
            (self.of(Kind::Pivot).iter().count() == 1, "a saga has one pivot"),
            (self.compensatable().is_subset(self.ancestors(pivot)), "the pivot comes after what can be undone"),
            (self.of(Kind::Retriable).iter().all(after_the_pivot), "what is retriable comes after the pivot"),
            (self[FIRST].service == self[self.last()].service, "a saga ends where it began"),
        ];
        let broken = rules.into_iter().find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, rule)| Err(rule))
    }

    /// All steps.
    pub fn all(&self) -> Steps {
        Steps(((1u32 << self.0.len()) - 1) as u16)
    }

    /// The steps of a kind.
    pub fn of(&self, kind: Kind) -> Steps {
        self.all().iter().filter(|step| self[*step].kind == kind).collect()
    }

    /// The steps that can be undone.
    pub fn compensatable(&self) -> Steps {
        self.of(Kind::Compensatable)
    }

    /// The step after which there is no way back.
    pub fn pivot(&self) -> StepId {
        self.of(Kind::Pivot).iter().next().expect("a saga has a pivot")
    }

    /// The last step.
    pub fn last(&self) -> StepId {
        StepId(self.0.len() as u8 - 1)
    }

    /// The steps of a service.
    pub fn of_service(&self, service: ServiceId) -> Steps {
        self.all().iter().filter(|step| self[*step].service == service).collect()
    }

    /// All that must be executed before a step, directly or not.
    pub fn ancestors(&self, step: StepId) -> Steps {
        let after = self[step].after;
        after.iter().fold(after, |all, before| all.union(self.ancestors(before)))
    }

    /// The steps that depend on a step directly.
    pub fn successors(&self, step: StepId) -> Steps {
        self.all().iter().filter(|next| self[*next].after.contains(step)).collect()
    }

    /// All that depends on any of these steps, directly or not: it can never be executed if they are not.
    pub fn descendants(&self, of: Steps) -> Steps {
        self.all().iter().filter(|step| !self.ancestors(*step).intersection(of).is_empty()).collect()
    }

    /// The steps that can be executed next; several, where they run in parallel.
    pub fn ready(&self, executed: Steps) -> Steps {
        self.all().difference(executed).iter().filter(|step| self[*step].after.is_subset(executed)).collect()
    }

    /// The steps that can be compensated next, of those that are to be: the ones that none of the others depends on
    /// (reverse order of dependency).
    pub fn ready_to_compensate(&self, to_compensate: Steps) -> Steps {
        let depended_on = |step: StepId| !self.descendants(step.into()).intersection(to_compensate).is_empty();
        to_compensate.iter().filter(|step| !depended_on(*step)).collect()
    }
}

/// The first step of every saga.
pub const FIRST: StepId = StepId(0);

impl std::ops::Index<StepId> for Plan {
    type Output = Step;
    fn index(&self, step: StepId) -> &Step {
        &self.0[usize::from(step.0)]
    }
}
