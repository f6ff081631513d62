//! Guided search: cases that reached new coverage are kept, mutated, and run again.
//!
//! Greybox fuzzing as in AFL (Zalewski, *American Fuzzy Lop*, 2013), with features of distributed systems in place of
//! branches. `coverage.rs` says what counts as new; `mutate.rs` how cases are changed: faults are added, dropped,
//! moved, stretched and aimed at other nodes; choices are fixed to other values; operations move; tails of plans are
//! spliced. Members that reached rare features are mutated more often than others (as in Böhme et al., *Coverage-based
//! Greybox Fuzzing as Markov Chain*, CCS 2016). Coverage of states, in place of branches, is from Meng et al., *Greybox
//! Fuzzing of Distributed Systems*, CCS 2023.
//!
//! **What a seed means.** Seeds are divided into islands of [`ISLAND`] (as in the island model of genetic algorithms),
//! which exchange nothing. The seeds of an island are run one after the other: some as a swarm draws them, each other
//! as a child of what earlier seeds found. So the world of a seed is a function of the seed, the model, and the initial
//! corpus, whatever the number of threads and wherever a sweep begins, ends or is divided.
//!
//! **The corpus.** A case with new coverage that neither the corpus nor an earlier island has is recorded: a trace
//! without a violation, which replays like any other. Later searches can begin with it.
//!
//! **What it guarantees.** Nothing: it is a heuristic. All its cases are inside the tolerance, by the rules of swarms.

mod candidate;
pub(crate) mod coverage;
mod mutate;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::choice::{Deviation, Source};
use crate::parallel;
use crate::run::Record;
use crate::scenario::Impossible;
use crate::seed::SeedResult;
use crate::strategy::guided::candidate::Candidate;
use crate::strategy::guided::coverage::{Coverage, Feature, Observer};
use crate::strategy::guided::mutate::{Mutator, Parent};
use crate::sweep::{AnyCampaign, Summary};
use crate::system::{AnyCase, AnyFinished, AnyStory, AnyTrace, Worlds};
use crate::trace::Origin;

/// The number of seeds that learn from each other.
pub const ISLAND: u64 = 512;

/// The first seeds of an island that a swarm draws if there is no corpus; after them one of so many is drawn, on
/// average.
const FRESH: u64 = 24;
const FRESH_EVERY: u64 = 4;

/// Tournament selection: the number of members of which the one with the rarest feature is chosen.
const TOURNAMENT: usize = 3;

/// How many of a run's choices are kept, evenly spread over the run.
const REMEMBERED: usize = 256;

/// The message of a poisoned lock.
const POISONED: &str = "nobody fails while they hold the corpus";

/// A recorded case that a search cannot use: its index in the corpus, and why.
pub type Refused = (usize, String);

/// A guided search: a campaign and an initial corpus.
pub struct Guided {
    campaign: AnyCampaign,
    /// The names of all kinds of messages.
    kinds: Vec<String>,
    /// Behind a lock, because operations are `Send` but not `Sync`.
    corpus: Mutex<Population>,
}

/// The members that are mutated, and the coverage of all runs.
#[derive(Clone)]
struct Population {
    members: Vec<Member>,
    coverage: Coverage,
}

impl Population {
    /// Counts the features of a candidate, and makes it a member if some are new and nothing was violated. `true` if it
    /// did.
    fn learn(&mut self, guided: &Guided, candidate: &Candidate, tried: &Tried) -> bool {
        let decided = tried.outcome.undecided.is_none();
        let new = tried.outcome.violation.is_none() && decided && self.coverage.lacks(&tried.reached);
        self.coverage.add(&tried.reached);
        if new {
            let asked = guided.try_out(candidate, Record::Yes).outcome.recorded;
            let every = asked.len().div_ceil(REMEMBERED).max(1);
            let asked = asked.into_iter().step_by(every).collect();
            self.members.push(Member { candidate: candidate.clone(), reached: tried.reached.clone(), asked });
        }
        new
    }
}

/// A candidate that reached new features.
#[derive(Clone)]
struct Member {
    candidate: Candidate,
    reached: BTreeSet<Feature>,
    /// Choices of its run, to be mutated.
    asked: Vec<Deviation>,
}

/// A recorded case with new coverage, and the seed that found it.
pub struct Find {
    seed: u64,
    candidate: Candidate,
    reached: BTreeSet<Feature>,
}

/// The result of running a candidate.
struct Tried {
    outcome: AnyFinished,
    reached: BTreeSet<Feature>,
}

impl Guided {
    /// A search that begins with a corpus: recorded cases of the model, in a fixed order. Also returns those that it
    /// cannot use.
    ///
    /// # Errors
    /// If no world can run the model's own scenario.
    pub fn new(campaign: AnyCampaign, corpus: Vec<AnyStory>) -> Result<(Self, Vec<Refused>), Impossible> {
        campaign.case(0)?;
        let kinds = campaign.system.0.message_kinds();
        let nothing = Population { members: Vec::new(), coverage: Coverage::default() };
        let guided = Guided { campaign, kinds, corpus: Mutex::new(nothing.clone()) };
        let (mut known, mut refused) = (nothing, Vec::new());
        let worlds = guided.campaign.worlds();
        for (place, story) in corpus.into_iter().enumerate() {
            match Candidate::of_story(story, &guided.campaign, &*worlds, place as u64) {
                Ok(candidate) => {
                    let tried = guided.try_out(&candidate, Record::No);
                    known.learn(&guided, &candidate, &tried);
                }
                Err(problem) => refused.push((place, problem)),
            }
        }
        drop(worlds);
        *guided.corpus.lock().expect(POISONED) = known;
        Ok((guided, refused))
    }

    /// The campaign that the search draws from.
    pub fn campaign(&self) -> &AnyCampaign {
        &self.campaign
    }

    /// The number of recorded cases that it begins with: those of its corpus with new coverage.
    pub fn known(&self) -> usize {
        self.corpus.lock().expect(POISONED).members.len()
    }

    /// The case of a seed and the source of its choices. Runs the earlier seeds of its island.
    ///
    /// # Errors
    /// If no world can run the case.
    pub fn world(&self, seed: u64) -> Result<(AnyCase, Source), Impossible> {
        let mut island = Island::of(self, seed);
        while island.next < seed {
            island.step();
        }
        let candidate = island.candidate();
        self.campaign.possible(&candidate.case)?;
        let source = candidate.source();
        Ok((candidate.case, source))
    }

    /// Runs one seed after the other and calls `each` with its result, case and source, until that returns `false`.
    pub fn in_turn(&self, seeds: Range<u64>, each: &mut dyn FnMut(SeedResult, &AnyCase, &Source) -> bool) {
        for island in islands(&seeds) {
            let mut island_state = Island::of(self, island.start);
            while island_state.next < island.end {
                let wanted = seeds.contains(&island_state.next);
                let (seed, candidate, outcome) = island_state.step();
                let result = SeedResult::of(seed, outcome);
                if wanted && !each(result, &candidate.case, &candidate.source()) {
                    return;
                }
            }
        }
    }

    /// Runs all seeds, the islands on the threads of the current rayon pool, and calls `each` with each result, in no
    /// fixed order, until that returns `false`. Returns what was found that is new, in the order of the seeds.
    pub fn sweep(&self, seeds: Range<u64>, each: &(dyn Fn(SeedResult) -> bool + Sync)) -> (Summary, Vec<Find>) {
        let go_on = AtomicBool::new(true);
        let islands: Vec<_> = islands(&seeds).collect();
        let sweep = |island: &Range<u64>| {
            let mut island_state = Island::of(self, island.start);
            let mut summary = Summary::default();
            while island_state.next < island.end && go_on.load(Ordering::Relaxed) {
                let wanted = seeds.contains(&island_state.next);
                let (seed, _, outcome) = island_state.step();
                if wanted {
                    let result = SeedResult::of(seed, outcome);
                    summary.add(&result);
                    if !each(result) {
                        go_on.store(false, Ordering::Relaxed);
                    }
                }
            }
            island_state.finds.retain(|find| seeds.contains(&find.seed));
            (summary, island_state.finds)
        };
        let of_number = |(): &mut (), number: u64| Ok::<_, Infallible>(Some(sweep(&islands[number as usize])));
        let Ok(swept) = parallel::collect(0..islands.len() as u64, || (), of_number);
        let mut summary = Summary::default();
        let mut coverage = self.corpus.lock().expect(POISONED).coverage.clone();
        let mut finds = Vec::new();
        for (part, found) in swept {
            summary = summary.merged(part);
            for find in found {
                if coverage.lacks(&find.reached) {
                    coverage.add(&find.reached);
                    finds.push(find);
                }
            }
        }
        (self.campaign.judged(summary), finds)
    }

    /// The trace of a find. It replays like any other, and records no violation.
    pub fn trace(&self, find: &Find) -> AnyTrace {
        let outcome = self.try_out(&find.candidate, Record::Yes).outcome;
        let origin = Origin {
            seed: Some(find.seed),
            seedbed: env!("CARGO_PKG_VERSION").into(),
            note: "found something new in a guided search".into(),
            ..Origin::default()
        };
        let (violation, fingerprint) = (outcome.violation.clone(), outcome.fingerprint);
        let AnyStory { case, deviations } = AnyStory::recorded(&find.candidate.case, &outcome);
        AnyTrace::of(self.campaign.system.info().name, case, deviations, violation, fingerprint, origin)
    }

    fn try_out(&self, candidate: &Candidate, record: Record) -> Tried {
        let system = &self.campaign.system;
        let observer = Observer::new(system.config().tolerance().crashes.among);
        let outcome = system.0.watch(&candidate.case, &candidate.source(), record, &observer);
        let mut reached = observer.reached();
        reached.extend(coverage::of_marks(&outcome.marks));
        Tried { outcome, reached }
    }
}

/// The islands of these seeds, each from its beginning to the last seed wanted.
fn islands(seeds: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    let (from, end) = (seeds.start / ISLAND * ISLAND, seeds.end);
    (from..end).step_by(ISLAND as usize).map(move |start| start..end.min(start.saturating_add(ISLAND)))
}

/// The state of an island while its seeds are run.
struct Island<'a> {
    guided: &'a Guided,
    worlds: Box<dyn Worlds + 'a>,
    population: Population,
    first: u64,
    next: u64,
    /// The number of first seeds that a swarm draws.
    fresh: u64,
    finds: Vec<Find>,
}

impl<'a> Island<'a> {
    /// The island of a seed, at its beginning.
    fn of(guided: &'a Guided, seed: u64) -> Self {
        let first = seed / ISLAND * ISLAND;
        let population = guided.corpus.lock().expect(POISONED).clone();
        let fresh = if population.members.is_empty() { FRESH } else { 0 };
        Island { guided, worlds: guided.campaign.worlds(), population, first, next: first, fresh, finds: Vec::new() }
    }

    /// The candidate of the next seed.
    fn candidate(&self) -> Candidate {
        let seed = self.next;
        let mut mutator = Mutator::new(&*self.worlds, &self.guided.kinds, seed);
        let begins = self.population.members.is_empty() || seed - self.first < self.fresh;
        if begins || mutator.below(FRESH_EVERY) == 0 {
            return Candidate::fresh(&*self.worlds, seed);
        }
        let parent = self.select(&mut mutator);
        let other = &self.population.members[mutator.below(self.population.members.len() as u64) as usize];
        let parent = Parent { candidate: &parent.candidate, asked: &parent.asked };
        let child = mutator.child(&parent, &other.candidate);
        match self.guided.campaign.possible(&child.case) {
            Ok(()) => child,
            Err(_) => Candidate::fresh(&*self.worlds, seed),
        }
    }

    /// Selects the member with the rarest feature of a few random ones.
    fn select(&self, mutator: &mut Mutator<'_>) -> &Member {
        let members = &self.population.members;
        let drawn = (0..TOURNAMENT).map(|_| mutator.below(members.len() as u64) as usize).collect::<Vec<_>>();
        let rarest = |place: &usize| (self.population.coverage.rarest(&members[*place].reached), *place);
        &members[drawn.into_iter().min_by_key(rarest).expect("a contest has members")]
    }

    /// Runs the next seed and updates the population.
    fn step(&mut self) -> (u64, Candidate, AnyFinished) {
        let (seed, candidate) = (self.next, self.candidate());
        let tried = self.guided.try_out(&candidate, Record::No);
        self.next += 1;
        if self.population.learn(self.guided, &candidate, &tried) {
            self.finds.push(Find { seed, candidate: candidate.clone(), reached: tried.reached });
        }
        (seed, candidate, tried.outcome)
    }
}
