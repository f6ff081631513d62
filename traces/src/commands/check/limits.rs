//! The limits of a check.

use std::time::Duration;

use crate::commands::counts;
use crate::commands::progress::Stopwatch;

/// The limits for judging one history.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Spend {
    /// The approximate number of seconds that a search may take for one history; without it, a fixed number of steps,
    /// so that verdicts are the same on every machine.
    #[arg(long, value_parser = counts::seconds)]
    pub seconds: Option<f64>,
    /// The approximate number of megabytes that judging one history may take.
    #[arg(long, value_name = "MB", default_value_t = 2_000, value_parser = counts::megabytes())]
    pub memory: u64,
}

/// The steps of the first search with a limit of time.
const FIRST: u64 = 500_000;

impl Spend {
    /// The memory in bytes.
    pub fn bytes(&self) -> u64 {
        self.memory.saturating_mul(1_000_000)
    }

    /// Runs a search with a limit of steps: with `usual` steps, or, with a limit of time, repeatedly with more steps
    /// while there is time.
    pub fn search<T>(&self, usual: u64, is_decided: impl Fn(&T) -> bool, mut run: impl FnMut(u64) -> T) -> T {
        let Some(seconds) = self.seconds else {
            return run(usual);
        };
        let all = Stopwatch::start();
        let mut steps = FIRST;
        loop {
            let this = Stopwatch::start();
            let said = run(steps);
            let left = seconds - all.seconds();
            if is_decided(&said) || left <= 0.0 {
                return said;
            }
            // The last search uses the remaining time, at the measured rate.
            let rate = steps as f64 / this.seconds().max(Duration::from_millis(1).as_secs_f64());
            let affordable = (rate * left) as u64;
            if affordable <= steps {
                return said;
            }
            steps = affordable.min(steps.saturating_mul(8));
        }
    }
}
