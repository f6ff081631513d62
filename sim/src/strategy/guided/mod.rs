//! Guided search: cases that reached something new are kept, changed a little, and run again.
//!
//! Greybox fuzzing as AFL does it (Zalewski, *American Fuzzy Lop*, 2013), with what distributed systems have instead of
//! branches. What counts as new is said in `coverage.rs`; how cases are changed in `mutate.rs`: faults are added, dropped,
//! moved, stretched, turned on other nodes; choices are fixed to other values; operations move; tails of plans are spliced.
//! Rarely reached things are followed more often than common ones (as in Böhme et al., *Coverage-based Greybox Fuzzing as
//! Markov Chain*, CCS 2016). That coverage of states guides well where that of branches does not is from Meng et al.,
//! *Greybox Fuzzing of Distributed Systems*, CCS 2023.
//!
//! **What a seed means.** Seeds are divided into islands of [`ISLAND`] that know nothing of each other. On an island one seed
//! is run after the other; a part of them as a swarm draws them, each other a child of what the seeds before it found. So
//! a seed's world is a function of the seed, the model, and the corpus that the search begins with, however many threads
//! there are and wherever a sweep begins, ends or is divided.
//!
//! **The corpus.** What found something new that neither the corpus nor an earlier island has is a recorded case: a trace
//! without a violation, which replays like any other. The next guided search begins with what it is given of them.
//!
//! **What it guarantees.** Nothing: it is a heuristic. All that it runs is inside the tolerance, by the rules of swarms.

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
use crate::strategy::guided::coverage::{Coverage, Feature, Onlooker};
use crate::strategy::guided::mutate::{Parent, Workshop};
use crate::sweep::{AnyCampaign, Summary};
use crate::system::{AnyCase, AnyFinished, AnyStory, AnyTrace, Worlds};
use crate::trace::Origin;

/// How many seeds learn from each other.
pub const ISLAND: u64 = 512;

/// The first so many seeds of an island are as a swarm draws them, if there is no corpus; and of those after them, on
/// average one of so many is.
const FRESH: u64 = 24;
const FRESH_EVERY: u64 = 4;

/// Of how many members the rarest is followed.
const CONTEST: usize = 3;

/// How many of the choices that a run asked for are remembered, evenly spread over it.
const REMEMBERED: usize = 256;

/// What a thread that fails with a lock would break.
const UNHARMED: &str = "nobody fails while they hold the corpus";

/// A member of a corpus that a search cannot use: its place, and why.
pub type Refused = (usize, String);

/// A guided search: a campaign, and what is known to be worth beginning with.
pub struct Guided {
    campaign: AnyCampaign,
    /// The kinds of message that there are.
    kinds: Vec<String>,
    /// Behind a lock, for operations can be sent to other threads but not shared between them.
    corpus: Mutex<Population>,
}

/// What is followed, and what was reached in all.
#[derive(Clone)]
struct Population {
    members: Vec<Member>,
    coverage: Coverage,
}

impl Population {
    /// Counts what a candidate reached, and follows it from now on if that is something new and nothing went wrong. Says
    /// whether it does.
    fn learn(&mut self, guided: &Guided, candidate: &Candidate, tried: &Tried) -> bool {
        let new = tried.outcome.violation.is_none() && self.coverage.lacks(&tried.reached);
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

/// A candidate that reached something new.
#[derive(Clone)]
struct Member {
    candidate: Candidate,
    reached: BTreeSet<Feature>,
    /// Choices that its run asked for.
    asked: Vec<Deviation>,
}

/// A recorded case that reached something new, and the seed that found it.
pub struct Find {
    seed: u64,
    candidate: Candidate,
    reached: BTreeSet<Feature>,
}

/// What a candidate came to.
struct Tried {
    outcome: AnyFinished,
    reached: BTreeSet<Feature>,
}

impl Guided {
    /// A search that begins with a corpus: recorded cases of the model, in an order that is always the same. Hands back
    /// which of them, by their places, it cannot use, and why.
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
        *guided.corpus.lock().expect(UNHARMED) = known;
        Ok((guided, refused))
    }

    /// The campaign that is searched.
    pub fn campaign(&self) -> &AnyCampaign {
        &self.campaign
    }

    /// How many recorded cases it begins with: those of its corpus that reach something.
    pub fn known(&self) -> usize {
        self.corpus.lock().expect(UNHARMED).members.len()
    }

    /// The case of a seed and the source of its choices. Runs what the seed learns from.
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

    /// Runs one seed after the other and hands over what each came to, with the case and its source, until `each` says no.
    pub fn in_turn(&self, seeds: Range<u64>, each: &mut dyn FnMut(SeedResult, &AnyCase, &Source) -> bool) {
        for island in islands(&seeds) {
            let mut here = Island::of(self, island.start);
            while here.next < island.end {
                let wanted = seeds.contains(&here.next);
                let (seed, candidate, outcome) = here.step();
                let result = SeedResult::of(seed, outcome);
                if wanted && !each(result, &candidate.case, &candidate.source()) {
                    return;
                }
            }
        }
    }

    /// Runs all seeds, the islands on the threads of the current rayon pool, and hands each result to `each`, in no fixed
    /// order. When `each` says no, no more are begun. Hands back what was found that is new, in the order of the seeds.
    pub fn sweep(&self, seeds: Range<u64>, each: &(dyn Fn(SeedResult) -> bool + Sync)) -> (Summary, Vec<Find>) {
        let go_on = AtomicBool::new(true);
        let islands: Vec<_> = islands(&seeds).collect();
        let sweep = |island: &Range<u64>| {
            let mut here = Island::of(self, island.start);
            let mut summary = Summary::default();
            while here.next < island.end && go_on.load(Ordering::Relaxed) {
                let wanted = seeds.contains(&here.next);
                let (seed, _, outcome) = here.step();
                if wanted {
                    let result = SeedResult::of(seed, outcome);
                    summary.add(&result);
                    if !each(result) {
                        go_on.store(false, Ordering::Relaxed);
                    }
                }
            }
            here.finds.retain(|find| seeds.contains(&find.seed));
            (summary, here.finds)
        };
        let of_number = |(): &mut (), number: u64| Ok::<_, Infallible>(Some(sweep(&islands[number as usize])));
        let Ok(swept) = parallel::collect(0..islands.len() as u64, || (), of_number);
        let mut summary = Summary::default();
        let mut coverage = self.corpus.lock().expect(UNHARMED).coverage.clone();
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

    /// The trace of a find: it replays like any other, and violates nothing.
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
        let onlooker = Onlooker::new(system.config().tolerance().crashes.among);
        let outcome = system.0.watch(&candidate.case, &candidate.source(), record, &onlooker);
        let mut reached = onlooker.reached();
        reached.extend(coverage::of_marks(&outcome.marks));
        Tried { outcome, reached }
    }
}

/// The islands that seeds lie on, each from its beginning to the last seed wanted.
fn islands(seeds: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    let (from, end) = (seeds.start / ISLAND * ISLAND, seeds.end);
    (from..end).step_by(ISLAND as usize).map(move |start| start..end.min(start.saturating_add(ISLAND)))
}

/// An island while it is run.
struct Island<'a> {
    guided: &'a Guided,
    worlds: Box<dyn Worlds + 'a>,
    population: Population,
    first: u64,
    next: u64,
    /// How many seeds begin the island as a swarm draws them.
    fresh: u64,
    finds: Vec<Find>,
}

impl<'a> Island<'a> {
    /// The island of a seed, at its beginning.
    fn of(guided: &'a Guided, seed: u64) -> Self {
        let first = seed / ISLAND * ISLAND;
        let population = guided.corpus.lock().expect(UNHARMED).clone();
        let fresh = if population.members.is_empty() { FRESH } else { 0 };
        Island { guided, worlds: guided.campaign.worlds(), population, first, next: first, fresh, finds: Vec::new() }
    }

    /// What the next seed is to run.
    fn candidate(&self) -> Candidate {
        let seed = self.next;
        let mut shop = Workshop::new(&*self.worlds, &self.guided.kinds, seed);
        let begins = self.population.members.is_empty() || seed - self.first < self.fresh;
        if begins || shop.below(FRESH_EVERY) == 0 {
            return Candidate::fresh(&*self.worlds, seed);
        }
        let parent = self.follow(&mut shop);
        let other = &self.population.members[shop.below(self.population.members.len() as u64) as usize];
        let parent = Parent { candidate: &parent.candidate, asked: &parent.asked };
        let child = shop.child(&parent, &other.candidate);
        match self.guided.campaign.possible(&child.case) {
            Ok(()) => child,
            Err(_) => Candidate::fresh(&*self.worlds, seed),
        }
    }

    /// Of a few members, the one that reached what is rarest.
    fn follow(&self, shop: &mut Workshop<'_>) -> &Member {
        let members = &self.population.members;
        let drawn = (0..CONTEST).map(|_| shop.below(members.len() as u64) as usize).collect::<Vec<_>>();
        let rarest = |place: &usize| (self.population.coverage.rarest(&members[*place].reached), *place);
        &members[drawn.into_iter().min_by_key(rarest).expect("a contest has members")]
    }

    /// Runs the next seed and learns from it.
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
