//! Parsers of counts on the command line, with bounds.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use clap::builder::{RangedU64ValueParser, TypedValueParser};

/// The most threads per core; more only take memory.
const THREADS_OF_A_CORE: usize = 8;

/// A number of threads.
pub fn threads() -> impl TypedValueParser<Value = usize> {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    up_to((cores * THREADS_OF_A_CORE) as u64)
}

/// The number of nodes of a world.
pub fn nodes() -> impl TypedValueParser<Value = usize> {
    up_to(seedbed_sim::MAX_NODES as u64)
}

/// The lines of a drawing.
pub fn lines() -> impl TypedValueParser<Value = usize> {
    up_to(10_000_000)
}

/// The worlds of a shrink.
pub fn runs() -> impl TypedValueParser<Value = usize> {
    up_to(1_000_000_000)
}

/// The attempts at a planted bug.
pub fn attempts() -> impl TypedValueParser<Value = u64> {
    RangedU64ValueParser::<u64>::new().range(..=100_000)
}

/// The seeds of an attempt at a bug, or of a cell of the atlas.
pub fn seeds() -> impl TypedValueParser<Value = u64> {
    RangedU64ValueParser::<u64>::new().range(..=1_000_000_000)
}

/// The number of last writes that a read may return.
pub fn writes() -> impl TypedValueParser<Value = usize> {
    up_to(1_000_000_000)
}

/// A number of megabytes.
pub fn megabytes() -> impl TypedValueParser<Value = u64> {
    RangedU64ValueParser::<u64>::new().range(1..=1_000_000)
}

/// A number of seconds.
///
/// # Errors
/// If it is no number, or not between zero and a year.
pub fn seconds(text: &str) -> Result<f64, String> {
    const YEAR: f64 = 365.0 * 24.0 * 3_600.0;
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=YEAR).contains(&seconds) => Ok(seconds),
        _ => Err(format!("a number of seconds is meant, at most {YEAR}, a year")),
    }
}

fn up_to(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(..=most)
}
