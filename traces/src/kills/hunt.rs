//! Hunting one bug.

use std::collections::BTreeMap;

use seedbed_sim::strategy::guided::ISLAND;
use seedbed_sim::{Bug, SeedResult, Strategy, Violation};

use crate::component::{Component, Options};

/// How hard each bug is hunted.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many attempts a bug.
    pub attempts: u64,
    /// How many seeds an attempt.
    pub seeds: u64,
    /// How many seeds all attempts at a bug together, by one strategy. What is used up by rare bugs is theirs alone: they get
    /// fewer attempts. By the strategy that the matrix shows an attempt has all of its seeds in any case while the median
    /// is not known.
    pub budget: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Effort { attempts: 11, seeds: 20_000, budget: 8_000 }
    }
}

/// When a property saw something: after how many seeds, that one included, and after how many events in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Seeds.
    pub seeds: u64,
    /// Events.
    pub events: u64,
}

/// One attempt at a bug.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// When each property first saw something.
    pub saw: BTreeMap<String, Sight>,
    /// The property that saw something first in the world in which the bug was caught.
    pub first: Option<String>,
    /// When the attempt ended.
    pub ran: Sight,
}

/// All attempts at a bug by one strategy.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The bug.
    pub bug: Bug,
    /// By which strategy.
    pub strategy: Strategy,
    /// The attempts; fewer than were asked for, where the budget was used up.
    pub attempts: Vec<Attempt>,
    /// Whether some attempt had all the seeds that one may have, and the bug was not caught.
    pub survived: bool,
}

impl Kill {
    /// In how many attempts the property that must catch the bug did.
    pub fn caught(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.saw.contains_key(self.bug.caught_by)).count()
    }

    /// Whether the bug was caught whenever there were seeds enough.
    pub fn killed(&self) -> bool {
        !self.survived && self.caught() > 0
    }

    /// How many attempts ended without a kill.
    pub fn censored(&self) -> usize {
        self.attempts.len() - self.caught()
    }

    /// The properties that saw the bug in any world, by name.
    pub fn seen(&self) -> Vec<String> {
        let mut all: Vec<_> = self.attempts.iter().flat_map(|attempt| attempt.saw.keys().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The one property that sees the bug, where there is only one.
    pub fn only(&self) -> Option<String> {
        let mut seen = self.seen();
        if seen.len() == 1 { seen.pop() } else { None }
    }

    /// How often each property was the first to see the bug, in the worlds in which it was caught; the most frequent first.
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

/// After a kill, attempts whose matrix is shown go on for as many seeds as it took, and at least so many, to see what the
/// slower properties see.
const LONGER: u64 = 16;

/// Hunts a bug. Each attempt has seeds of its own, which begin where the attempt before it must have ended, and on an island
/// of its own. With `longer`, attempts go on after a kill.
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
        // A median is known when more attempts have caught the bug than have not.
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
            let caught = attempt.saw.get(bug.caught_by).map(|sight| sight.seeds);
            let enough = caught.is_some_and(|caught| !longer || attempt.ran.seeds >= caught + caught.max(LONGER));
            !enough && go_on()
        })?;
        if !go_on() {
            break;
        }
        spent += attempt.ran.seeds;
        kill.survived |= budget == effort.seeds && !attempt.saw.contains_key(bug.caught_by);
        kill.attempts.push(attempt);
    }
    Ok(kill)
}

impl Attempt {
    /// Adds the next seed; if something is violated in its world, with what each property sees there.
    fn add(&mut self, result: &SeedResult, to_the_end: &dyn Fn() -> Vec<Violation>, caught_by: &str) {
        let before = self.ran;
        self.ran = Sight { seeds: before.seeds + 1, events: before.events + result.events };
        if result.violation.is_none() {
            return;
        }
        let seen = to_the_end();
        let catches = seen.iter().any(|violation| violation.property == caught_by);
        if catches && !self.saw.contains_key(caught_by) {
            self.first = seen.first().map(|violation| violation.property.clone());
        }
        for Violation { property, event, .. } in seen {
            let sight = Sight { seeds: self.ran.seeds, events: before.events + event };
            self.saw.entry(property).or_insert(sight);
        }
    }
}
