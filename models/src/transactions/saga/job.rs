//! Jobs: sagas whose plans are drawn. An [order](super::business::Order) has one graph of steps; a job has any, so that what
//! is said of dependencies is tried on all of them.
//!
//! The steps that can be undone, up to six, form a graph that is drawn, up to four deep: each takes one unit of something that
//! its service has. After all of them comes the pivot, which uses one unit for good; and then each service that has taken
//! units makes them final, the one where the job began last.

use std::fmt;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::transactions::saga::plan::{FIRST, Kind, Plan, SERVICES, ServiceId, Step, StepId, Steps};
use crate::transactions::store::{Key, Step as Local};

/// The most steps of a job that can be undone.
pub const MOST_STEPS: usize = 6;
/// The most steps of a job of which each depends on the one before it, not counting the pivot and what follows.
pub const DEEPEST: u8 = 4;
/// How many kinds of units each service has.
pub const UNITS: u16 = 3;
/// How many units of a kind a service has at the beginning.
pub const INITIAL_UNITS: i64 = 4;

/// Where a step takes a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The place of the service; below [`SERVICES`].
    pub service: u16,
    /// Which kind of units; below [`UNITS`].
    pub unit: u16,
}

/// Units that nobody has taken.
pub fn free_units(unit: Unit) -> Key {
    Key(500 + 10 * unit.service + unit.unit)
}
/// Units that steps have taken which can still be undone.
pub fn taken_units(unit: Unit) -> Key {
    Key(600 + 10 * unit.service + unit.unit)
}
/// Units that are used for good.
pub fn used_units(unit: Unit) -> Key {
    Key(700 + 10 * unit.service + unit.unit)
}

/// A step that takes a unit and can be undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Task {
    /// The unit that it takes.
    pub takes: Unit,
    /// The earlier tasks that must be executed before it; none only for the first.
    pub after: Steps,
}

/// The steps of one saga, as a client asks for them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct Job {
    /// The first `count` are the tasks, each behind those that it depends on.
    tasks: [Task; MOST_STEPS],
    count: u8,
    pivot: Unit,
}

impl Job {
    /// A job of these tasks, and a pivot that uses this unit.
    ///
    /// # Errors
    /// The rule of [`Plan::check`] that is broken, or what is too much.
    pub fn new(tasks: &[Task], pivot: Unit) -> Result<Self, String> {
        if tasks.is_empty() || tasks.len() > MOST_STEPS {
            return Err(format!("a job has from 1 to {MOST_STEPS} steps that can be undone, and not {}", tasks.len()));
        }
        let strange = |unit: &Unit| unit.service >= SERVICES || unit.unit >= UNITS;
        if let Some(unit) = tasks.iter().map(|task| task.takes).chain([pivot]).find(strange) {
            return Err(format!("there are {SERVICES} services with {UNITS} kinds of units each, and no {unit:?}"));
        }
        let mut all = [Task::default(); MOST_STEPS];
        all[..tasks.len()].copy_from_slice(tasks);
        let job = Job { tasks: all, count: tasks.len() as u8, pivot };
        let plan = job.plan();
        plan.check()?;
        if job.depth() > DEEPEST {
            return Err(format!("a job is at most {DEEPEST} steps deep, and not {}", job.depth()));
        }
        Ok(job)
    }

    /// The steps that can be undone.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks[..usize::from(self.count)]
    }

    /// How many of them depend on each other in a row, at most.
    pub fn depth(&self) -> u8 {
        let mut depths: Vec<u8> = Vec::new();
        for task in self.tasks() {
            let before = task.after.iter().map(|step| depths[usize::from(step.0)]).max();
            depths.push(before.unwrap_or(0) + 1);
        }
        depths.into_iter().max().unwrap_or(0)
    }

    /// The services that take units, ascending, but the one where the job begins at the end: each has a step after the pivot.
    fn closers(&self) -> Vec<u16> {
        let mut services: Vec<u16> = self.tasks().iter().map(|task| task.takes.service).collect();
        services.sort_unstable();
        services.dedup();
        let first = self.tasks[0].takes.service;
        services.retain(|service| *service != first);
        services.push(first);
        services
    }

    /// The steps of its saga: the tasks, the pivot, and what makes them final.
    pub fn plan(&self) -> Plan {
        const TASKS: [&str; MOST_STEPS] = ["a", "b", "c", "d", "e", "f"];
        const CLOSERS: [&str; SERVICES as usize] =
            ["settle orders", "settle stock", "settle payment", "settle shipping"];
        let tasks = self.tasks().iter().zip(TASKS).map(|(task, name)| Step {
            name,
            service: ServiceId(task.takes.service),
            kind: Kind::Compensatable,
            after: task.after,
        });
        let mut steps: Vec<Step> = tasks.collect();
        let all: Steps = (0..self.count).map(StepId).collect();
        let pivot = StepId(self.count);
        steps.push(Step { name: "go", service: ServiceId(self.pivot.service), kind: Kind::Pivot, after: all });
        let closers = self.closers();
        for (n, service) in closers.iter().enumerate() {
            // The last one comes after all others, for it is where the job ends.
            let others: Steps = (0..n as u8).map(|n| StepId(pivot.0 + 1 + n)).collect();
            let after = if n + 1 == closers.len() { others.union(pivot.into()) } else { pivot.into() };
            let name = CLOSERS[usize::from(*service)];
            steps.push(Step { name, service: ServiceId(*service), kind: Kind::Retriable, after });
        }
        Plan::new(steps)
    }

    /// What `T_i` does to the store of its service.
    pub fn transaction(&self, step: StepId) -> Vec<Local> {
        let place = usize::from(step.0);
        if let Some(task) = self.tasks().get(place) {
            return vec![add(free_units, task.takes, -1), add(taken_units, task.takes, 1)];
        }
        if step.0 == self.count {
            return vec![add(free_units, self.pivot, -1), add(used_units, self.pivot, 1)];
        }
        let service = self.closers()[place - usize::from(self.count) - 1];
        let taken = self.tasks().iter().map(|task| task.takes).filter(|unit| unit.service == service);
        taken.flat_map(|unit| [add(taken_units, unit, -1), add(used_units, unit, 1)]).collect()
    }

    /// What `C_i` does: it gives the unit back.
    pub fn compensation(&self, step: StepId) -> Vec<Local> {
        let takes = self.tasks()[usize::from(step.0)].takes;
        vec![add(taken_units, takes, -1), add(free_units, takes, 1)]
    }

    /// The units that it has used once it is completed.
    pub fn uses(&self) -> impl Iterator<Item = Unit> {
        self.tasks().iter().map(|task| task.takes).chain([self.pivot])
    }

    /// Any job: a graph of up to [`MOST_STEPS`] steps, up to [`DEEPEST`] deep.
    pub fn any() -> impl Strategy<Value = Job> {
        let unit = || (0..SERVICES, 0..UNITS).prop_map(|(service, unit)| Unit { service, unit });
        let task = (unit(), any::<u8>());
        (prop::collection::vec(task, 1..=MOST_STEPS), unit()).prop_map(|(drawn, pivot)| {
            let mut tasks: Vec<Task> = Vec::new();
            let mut depths: Vec<u8> = Vec::new();
            for (n, (takes, wanted)) in drawn.into_iter().enumerate() {
                let deeper = |step: &StepId| wanted & (1 << step.0) != 0 && depths[usize::from(step.0)] < DEEPEST;
                let mut after: Steps = (0..n as u8).map(StepId).filter(deeper).collect();
                // Nothing but the first step begins by itself.
                if after.is_empty() && n > 0 {
                    after.insert(FIRST);
                }
                let before = after.iter().map(|step| depths[usize::from(step.0)]).max();
                depths.push(before.unwrap_or(0) + 1);
                tasks.push(Task { takes, after });
            }
            Job::new(&tasks, pivot).expect("what is drawn is sound")
        })
    }
}

fn add(cell: fn(Unit) -> Key, unit: Unit, amount: i64) -> Local {
    Local::Add { key: cell(unit), amount }
}

/// As drawings have it: `a: 0/2; b: 1/0 after {0}; go: 3/1`, each with its service and unit.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan();
        for (n, Task { takes: Unit { service, unit }, after }) in self.tasks().iter().enumerate() {
            write!(f, "{}: {service}/{unit}", plan[StepId(n as u8)].name)?;
            if !after.is_empty() {
                write!(f, " after {after:?}")?;
            }
            f.write_str("; ")?;
        }
        write!(f, "go: {}/{}", self.pivot.service, self.pivot.unit)
    }
}

/// A job as traces have it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    steps: Vec<TaskText>,
    pivot: Unit,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskText {
    service: u16,
    unit: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<u8>,
}

impl From<Job> for Text {
    fn from(job: Job) -> Self {
        let task = |Task { takes: Unit { service, unit }, after }: &Task| TaskText {
            service: *service,
            unit: *unit,
            after: after.iter().map(|step| step.0).collect(),
        };
        Text { steps: job.tasks().iter().map(task).collect(), pivot: job.pivot }
    }
}

impl TryFrom<Text> for Job {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        let mut tasks = Vec::new();
        for TaskText { service, unit, after } in text.steps {
            if let Some(step) = after.iter().find(|step| usize::from(**step) >= MOST_STEPS) {
                return Err(format!("a job has no step {step}"));
            }
            tasks.push(Task { takes: Unit { service, unit }, after: after.into_iter().map(StepId).collect() });
        }
        Job::new(&tasks, text.pivot)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    proptest! {
        #[test]
        fn what_is_drawn_is_sound(job in Job::any()) {
            prop_assert_eq!(job.plan().check(), Ok(()));
            prop_assert!(job.depth() <= DEEPEST && job.tasks().len() <= MOST_STEPS);
        }

        /// Whatever is executed and whatever is undone: nothing is created, and nothing is lost.
        #[test]
        fn units_are_conserved(job in Job::any()) {
            let plan = job.plan();
            let sums = |locals: Vec<Local>| {
                let mut sums: BTreeMap<Key, i64> = BTreeMap::new();
                for local in locals {
                    if let Local::Add { key, amount } = local {
                        *sums.entry(key).or_default() += amount;
                    }
                }
                sums
            };
            for step in plan.compensatable().iter() {
                let both = job.transaction(step).into_iter().chain(job.compensation(step)).collect();
                prop_assert!(sums(both).values().all(|sum| *sum == 0));
            }
            let all = sums(plan.all().iter().flat_map(|step| job.transaction(step)).collect());
            prop_assert_eq!(all.values().sum::<i64>(), 0);
            let used = job.uses().fold(BTreeMap::<Key, i64>::new(), |mut used, unit| {
                *used.entry(used_units(unit)).or_default() += 1;
                used
            });
            prop_assert!(used.iter().all(|(key, units)| all[key] == *units));
        }

        /// In whatever order steps are executed and undone, each is ready only when the plan says so: everything that it depends
        /// on before it, and before it is undone everything that depends on it.
        #[test]
        fn both_ways_follow_the_dependencies(job in Job::any(), picks in prop::collection::vec(any::<prop::sample::Index>(), 32)) {
            let plan = job.plan();
            let (mut executed, mut picks) = (Steps::NONE, picks.into_iter());
            let mut pick = |of: Steps| {
                let all: Vec<StepId> = of.iter().collect();
                all[picks.next().expect("there are enough").index(all.len())]
            };
            let tasks = plan.compensatable();
            while !tasks.is_subset(executed) {
                let step = pick(plan.ready(executed).intersection(tasks));
                prop_assert!(plan.ancestors(step).is_subset(executed));
                executed.insert(step);
            }
            let mut left = executed;
            while !left.is_empty() {
                let step = pick(plan.ready_to_compensate(left));
                prop_assert!(plan.descendants(step.into()).intersection(left).is_empty());
                left = left.difference(step.into());
            }
        }
    }

    #[test]
    fn what_is_not_sound_is_refused() {
        let unit = Unit { service: 0, unit: 0 };
        let task = |after| Task { takes: unit, after };
        assert!(Job::new(&[], unit).is_err());
        assert!(Job::new(&[task(Steps::NONE), task(Steps::NONE)], unit).is_err(), "a step that nobody begins");
        assert!(Job::new(&[task(Steps::of([1])), task(Steps::of([0]))], unit).is_err(), "a circle");
        let chain =
            |n: u8| (0..n).map(|n| task(if n == 0 { Steps::NONE } else { Steps::of([n - 1]) })).collect::<Vec<_>>();
        assert!(Job::new(&chain(4), unit).is_ok());
        assert!(Job::new(&chain(5), unit).is_err(), "too deep");
    }
}
