//! Strategies: how the world of a seed is drawn. Each is a deterministic function of the seed, the model and, if it
//! learns, its corpus. A failing world is recorded, replayed and shrunk in the same way under all of them, because
//! everything that a strategy decides is part of the case or a named choice.
//!
//! | strategy | faults | message order | guarantees |
//! |---|---|---|---|
//! | [`uniform`](Strategy::Uniform) | all classes on, drawn uniformly | the model's latencies | none: what the others are compared with |
//! | [`swarm`](Strategy::Swarm) | a random subset of classes; motifs; aimed at roles | four kinds of latency | none |
//! | [`pct`](Strategy::Pct) | those of the swarm | priorities of links, with change points | a lower bound for each seed, within a window ([`pct`]) |
//! | [`guided`](Strategy::Guided) | those of the swarm, mutated | those of the swarm, mutated | none; learns ([`guided`]) |
//!
//! All of them stay inside the model's tolerance, by the same rules.
//!
//! The default is the swarm: of 64 planted bugs, hunted 11 times each or with 3,000 seeds (`seedbed mutants --all --compare
//! --budget 3000`), uniform needs 1.08 times its seeds (95 %: 0.89 to 1.35), pct 0.90 times (0.79 to 1.02), guided 1.11 times
//! (1.02 to 1.21), and all of them more events. So none is clearly better; pct may be, and is worth a sweep of its own.

pub(crate) mod drawn;
pub mod guided;
pub mod pct;
mod search;

use std::fmt;

use crate::run::Record;
use crate::scenario::Impossible;
use crate::strategy::drawn::Drawn;
use crate::sweep::AnyCampaign;

pub use search::Search;

/// How the world of a seed is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Every tolerated class of faults is on in every world; times and strengths are uniformly distributed.
    Uniform,
    /// Each seed draws which classes of faults are on, how strong they are, and in which style. (Groce et al., *Swarm
    /// Testing*, ISSTA 2012.)
    #[default]
    Swarm,
    /// Messages are delivered by random priorities of links that change at few random points. (Burckhardt et al., *A
    /// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs*, ASPLOS 2010; Ozkan et al., *Randomized Testing
    /// of Distributed Systems with Probabilistic Guarantees*, OOPSLA 2018.)
    Pct,
    /// Cases that reached new coverage are mutated and run again. (Zalewski, *American Fuzzy Lop*; for
    /// distributed systems Meng et al., *Greybox Fuzzing of Distributed Systems*, CCS 2023.)
    Guided,
}

impl Strategy {
    /// All strategies, the baseline first.
    pub const ALL: [Strategy; 4] = [Strategy::Uniform, Strategy::Swarm, Strategy::Pct, Strategy::Guided];

    /// In lower case, as on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Uniform => "uniform",
            Strategy::Swarm => "swarm",
            Strategy::Pct => "pct",
            Strategy::Guided => "guided",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Strategy {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Strategy::ALL.into_iter().find(|strategy| strategy.name() == text).ok_or_else(|| {
            let all = Strategy::ALL.map(Strategy::name).join(" ");
            format!("'{text}' is not a strategy: choose from {all}")
        })
    }
}

/// How many worlds are run to measure how many messages worlds of a model send.
const MEASURED: u64 = 16;

impl AnyCampaign {
    /// The same campaign under a strategy. A guided campaign draws like a swarm; the rest is done by
    /// [`guided::Guided`].
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn under(mut self, strategy: Strategy) -> Result<Self, Impossible> {
        if strategy == Strategy::Guided {
            // Candidates are spliced with each other: they are of one size.
            self.swarm = self.swarm.of_one_shape();
        }
        let drawn = match strategy {
            Strategy::Uniform => Drawn::Uniform,
            Strategy::Swarm | Strategy::Guided => Drawn::Swarm,
            Strategy::Pct => {
                let (_, bound) = self.worlds().rules(&self.system.config()).latency;
                Drawn::Ordered { steps: self.most_messages()?, bound }
            }
        };
        self.swarm = self.swarm.drawn(drawn);
        Ok(self)
    }

    /// The number of steps that PCT has to know: the most messages that the worlds of a few fixed seeds send, of the usual
    /// shape.
    fn most_messages(&self) -> Result<u32, Impossible> {
        let usual = AnyCampaign { swarm: self.swarm.clone().of_one_shape(), ..self.clone() };
        let worlds = usual.worlds();
        // With the properties, because a broken world may send messages without end.
        let sent = |seed| Ok(worlds.run(seed, Record::No)?.1.stats.sent);
        let most = (0..MEASURED).map(sent).collect::<Result<Vec<_>, _>>()?.into_iter().max();
        Ok(most.unwrap_or(0).clamp(1, u64::from(u32::MAX)) as u32)
    }
}
