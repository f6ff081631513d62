//! Exact confidence bounds on the probability that a seed fails.

use statrs::distribution::{Beta, ContinuousCDF as _};

/// The confidence level.
pub const CONFIDENCE: f64 = 0.95;

/// The upper end of the one-sided Clopper–Pearson interval ("The use of confidence or fiducial limits", *Biometrika*
/// 26, 1934): if each of `n` worlds fails with a greater probability, `failures` or fewer are observed in less than one
/// of twenty measurements. One, if no world was run.
///
/// # Panics
/// If there are more failures than worlds.
pub fn at_most(failures: u64, n: u64) -> f64 {
    assert!(failures <= n, "more failures than worlds: {failures} of {n}");
    match failures {
        _ if failures == n => 1.0,
        // The closed form of the general case: (1 − p)ⁿ = 0.05.
        0 => 1.0 - libm::pow(1.0 - CONFIDENCE, 1.0 / n as f64),
        k => beta(k + 1, n - k).inverse_cdf(CONFIDENCE),
    }
}

/// The lower end of the interval on the other side: with the same confidence, a seed fails at least this often.
///
/// # Panics
/// If there are more failures than worlds.
pub fn at_least(failures: u64, n: u64) -> f64 {
    1.0 - at_most(n - failures, n)
}

fn beta(a: u64, b: u64) -> Beta {
    Beta::new(a as f64, b as f64).expect("both shapes are above zero")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From tables of exact binomial limits (95 %, one-sided), and the rule of three.
    #[test]
    fn bounds_agree_with_tables() {
        let close = |is: f64, should: f64| assert!((is - should).abs() < 5e-5, "{is} is not {should}");
        close(at_most(0, 1), 0.95);
        close(at_most(0, 10), 0.25887);
        close(at_most(0, 100), 0.02951);
        close(at_most(0, 1_000), 0.00299);
        close(at_most(1, 10), 0.39416);
        close(at_most(2, 10), 0.50690);
        close(at_most(5, 10), 0.77756);
        close(at_most(10, 100), 0.16372);
        close(at_least(5, 10), 0.22244);
        close(at_least(1, 10), 0.00512);
        assert_eq!((at_most(10, 10), at_least(0, 10), at_most(0, 0)), (1.0, 0.0, 1.0));
    }

    #[test]
    fn the_bound_is_where_so_few_failures_are_seen_in_one_of_twenty() {
        // P(X ≤ 3) for X ~ Binomial(50, p) at the bound.
        let p = at_most(3, 50);
        let chance: f64 = (0..=3).map(|k| choose(50, k) * p.powi(k) * (1.0 - p).powi(50 - k)).sum();
        assert!((chance - 0.05).abs() < 1e-6, "{chance}");
    }

    fn choose(n: i32, k: i32) -> f64 {
        (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product()
    }
}
