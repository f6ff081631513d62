//! What a saga consists of: steps, what each depends on, and which of them can be undone.
//!
//! The paper has a sequence `T_1 … T_n` with compensations `C_1 … C_{n−1}`; its *Parallel Sagas* lets steps run in
//! parallel, ordered by their dependencies. The three kinds of steps are those of Mehrotra, Rastogi, Korth &
//! Silberschatz, *A transaction model for multidatabase systems* (ICDCS 1992), as told in Richardson, *Microservices
//! Patterns* (2018), section 4.3.

use std::fmt;

use seedbed_sim::NodeId;

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

/// Some of the steps of a saga.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Steps(u16);

impl Steps {
    /// None.
    pub const NONE: Steps = Steps(0);

    /// These.
    pub const fn of<const N: usize>(steps: [u8; N]) -> Self {
        let (mut set, mut i) = (0, 0);
        while i < N {
            set |= 1 << steps[i];
            i += 1;
        }
        Steps(set)
    }

    /// Whether it is one of them.
    pub fn has(self, step: StepId) -> bool {
        self.0 & (1 << step.0) != 0
    }

    /// Adds one.
    pub fn add(&mut self, step: StepId) {
        self.0 |= 1 << step.0;
    }

    /// Both.
    pub fn and(self, other: Steps) -> Steps {
        Steps(self.0 | other.0)
    }

    /// Those that are in both.
    pub fn in_common(self, other: Steps) -> Steps {
        Steps(self.0 & other.0)
    }

    /// Those that are not in the other.
    pub fn without(self, other: Steps) -> Steps {
        Steps(self.0 & !other.0)
    }

    /// Whether all are in the other.
    pub fn all_in(self, other: Steps) -> bool {
        self.without(other).is_empty()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other, ascending.
    pub fn iter(self) -> impl Iterator<Item = StepId> {
        (0..16).map(StepId).filter(move |step| self.has(*step))
    }
}

impl FromIterator<StepId> for Steps {
    fn from_iter<I: IntoIterator<Item = StepId>>(steps: I) -> Self {
        let mut set = Steps::NONE;
        steps.into_iter().for_each(|step| set.add(step));
        set
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What may become of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It can be refused, and it can be undone by its `C_i`.
    Compensatable,
    /// It can be refused; once it is executed, the saga runs to its end.
    Pivot,
    /// It is never refused, and is asked for until it is executed.
    Retriable,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// What it is called.
    pub name: &'static str,
    /// The service that executes and undoes it.
    pub at: NodeId,
    /// What may become of it.
    pub kind: Kind,
    /// What must be executed before it.
    pub after: Steps,
}

/// The steps of one saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(Vec<Step>);

impl Plan {
    /// A plan of these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        Plan(steps)
    }

    /// Whether it is one: no step comes before what it depends on; there is one pivot, after all that can be undone and
    /// before all that is retriable; the first and the last step are at one service, which so learns how it ended.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        let before = |step: StepId| Steps(((1u32 << step.0) - 1) as u16);
        let pivot = self.of(Kind::Pivot).iter().next().ok_or("a saga has a pivot")?;
        let ordered = |step: StepId| self[step].after.all_in(before(step));
        let after_the_pivot = |step: StepId| self.ancestors(step).has(pivot);
        match () {
            () if !self.all().iter().all(ordered) => Err("a step comes after what it depends on"),
            () if self.of(Kind::Pivot).iter().count() != 1 => Err("a saga has one pivot"),
            () if !self.compensatable().all_in(self.ancestors(pivot)) => {
                Err("the pivot comes after what can be undone")
            }
            () if !self.of(Kind::Retriable).iter().all(after_the_pivot) => {
                Err("what is retriable comes after the pivot")
            }
            () if self[FIRST].at != self[self.last()].at => Err("a saga ends where it began"),
            () => Ok(()),
        }
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
    pub fn at(&self, service: NodeId) -> Steps {
        self.all().iter().filter(|step| self[*step].at == service).collect()
    }

    /// What must be executed before a step, directly or not.
    pub fn ancestors(&self, step: StepId) -> Steps {
        let after = self[step].after;
        after.iter().fold(after, |all, before| all.and(self.ancestors(before)))
    }

    /// The steps that depend on a step directly.
    pub fn next(&self, step: StepId) -> Steps {
        self.all().iter().filter(|next| self[*next].after.has(step)).collect()
    }

    /// The steps that can never be executed if these are not.
    pub fn dependents(&self, of: Steps) -> Steps {
        self.all().iter().filter(|step| !self.ancestors(*step).in_common(of).is_empty()).collect()
    }

    /// What can be executed, once these have been: several steps, where they run in parallel.
    pub fn ready(&self, executed: Steps) -> Steps {
        self.all().without(executed).iter().filter(|step| self[*step].after.all_in(executed)).collect()
    }

    /// Of the steps that are to be undone, those of which no other of them depends: the reverse order.
    pub fn undone_first(&self, to_undo: Steps) -> Steps {
        let depended_on = |step: StepId| !self.dependents(Steps::of([step.0])).in_common(to_undo).is_empty();
        to_undo.iter().filter(|step| !depended_on(*step)).collect()
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
