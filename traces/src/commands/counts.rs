//! Parsers of counts on the command line, with bounds.

use std::num::{NonZeroU64, NonZeroUsize};
use std::thread::available_parallelism;

use clap::builder::{RangedU64ValueParser, TypedValueParser};

/// The most threads per core; more only take memory.
const THREADS_OF_A_CORE: usize = 8;

/// A number of threads.
pub fn threads() -> impl TypedValueParser<Value = usize> {
    up_to(most_threads() as u64)
}

/// The most threads of a command.
fn most_threads() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get) * THREADS_OF_A_CORE
}

/// A pool of so many threads; without a number, as many as rayon would take by itself, by the cores or the variable
/// `RAYON_NUM_THREADS`, but no more than may be asked for.
///
/// # Errors
/// If the threads cannot be started.
pub fn pool(threads: Option<usize>) -> anyhow::Result<rayon::ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or_else(usual_threads)).build()?)
}

/// See [`pool`].
fn usual_threads() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).filter(|asked| *asked > 0);
    asked.unwrap_or_else(|| available_parallelism().map_or(1, NonZeroUsize::get)).min(most_threads())
}

/// Bounds the pool of commands that have no `--threads`.
///
/// # Errors
/// If the threads cannot be started.
pub fn bound_common_pool() -> anyhow::Result<()> {
    // Its threads are started with the first work, unless their number has to be changed.
    if std::env::var_os("RAYON_NUM_THREADS").is_some() {
        rayon::ThreadPoolBuilder::new().num_threads(usual_threads()).build_global()?;
    }
    Ok(())
}

/// The number of nodes of a world.
pub fn nodes() -> impl TypedValueParser<Value = usize> {
    up_to(seedbed_sim::MAX_NODES as u64)
}

/// The bound on the events of a world.
pub fn events() -> impl TypedValueParser<Value = NonZeroU64> {
    let events = RangedU64ValueParser::<u64>::new().range(1..=seedbed_sim::scenario::MOST_EVENTS);
    events.map(|events| NonZeroU64::new(events).expect("the range begins at 1"))
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
