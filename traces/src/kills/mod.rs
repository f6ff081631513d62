//! The kill matrix: planted bugs are hunted repeatedly, and the violations of every property are recorded.
//!
//! An *attempt* runs seeds, one after the other, until the expected property has caught the bug. Worlds with a
//! violation are run again to their end with all properties, so that one violation does not hide others. An attempt
//! without a kill is *censored*: more seeds are needed than it had.
//!
//! Results do not depend on time or the number of threads: bugs are hunted in parallel, attempts sequentially.

pub mod bootstrap;
pub mod compare;
mod hunt;
pub mod json;
pub mod page;
pub mod text;

pub use hunt::{Attempt, Effort, Kill, Spent, hunt};

use rayon::prelude::*;
use seedbed_sim::{Bug, Strategy};

use crate::component::Component;
use crate::kills::bootstrap::{Estimate, Sample};

/// All hunts for one bug, one for each strategy, in order.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name of the model.
    pub model: &'static str,
    /// The planted bug.
    pub bug: Bug,
    /// The properties of the model, in their order.
    pub properties: Vec<String>,
    /// The hunts, by strategy.
    pub kills: Vec<Kill>,
}

impl Row {
    /// The hunt by the first strategy, which the matrix shows.
    pub fn main(&self) -> &Kill {
        &self.kills[0]
    }

    /// The properties of the model, and assertions of the protocol that detected the bug.
    pub fn detecting_properties(&self) -> Vec<String> {
        let mut all = self.properties.clone();
        for property in self.main().seen() {
            if !all.contains(&property) {
                all.push(property);
            }
        }
        all
    }

    /// The seeds that the expected property needs.
    pub fn seeds(&self) -> Estimate {
        self.main().seeds(self.bug.caught_by)
    }
}

/// The plan of the measurement.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The effort to hunt each bug.
    pub effort: Effort,
    /// The strategies; the matrix shows the first.
    pub strategies: Vec<Strategy>,
}

/// Hunts every bug of the components by every strategy, on the current rayon pool. `done` is called after each hunt,
/// and `go_on` before each world.
///
/// # Errors
/// If a model refuses one of its bugs.
pub fn measure(
    components: &[Component],
    plan: &Plan,
    done: &(dyn Fn() + Sync),
    go_on: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Vec<Row>> {
    let bugs = components.iter().flat_map(|component| component.info().bugs.iter().map(move |bug| (component, *bug)));
    let bugs: Vec<_> = bugs.collect();
    let hunts: Vec<_> = bugs.iter().flat_map(|bug| (0..plan.strategies.len()).map(move |place| (bug, place))).collect();
    let hunted = hunts.into_par_iter().with_max_len(1).map(|((component, bug), place)| {
        let kill = hunt(component, *bug, plan.strategies[place], place == 0, plan.effort, go_on);
        done();
        kill
    });
    let kills = hunted.collect::<anyhow::Result<Vec<Kill>>>()?;
    let mut kills = kills.into_iter();
    let rows = bugs.iter().map(|(component, bug)| Row {
        model: component.info().name,
        bug: *bug,
        properties: component.properties(),
        kills: kills.by_ref().take(plan.strategies.len()).collect(),
    });
    Ok(rows.collect())
}

impl Kill {
    /// The samples of a property: the value `of` its first violation in each attempt.
    fn samples(&self, property: &str, of: impl Fn(&Spent) -> u64) -> Vec<Sample> {
        let one = |attempt: &Attempt| match attempt.detections.get(property) {
            Some(sight) => Sample::exact(of(sight)),
            None => Sample::more_than(of(&attempt.ran)),
        };
        self.attempts.iter().map(one).collect()
    }

    /// The median number of seeds until a property detects the bug.
    pub fn seeds(&self, property: &str) -> Estimate {
        Estimate::of(&self.samples(property, |sight| sight.seeds))
    }

    /// The median number of events until then, in all worlds of an attempt.
    pub fn events(&self, property: &str) -> Estimate {
        Estimate::of(&self.samples(property, |sight| sight.events))
    }
}
