//! The comparison of strategies on the same bugs.
//!
//! For each bug, the mean number of seeds to a kill is estimated as all seeds that were run over all kills. For
//! independent seeds that is the maximum-likelihood estimate (of a geometric distribution), which uses censored
//! attempts. Strategies are compared by the ratio of these means for each bug, and by the geometric mean of the ratios.
//! If one of the two never killed a bug, the ratio has only a lower bound, which is used, but never in favour of the
//! strategy that failed, because it may only have had fewer seeds.

use seedbed_sim::Strategy;

use crate::kills::bootstrap::{drawn, interval, spread};
use crate::kills::{Attempt, Kill, Row, Spent};

/// The comparison of a strategy with the first one.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The strategy that is compared.
    pub strategy: Strategy,
    /// The number of compared bugs: those that both strategies hunted, and one of them killed.
    pub bugs: usize,
    /// The ratio of needed seeds to those of the first strategy: the geometric mean over the bugs.
    pub seeds: f64,
    /// The 95 % interval of the ratio, by resampling the bugs.
    pub interval: (f64, f64),
    /// The ratio of needed events.
    pub events: f64,
    /// The number of bugs for which it needs fewer seeds, and of these, with 95 % confidence.
    pub wins: (usize, usize),
    /// The number of bugs for which it needs more seeds, and of these, with 95 % confidence.
    pub losses: (usize, usize),
    /// The number of bugs that it never killed.
    pub unkilled: usize,
}

/// All comparisons with the first strategy, in the order of the strategies.
pub fn compare(rows: &[Row]) -> Vec<Comparison> {
    let strategies = rows.first().map_or(0, |row| row.kills.len());
    (1..strategies).map(|place| with_first(rows, place)).collect()
}

/// The strategy that needs the fewest seeds, and whether it is clearly better than the first one.
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
        let times = ratio(&pair[0], &pair[1]);
        let (low, high) = spread(|words| ratio(&drawn(&pair[0], words), &drawn(&pair[1], words)));
        wins = (wins.0 + usize::from(times < 1.0), wins.1 + usize::from(high < 1.0));
        losses = (losses.0 + usize::from(times > 1.0), losses.1 + usize::from(low > 1.0));
        ratios.push(times);
        let pair = [other, first].map(|kill| hunted(kill, |sight| sight.events));
        events.push(ratio(&pair[0], &pair[1]));
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

/// The count until a kill or the end of an attempt, and one for a kill.
type Hunted = (u64, u64);

fn hunted(kill: &Kill, of: impl Fn(&Spent) -> u64) -> Vec<Hunted> {
    let one = |attempt: &Attempt| match attempt.detections.get(kill.bug.caught_by) {
        Some(sight) => (of(sight), 1),
        None => (of(&attempt.ran), 0),
    };
    kill.attempts.iter().map(one).collect()
}

/// The ratio of the other's estimated mean to that of the first one.
fn ratio(other: &[Hunted], first: &[Hunted]) -> f64 {
    let all = |hunted: &[Hunted]| hunted.iter().fold((0, 0), |(all, kills), (n, kill)| (all + n, kills + kill));
    let [(other, others_kills), (first, firsts_kills)] = [all(other), all(first)];
    let mean = |all: u64, kills: u64| all.max(1) as f64 / kills.max(1) as f64;
    let times = mean(other, others_kills) / mean(first, firsts_kills);
    match (others_kills, firsts_kills) {
        (0, 0) => 1.0,
        (0, _) => times.max(1.0),
        (_, 0) => times.min(1.0),
        _ => times,
    }
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    let logarithms: f64 = ratios.iter().map(|ratio| libm::log(*ratio)).sum();
    libm::exp(logarithms / ratios.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_killed_a_bug_is_not_better_for_having_had_few_seeds() {
        let (killed, gave_up) = ([(2_000, 1), (1_000, 1)], [(300, 0)]);
        assert_eq!(ratio(&[(500, 1)], &killed), 1.0 / 3.0);
        assert_eq!(ratio(&gave_up, &killed), 1.0);
        assert_eq!(ratio(&killed, &gave_up), 1.0);
        assert_eq!(ratio(&[(6_000, 0)], &killed), 4.0);
        assert_eq!(ratio(&[(600, 1), (300, 0)], &[(300, 1)]), 3.0, "what was censored counts for what it tells");
        assert_eq!(geometric_mean(&[0.5, 2.0, 8.0]), 2.0);
    }
}
