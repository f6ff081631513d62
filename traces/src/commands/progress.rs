//! Progress on standard error, interruption by Ctrl-C, and the clock of the rim.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use seedbed_sim::shrink::Progress;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Lets Ctrl-C end long work early instead of killing it: what is finished is still printed. A second one kills.
pub fn mind_ctrl_c() {
    // Without a handler Ctrl-C kills, as it does everywhere: nothing is lost but the summary.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
}

/// Whether Ctrl-C was pressed.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A stopwatch on the wall clock: only the rim has one.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::disallowed_types)]
pub struct Stopwatch(std::time::Instant);

#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
impl Stopwatch {
    /// Starts one.
    pub fn start() -> Self {
        Stopwatch(std::time::Instant::now())
    }

    /// Seconds since it was started.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// A bar that counts to `total`; shown only on a terminal.
pub fn bar(total: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len} {per_sec} {eta}");
    bar.set_style(style.expect("the template is right"));
    bar.set_message(what.to_string());
    bar
}

/// A spinner for work of unknown length; shown only on a terminal.
pub fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_message(what.to_string());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// How long shrinking may take.
#[derive(Clone, Copy, Debug)]
pub struct ShrinkBudget {
    /// On the wall clock.
    pub seconds: f64,
    /// In worlds.
    pub runs: usize,
}

impl Default for ShrinkBudget {
    fn default() -> Self {
        ShrinkBudget { seconds: 30.0, runs: 4 * seedbed_sim::shrink::DEFAULT_RUNS }
    }
}

/// What a shrink asks before each run: keeps a spinner up to date, and says no when the budget is used up or somebody
/// pressed Ctrl-C.
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
