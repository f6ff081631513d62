//! Medians of right-censored samples, with confidence intervals by the percentile bootstrap. (Efron, *Bootstrap
//! Methods: Another Look at the Jackknife*, Annals of Statistics 1979; Efron & Tibshirani, *An Introduction to the
//! Bootstrap*, 1993, §13.)
//!
//! With few samples the interval is too narrow, because it cannot extend beyond the smallest and the largest of them.
//! So the number of samples is shown with each interval.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The number of resamples.
const RESAMPLES: usize = 2_000;

/// The fraction of resampled statistics outside of an interval, on each side, in thousandths: 95 % are inside.
const TAIL_MILLI: usize = 25;

/// A sample, exact or censored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    value: f64,
    censored: bool,
}

impl Sample {
    /// An exact value.
    pub fn exact(value: u64) -> Self {
        Sample { value: value as f64, censored: false }
    }

    /// A censored value: it is larger than this.
    pub fn more_than(value: u64) -> Self {
        Sample { value: value as f64, censored: true }
    }
}

/// A median with its confidence interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The median; `None` if it is censored.
    pub median: Option<u64>,
    /// The ends of the 95 % interval; an end is `None` if it is censored.
    pub interval: (Option<u64>, Option<u64>),
    /// The largest exact sample.
    pub max: Option<u64>,
    /// The largest sample, censored or not: a lower bound on a censored median, at least for half of the samples.
    pub most: u64,
    /// The number of samples.
    pub samples: usize,
    /// The number of censored samples.
    pub censored: usize,
}

impl Estimate {
    /// The median of these samples.
    pub fn of(samples: &[Sample]) -> Self {
        let known = samples.iter().filter(|sample| !sample.censored).map(|sample| sample.value as u64);
        let (low, high) = interval(samples, median);
        Estimate {
            median: finite(median(samples)),
            interval: (finite(low), finite(high)),
            max: known.max(),
            most: samples.iter().map(|sample| sample.value as u64).max().unwrap_or(0),
            samples: samples.len(),
            censored: samples.iter().filter(|sample| sample.censored).count(),
        }
    }
}

fn finite(value: f64) -> Option<u64> {
    value.is_finite().then_some(value as u64)
}

/// The upper median; infinite if it is censored.
fn median(samples: &[Sample]) -> f64 {
    let mut values: Vec<f64> =
        samples.iter().map(|sample| if sample.censored { f64::INFINITY } else { sample.value }).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::INFINITY)
}

/// The 95 % interval of a statistic, by resampling these samples with a fixed seed. Both ends are infinite without
/// samples.
pub fn interval<T: Clone>(samples: &[T], statistic: impl Fn(&[T]) -> f64) -> (f64, f64) {
    if samples.is_empty() {
        return (f64::INFINITY, f64::INFINITY);
    }
    spread(|words| statistic(&drawn(samples, words)))
}

/// The 95 % interval of a statistic that resamples its own input at each call.
pub fn spread(mut statistic: impl FnMut(&mut ChaCha8Rng) -> f64) -> (f64, f64) {
    let mut words = ChaCha8Rng::seed_from_u64(0);
    let mut statistics: Vec<f64> = (0..RESAMPLES).map(|_| statistic(&mut words)).collect();
    statistics.sort_unstable_by(f64::total_cmp);
    let tail = RESAMPLES * TAIL_MILLI / 1_000;
    (statistics[tail], statistics[RESAMPLES - 1 - tail])
}

/// A resample: as many samples, each drawn from all of them.
pub fn drawn<T: Clone>(samples: &[T], words: &mut ChaCha8Rng) -> Vec<T> {
    let place = |word: u32| ((u64::from(word) * samples.len() as u64) >> 32) as usize;
    samples.iter().map(|_| samples[place(words.next_u32())].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(samples: &[f64]) -> f64 {
        samples.iter().sum::<f64>() / samples.len() as f64
    }

    /// The bootstrap of a mean is normal with the standard error of the sample, whose interval is known.
    #[test]
    fn the_interval_of_a_mean_is_that_of_the_textbook() {
        let samples: Vec<f64> = (1..=100).map(f64::from).collect();
        let spread = (samples.iter().map(|x| (x - 50.5) * (x - 50.5)).sum::<f64>() / 100.0).sqrt();
        let half = 1.96 * spread / 10.0;
        let (low, high) = interval(&samples, mean);
        assert!((low - (50.5 - half)).abs() < 0.4, "{low}, and {} was expected", 50.5 - half);
        assert!((high - (50.5 + half)).abs() < 0.4, "{high}, and {} was expected", 50.5 + half);
    }

    /// The bootstrap of a median is known exactly: the chance that it is below the k-th value is a binomial sum. For 11
    /// values the 2.5 and 97.5 per cent of it lie at the 3rd and the 9th.
    #[test]
    fn the_interval_of_a_median_is_the_binomial_one() {
        let chance_up_to = |k: f64| {
            let (p, choose) =
                (k / 11.0, |n: u32, k: u32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1)));
            (6..=11u32).map(|i| choose(11, i) * p.powi(i as i32) * (1.0 - p).powi(11 - i as i32)).sum::<f64>()
        };
        assert!(chance_up_to(2.0) < 0.025 && chance_up_to(3.0) > 0.025);
        assert!(chance_up_to(8.0) < 0.975 && chance_up_to(9.0) > 0.975);
        let samples: Vec<_> = (1..=11).map(Sample::exact).collect();
        let estimate = Estimate::of(&samples);
        assert_eq!((estimate.median, estimate.interval), (Some(6), (Some(3), Some(9))));
    }

    #[test]
    fn what_is_censored_is_larger_than_all_that_is_known() {
        let samples = [Sample::exact(4), Sample::more_than(2), Sample::exact(9)];
        let estimate = Estimate::of(&samples);
        assert_eq!((estimate.median, estimate.max, estimate.censored), (Some(9), Some(9), 1));
        assert_eq!(estimate.interval, (Some(4), None));
        let estimate = Estimate::of(&[Sample::exact(4), Sample::more_than(50), Sample::more_than(50)]);
        assert_eq!((estimate.median, estimate.most), (None, 50));
        assert_eq!(Estimate::of(&[]).median, None);
    }

    #[test]
    fn intervals_are_the_same_whenever_they_are_asked_for() {
        let samples: Vec<f64> = (0..20).map(|i| f64::from(i * i)).collect();
        assert_eq!(interval(&samples, mean), interval(&samples, mean));
        assert_eq!(interval(&[7.0; 5], mean), (7.0, 7.0));
    }
}
