//! Progress on standard error, and wall-clock time.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use seedbed_sim::shrink::Progress;

use crate::escape;
use crate::signals::interrupted;

/// A stopwatch on the wall clock. Only this crate reads it.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::disallowed_types)]
pub struct Stopwatch(std::time::Instant);

#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
impl Stopwatch {
    /// Starts the stopwatch.
    pub fn start() -> Self {
        Stopwatch(std::time::Instant::now())
    }

    /// Seconds since it was started.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// A progress bar up to `total`, shown only on a terminal.
pub fn bar(total: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len} {per_sec} {eta}");
    bar.set_style(style.expect("the template is right"));
    bar.set_message(escape::text(what).into_owned());
    bar
}

/// A spinner for work of unknown length; shown only on a terminal.
pub fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_message(escape::text(what).into_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// The budget of a shrink.
#[derive(Clone, Copy, Debug)]
pub struct ShrinkBudget {
    /// Seconds on the wall clock.
    pub seconds: f64,
    /// Worlds run.
    pub runs: usize,
}

impl Default for ShrinkBudget {
    fn default() -> Self {
        ShrinkBudget { seconds: 30.0, runs: 4 * seedbed_sim::shrink::DEFAULT_RUNS }
    }
}

/// Called before each run of a shrink: updates a spinner, and returns `false` when the budget is used up or a
/// signal has come.
pub fn keep_shrinking(spinner: &ProgressBar, budget: ShrinkBudget) -> impl FnMut(&Progress) -> bool + '_ {
    let watch = Stopwatch::start();
    move |progress| {
        let (before, now) = (progress.before.items(), progress.now.items());
        if progress.runs.is_multiple_of(16) {
            spinner.set_message(format!("shrinking: {before} → {now} items in {} runs", progress.runs));
        }
        !interrupted() && progress.runs < budget.runs && watch.seconds() < budget.seconds
    }
}
