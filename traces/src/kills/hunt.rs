//! The hunt for one bug.

use std::collections::BTreeMap;

use seedbed_sim::strategy::guided::ISLAND;
use seedbed_sim::{Bug, SeedResult, Strategy, Violation};

use crate::component::{Component, Options};

/// The effort to hunt each bug.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The number of attempts at each bug.
    pub attempts: u64,
    /// The most seeds of an attempt.
    pub seeds: u64,
    /// The most seeds of all attempts at a bug by one strategy: rare bugs get fewer attempts. By the strategy that the
    /// matrix shows, an attempt has all of its seeds as long as the median is unknown.
    pub budget: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Effort { attempts: 11, seeds: 20_000, budget: 8_000 }
    }
}

/// The seeds and events up to the first violation of a property, or up to the end of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// The number of seeds.
    pub seeds: u64,
    /// The number of events in their worlds.
    pub events: u64,
}

/// An attempt at a bug.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// By property: its first violation.
    pub detections: BTreeMap<String, Spent>,
    /// The property that was violated first in the world in which the bug was caught.
    pub first: Option<String>,
    /// The seeds and events of the whole attempt.
    pub ran: Spent,
}

/// All attempts at a bug by one strategy.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The planted bug.
    pub bug: Bug,
    /// The strategy that drew the worlds.
    pub strategy: Strategy,
    /// The attempts; fewer than planned if the budget was used up.
    pub attempts: Vec<Attempt>,
    /// Whether some attempt ran all its seeds without catching the bug.
    pub survived: bool,
}

impl Kill {
    /// The number of attempts in which the expected property caught the bug.
    pub fn caught(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.detections.contains_key(self.bug.caught_by)).count()
    }

    /// Whether the bug was caught in every attempt with enough seeds.
    pub fn killed(&self) -> bool {
        !self.survived && self.caught() > 0
    }

    /// The number of attempts without a kill.
    pub fn censored(&self) -> usize {
        self.attempts.len() - self.caught()
    }

    /// The properties that detected the bug in any world, by name.
    pub fn seen(&self) -> Vec<String> {
        let mut all: Vec<_> = self.attempts.iter().flat_map(|attempt| attempt.detections.keys().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The only property that detects the bug, if there is only one.
    pub fn only(&self) -> Option<String> {
        let mut seen = self.seen();
        if seen.len() == 1 { seen.pop() } else { None }
    }

    /// How often each property was the first to detect the bug, in the worlds in which it was caught; most frequent
    /// first.
    pub fn first(&self) -> Vec<(String, u64)> {
        let mut counts: BTreeMap<&String, u64> = BTreeMap::new();
        for first in self.attempts.iter().filter_map(|attempt| attempt.first.as_ref()) {
            *counts.entry(first).or_insert(0) += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().map(|(name, count)| (name.clone(), count)).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }
}

/// Attempts that the matrix shows continue after a kill, for as many seeds as it took, and at least this many, to find
/// the other properties that detect the bug.
const LONGER: u64 = 16;

/// Hunts a bug. Each attempt has seeds and islands of its own, behind those of the attempt before. With `longer`,
/// attempts continue after a kill.
///
/// # Errors
/// If the model refuses the bug.
pub fn hunt(
    component: &Component,
    bug: Bug,
    strategy: Strategy,
    longer: bool,
    effort: Effort,
    go_on: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Kill> {
    let options = Options { bug: Some(bug.name.to_string()), strategy, ..Options::default() };
    let prepared = component.prepare(&options)?;
    let mut kill = Kill { bug, strategy, attempts: Vec::new(), survived: false };
    let mut spent = 0;
    let stride = effort.seeds.next_multiple_of(ISLAND);
    for place in 0..effort.attempts {
        // The median is known when more attempts have caught the bug than not.
        let unknown = kill.caught() <= kill.censored() && !kill.survived;
        let budget =
            if longer && unknown { effort.seeds } else { effort.seeds.min(effort.budget.saturating_sub(spent)) };
        if budget == 0 {
            break;
        }
        let first = place * stride;
        let mut attempt = Attempt::default();
        prepared.in_turn(first..first + budget, &mut |result, again| {
            attempt.add(&result, again, bug.caught_by);
            let caught = attempt.detections.get(bug.caught_by).map(|detection| detection.seeds);
            let enough = caught.is_some_and(|caught| !longer || attempt.ran.seeds >= caught + caught.max(LONGER));
            !enough && go_on()
        })?;
        if !go_on() {
            break;
        }
        spent += attempt.ran.seeds;
        kill.survived |= budget == effort.seeds && !attempt.detections.contains_key(bug.caught_by);
        kill.attempts.push(attempt);
    }
    Ok(kill)
}

impl Attempt {
    /// Adds the next seed; if its world violates a property, also every property's first violation in it.
    fn add(&mut self, result: &SeedResult, to_the_end: &dyn Fn() -> Vec<Violation>, caught_by: &str) {
        let before = self.ran;
        self.ran = Spent { seeds: before.seeds + 1, events: before.events + result.events };
        if result.violation.is_none() {
            return;
        }
        let seen = to_the_end();
        let catches = seen.iter().any(|violation| violation.property == caught_by);
        if catches && !self.detections.contains_key(caught_by) {
            self.first = seen.first().map(|violation| violation.property.clone());
        }
        for Violation { property, event, .. } in seen {
            let detection = Spent { seeds: self.ran.seeds, events: before.events + event };
            self.detections.entry(property).or_insert(detection);
        }
    }
}
