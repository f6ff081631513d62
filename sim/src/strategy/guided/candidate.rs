//! A candidate: a case with its choices, in a shape that can be changed.

use crate::choice::{Deviation, Source};
use crate::sweep::AnyCampaign;
use crate::system::{AnyCase, AnyStory, Worlds};

/// Scenario, operations and faults; the fixed choices; and the seed of all other choices, so that the rest of a run
/// stays random when an early choice is changed.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) case: AnyCase,
    pub(crate) seed: u64,
    pub(crate) changes: Vec<Deviation>,
}

impl Candidate {
    /// The candidate that a swarm draws for a seed.
    pub(crate) fn fresh(worlds: &dyn Worlds, seed: u64) -> Self {
        Candidate { case: worlds.case(seed), seed, changes: Vec::new() }
    }

    /// A recorded case, as a member of a campaign: with the campaign's planted bug, phases and budget, and inside its
    /// tolerance. Choices that the record does not mention were defaults, which its scenario without noise produces
    /// again; only draws beyond the end of the record come from the seed.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn of_story(
        story: AnyStory,
        campaign: &AnyCampaign,
        worlds: &dyn Worlds,
        seed: u64,
    ) -> Result<Self, String> {
        let common = worlds.common();
        let AnyStory { mut case, mut deviations } = story;
        let config = &mut case.scenario.config;
        if case.scenario.nodes != common.nodes || config.size() != common.config.size() {
            return Err("it lacks some of the nodes".into());
        }
        if campaign.swarm.is_as_configured() && *config != common.config {
            return Err("it is of another configuration".into());
        }
        case.scenario.bug.clone_from(&common.bug);
        case.scenario.phases = common.phases.clone();
        case.scenario.budget.clone_from(&common.budget);
        case.scenario.service.clone_from(&common.service);
        case.scenario.network.bandwidth = common.network.bandwidth;
        worlds.rules(&case.scenario.config).keep(&mut case, &mut deviations);
        campaign.possible(&case).map_err(|impossible| impossible.to_string())?;
        Ok(Candidate { case, seed, changes: deviations })
    }

    /// The source of its choices.
    pub(crate) fn source(&self) -> Source {
        if self.changes.is_empty() {
            Source::Seed(self.seed)
        } else {
            Source::Changed { seed: self.seed, changes: self.changes.clone() }
        }
    }
}
