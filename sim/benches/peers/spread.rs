//! What several rounds measured: the least, the median and the greatest.

use std::fmt;

#[derive(Clone, Copy)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub greatest: f64,
}

impl Spread {
    /// Of at least one number.
    pub fn of(measured: &[f64]) -> Self {
        let mut sorted = measured.to_vec();
        sorted.sort_by(f64::total_cmp);
        Spread { least: sorted[0], median: sorted[sorted.len() / 2], greatest: sorted[sorted.len() - 1] }
    }

    /// Of the ratios of two peers, round by round.
    pub fn of_ratios(own: &[f64], other: &[f64]) -> Self {
        let ratios: Vec<f64> = own.iter().zip(other).map(|(own, other)| own / other).collect();
        Spread::of(&ratios)
    }
}

/// `least – median – greatest`, each with as many decimals as are asked for; the whole is padded to the width.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2);
        let Spread { least, median, greatest } = self;
        let text = format!("{least:.decimals$} – {median:.decimals$} – {greatest:.decimals$}");
        match f.width() {
            Some(width) => write!(f, "{text:>width$}"),
            None => f.write_str(&text),
        }
    }
}
