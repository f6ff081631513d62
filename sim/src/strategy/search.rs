//! A search: a campaign under a strategy, whichever it is.

use std::ops::Range;

use crate::choice::Source;
use crate::model::Model;
use crate::property::Violation;
use crate::run::{Record, run_valid};
use crate::scenario::{Case, Impossible};
use crate::shrink::Story;
use crate::strategy::Strategy;
use crate::strategy::guided::Guided;
use crate::sweep::{Campaign, SeedResult, Summary};
use crate::trace::Trace;

/// A campaign under a strategy.
pub enum Search<M: Model> {
    /// Each seed is drawn on its own.
    Drawn(Campaign<M>),
    /// Seeds learn from each other.
    Guided(Box<Guided<M>>),
}

/// A member of a corpus that a search cannot use: its place, and why.
pub type Refused = (usize, String);

impl<M: Model> Search<M> {
    /// The search that a strategy makes of a campaign. One that learns begins with the corpus; the others need none.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn new(
        campaign: Campaign<M>,
        strategy: Strategy,
        corpus: Vec<Story<M>>,
    ) -> Result<(Self, Vec<Refused>), Impossible> {
        let campaign = campaign.under(strategy)?;
        if strategy != Strategy::Guided {
            return Ok((Search::Drawn(campaign), Vec::new()));
        }
        let (guided, refused) = Guided::new(campaign, corpus)?;
        Ok((Search::Guided(Box::new(guided)), refused))
    }

    /// The campaign that is searched.
    pub fn campaign(&self) -> &Campaign<M> {
        match self {
            Search::Drawn(campaign) => campaign,
            Search::Guided(guided) => guided.campaign(),
        }
    }

    /// The case of a seed and the source of its choices.
    ///
    /// # Errors
    /// If no world can run the case.
    pub fn world(&self, seed: u64) -> Result<(Case<M>, Source), Impossible> {
        let campaign = match self {
            Search::Drawn(campaign) => campaign,
            Search::Guided(guided) => return guided.world(seed),
        };
        let case = campaign.cases().case(seed);
        case.validate()?;
        let source = campaign.swarm.source(&case, seed);
        Ok((case, source))
    }

    /// Runs all seeds on the threads of the current rayon pool, and hands each result to `each`, in no fixed order. When
    /// `each` says no, no more are begun. Hands back what was found that is worth keeping, too.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn sweep(
        &self,
        seeds: Range<u64>,
        each: &(dyn Fn(SeedResult) -> bool + Sync),
    ) -> Result<(Summary, Vec<Trace<M>>), Impossible> {
        match self {
            Search::Drawn(campaign) => Ok((campaign.sweep(seeds, 0, each)?, Vec::new())),
            Search::Guided(guided) => {
                let (summary, finds) = guided.sweep(seeds, each);
                Ok((summary, finds.iter().map(|find| guided.trace(find)).collect()))
            }
        }
    }

    /// Hands the seeds that violate something to `each`, ascending, until it says no. Where seeds do not learn from each
    /// other they are run batch by batch on the current rayon pool; `go_on` is asked before each batch, or before each
    /// seed.
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

    /// Runs one seed after the other on this thread, and hands over what each came to, with the case and its source, until
    /// `each` says no.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn in_turn(
        &self,
        seeds: Range<u64>,
        each: &mut dyn FnMut(SeedResult, &Case<M>, &Source) -> bool,
    ) -> Result<(), Impossible> {
        let campaign = match self {
            Search::Drawn(campaign) => campaign,
            Search::Guided(guided) => {
                guided.in_turn(seeds, each);
                return Ok(());
            }
        };
        let cases = campaign.cases();
        cases.case(seeds.start).validate()?;
        for seed in seeds {
            let case = cases.case(seed);
            let source = campaign.swarm.source(&case, seed);
            let outcome = run_valid(&case, &source, &campaign.suite.properties, Record::No);
            if !each(SeedResult::of(seed, outcome), &case, &source) {
                break;
            }
        }
        Ok(())
    }
}
