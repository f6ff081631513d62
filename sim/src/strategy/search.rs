//! A search: a campaign under any strategy.

use std::ops::Range;

use crate::choice::Source;
use crate::property::Violation;
use crate::run::Record;
use crate::scenario::Impossible;
use crate::seed::SeedResult;
use crate::strategy::Strategy;
use crate::strategy::guided::{Guided, Refused};
use crate::sweep::{AnyCampaign, Summary};
use crate::system::{AnyCase, AnyStory, AnyTrace};

/// A campaign under a strategy.
pub enum Search {
    /// Seeds are drawn independently.
    Drawn(AnyCampaign),
    /// Seeds learn from each other.
    Guided(Box<Guided>),
}

impl Search {
    /// The search of a campaign by a strategy. Guided search begins with the corpus; other strategies ignore it.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn new(
        campaign: AnyCampaign,
        strategy: Strategy,
        corpus: Vec<AnyStory>,
    ) -> Result<(Self, Vec<Refused>), Impossible> {
        let campaign = campaign.under(strategy)?;
        if strategy != Strategy::Guided {
            return Ok((Search::Drawn(campaign), Vec::new()));
        }
        let (guided, refused) = Guided::new(campaign, corpus)?;
        Ok((Search::Guided(Box::new(guided)), refused))
    }

    /// The campaign that the search draws from.
    pub fn campaign(&self) -> &AnyCampaign {
        match self {
            Search::Drawn(campaign) => campaign,
            Search::Guided(guided) => guided.campaign(),
        }
    }

    /// The case of a seed and the source of its choices.
    ///
    /// # Errors
    /// If no world can run the case.
    pub fn world(&self, seed: u64) -> Result<(AnyCase, Source), Impossible> {
        let campaign = match self {
            Search::Drawn(campaign) => campaign,
            Search::Guided(guided) => return guided.world(seed),
        };
        let case = campaign.case(seed)?;
        let source = campaign.swarm.source(&case, seed, || case.scenario.config.tolerance().delay);
        Ok((case, source))
    }

    /// Runs all seeds on the threads of the current rayon pool, and calls `each` with each result, in no fixed order,
    /// until that returns `false`. Also returns the cases that are worth keeping.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn sweep(
        &self,
        seeds: Range<u64>,
        each: &(dyn Fn(SeedResult) -> bool + Sync),
    ) -> Result<(Summary, Vec<AnyTrace>), Impossible> {
        match self {
            Search::Drawn(campaign) => Ok((campaign.sweep(seeds, 0, each)?, Vec::new())),
            Search::Guided(guided) => {
                let (summary, finds) = guided.sweep(seeds, each);
                Ok((summary, finds.iter().map(|find| guided.trace(find)).collect()))
            }
        }
    }

    /// The summary of no seeds, to which results are added.
    pub fn nothing(&self) -> Summary {
        self.campaign().judged(Summary::default())
    }

    /// Calls `each` with the seeds that violate something, ascending, until that returns `false`. Independent seeds are
    /// run in batches on the current rayon pool. `go_on` is called before each batch, or before each seed of a guided
    /// search.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn failing(
        &self,
        seeds: Range<u64>,
        go_on: &(dyn Fn() -> bool + Sync),
        each: &mut dyn FnMut(u64, Violation) -> bool,
    ) -> Result<(), Impossible> {
        let campaign = match self {
            Search::Drawn(campaign) => campaign,
            Search::Guided(guided) => {
                guided.in_turn(seeds, &mut |result, _, _| {
                    go_on() && result.violation.is_none_or(|violation| each(result.seed, violation))
                });
                return Ok(());
            }
        };
        for result in campaign.failing(seeds, go_on)? {
            if result.violation.is_some_and(|violation| !each(result.seed, violation)) {
                break;
            }
        }
        Ok(())
    }

    /// Runs one seed after the other on this thread and calls `each` with its result, case and source, until that
    /// returns `false`.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn in_turn(
        &self,
        seeds: Range<u64>,
        each: &mut dyn FnMut(SeedResult, &AnyCase, &Source) -> bool,
    ) -> Result<(), Impossible> {
        let campaign = match self {
            Search::Drawn(campaign) => campaign,
            Search::Guided(guided) => {
                guided.in_turn(seeds, each);
                return Ok(());
            }
        };
        campaign.case(seeds.start)?;
        let worlds = campaign.worlds();
        for seed in seeds {
            let case = worlds.case(seed);
            let source = campaign.swarm.source(&case, seed, || case.scenario.config.tolerance().delay);
            let outcome = campaign.system.0.run(&case, &source, Record::No);
            if !each(SeedResult::of(seed, outcome), &case, &source) {
                break;
            }
        }
        Ok(())
    }
}
