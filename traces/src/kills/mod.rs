//! The kill matrix: planted bugs are hunted again and again, and what every property sees on the way is written down.
//!
//! An *attempt* runs seeds, one after the other, until the property that must catch the bug has seen it. Worlds in which
//! something is violated are run again to their end with all properties, so that what one property sees is not hidden
//! behind what another saw before it. An attempt that ends without a kill is *censored*: it tells that more seeds are
//! needed than it had, and is counted as that.
//!
//! Nothing here depends on time or on how many threads there are: bugs are hunted side by side, attempts one after the other.

pub mod bootstrap;
pub mod compare;
mod hunt;
pub mod json;
pub mod page;
pub mod text;

pub use hunt::{Attempt, Effort, Kill, Sight, hunt};

use rayon::prelude::*;
use seedbed_sim::{Bug, Strategy};

use crate::component::Component;
use crate::kills::bootstrap::{Estimate, Sample};

/// All hunts for one bug: one for each strategy that was asked for, in that order.
#[derive(Clone, Debug)]
pub struct Row {
    /// The model that the bug is planted in.
    pub model: &'static str,
    /// The bug.
    pub bug: Bug,
    /// The properties of the model, in their order.
    pub properties: Vec<String>,
    /// The hunts.
    pub kills: Vec<Kill>,
}

impl Row {
    /// The hunt by the first strategy: what the matrix shows.
    pub fn main(&self) -> &Kill {
        &self.kills[0]
    }

    /// The properties of the model, and whatever else saw the bug: assertions of the protocol.
    pub fn seers(&self) -> Vec<String> {
        let mut all = self.properties.clone();
        for property in self.main().seen() {
            if !all.contains(&property) {
                all.push(property);
            }
        }
        all
    }

    /// How many seeds the property that must catch the bug takes.
    pub fn seeds(&self) -> Estimate {
        self.main().seeds(self.bug.caught_by)
    }
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How hard each bug is hunted.
    pub effort: Effort,
    /// By which strategies; the matrix shows the first.
    pub strategies: Vec<Strategy>,
}

/// Hunts every bug of the components by every strategy, on the current rayon pool; `done` is told of each hunt that has
/// ended, and `go_on` is asked before each world.
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
    /// What a property needed in each attempt, as samples of what `of` says.
    fn samples(&self, property: &str, of: impl Fn(&Sight) -> u64) -> Vec<Sample> {
        let one = |attempt: &Attempt| match attempt.saw.get(property) {
            Some(sight) => Sample::exact(of(sight)),
            None => Sample::more_than(of(&attempt.ran)),
        };
        self.attempts.iter().map(one).collect()
    }

    /// The median of the seeds that a property takes to see the bug.
    pub fn seeds(&self, property: &str) -> Estimate {
        Estimate::of(&self.samples(property, |sight| sight.seeds))
    }

    /// The median of the events that it takes, in all worlds of an attempt.
    pub fn events(&self, property: &str) -> Estimate {
        Estimate::of(&self.samples(property, |sight| sight.events))
    }
}
