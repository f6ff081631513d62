//! Which strategy is better: the same bugs, hunted by each.
//!
//! For each bug, the mean number of seeds to a kill is estimated as all seeds that were run over all kills. For seeds that
//! are independent that is the likeliest mean (of a geometric distribution), and censored attempts count for what they
//! tell. A bug that a strategy never killed is counted as if the next seed would have: to its advantage, and said so.
//! Strategies are compared by the ratio of these means, bug by bug, and by the geometric mean of the ratios.

use seedbed_sim::Strategy;

use crate::kills::bootstrap::{drawn, interval, spread};
use crate::kills::{Attempt, Kill, Row, Sight};

/// How a strategy does against the first one.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Which.
    pub strategy: Strategy,
    /// How many bugs were compared: those that both hunted and one of the two killed at all.
    pub bugs: usize,
    /// How many times the seeds that the first one needs: the geometric mean over the bugs.
    pub seeds: f64,
    /// Its interval, by drawing the bugs anew.
    pub interval: (f64, f64),
    /// The same in events.
    pub events: f64,
    /// Bugs that it needs fewer seeds for; of those, so many clearly: with 95 %.
    pub wins: (usize, usize),
    /// Bugs that it needs more seeds for; of those, so many clearly.
    pub losses: (usize, usize),
    /// Bugs that it never killed.
    pub unkilled: usize,
}

/// All comparisons with the first strategy, in the order of the strategies.
pub fn compare(rows: &[Row]) -> Vec<Comparison> {
    let strategies = rows.first().map_or(0, |row| row.kills.len());
    (1..strategies).map(|place| with_first(rows, place)).collect()
}

/// The strategy that needs the fewest seeds, and whether it is clearly better than the first where it is not the first.
pub fn winner(first: Strategy, comparisons: &[Comparison]) -> (Strategy, bool) {
    let best = comparisons.iter().filter(|comparison| comparison.seeds < 1.0);
    match best.min_by(|a, b| a.seeds.total_cmp(&b.seeds)) {
        Some(best) => (best.strategy, best.interval.1 < 1.0),
        None => (first, comparisons.iter().all(|comparison| comparison.interval.0 > 1.0)),
    }
}

fn with_first(rows: &[Row], place: usize) -> Comparison {
    let mut ratios = Vec::new();
    let mut events = Vec::new();
    let (mut wins, mut losses) = ((0, 0), (0, 0));
    for row in rows {
        let (first, other) = (&row.kills[0], &row.kills[place]);
        let hunted_by_both = !first.attempts.is_empty() && !other.attempts.is_empty();
        if !hunted_by_both || first.caught() + other.caught() == 0 {
            continue;
        }
        let pair = [other, first].map(|kill| hunted(kill, |sight| sight.seeds));
        let ratio = mean(&pair[0]) / mean(&pair[1]);
        let (low, high) = spread(|words| mean(&drawn(&pair[0], words)) / mean(&drawn(&pair[1], words)));
        wins = (wins.0 + usize::from(ratio < 1.0), wins.1 + usize::from(high < 1.0));
        losses = (losses.0 + usize::from(ratio > 1.0), losses.1 + usize::from(low > 1.0));
        ratios.push(ratio);
        let [other, first] = [other, first].map(|kill| mean(&hunted(kill, |sight| sight.events)));
        events.push(other / first);
    }
    Comparison {
        strategy: rows[0].kills[place].strategy,
        bugs: ratios.len(),
        seeds: geometric_mean(&ratios),
        interval: interval(&ratios, geometric_mean),
        events: geometric_mean(&events),
        wins,
        losses,
        unkilled: rows
            .iter()
            .filter(|row| row.kills[place].caught() == 0 && !row.kills[place].attempts.is_empty())
            .count(),
    }
}

/// What is counted until a kill or the end of an attempt: with one for a kill.
type Hunted = (u64, u64);

fn hunted(kill: &Kill, of: impl Fn(&Sight) -> u64) -> Vec<Hunted> {
    let one = |attempt: &Attempt| match attempt.saw.get(kill.bug.caught_by) {
        Some(sight) => (of(sight), 1),
        None => (of(&attempt.ran), 0),
    };
    kill.attempts.iter().map(one).collect()
}

/// The mean to a kill.
fn mean(hunted: &[Hunted]) -> f64 {
    let (all, kills) = hunted.iter().fold((0, 0), |(all, kills), (n, kill)| (all + n, kills + kill));
    all.max(1) as f64 / kills.max(1) as f64
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    let logarithms: f64 = ratios.iter().map(|ratio| libm::log(*ratio)).sum();
    libm::exp(logarithms / ratios.len().max(1) as f64)
}
