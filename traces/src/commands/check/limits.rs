//! The limits of a check.

use std::sync::Mutex;

use seedbed_properties::checkers::linearizability::Stop;

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

/// When the search for the present history has to end.
static DEADLINE: Mutex<Option<(Stopwatch, f64)>> = Mutex::new(None);

/// Whether the time for the present history is over.
fn is_over() -> bool {
    let deadline = DEADLINE.lock().expect("nobody panics with it");
    deadline.is_some_and(|(watch, seconds)| watch.seconds() > seconds)
}

impl Spend {
    /// The memory in bytes.
    pub fn bytes(&self) -> u64 {
        self.memory.saturating_mul(1_000_000)
    }

    /// Begins to count the time for a history.
    pub fn begin(&self) {
        let deadline = self.seconds.map(|seconds| (Stopwatch::start(), seconds));
        *DEADLINE.lock().expect("nobody panics with it") = deadline;
    }

    /// The limit of steps of a search: `usual`, or none with a limit of time.
    pub fn steps(&self, usual: u64) -> u64 {
        if self.seconds.is_some() { u64::MAX } else { usual }
    }

    /// Whether the time is over, for searches.
    pub fn stop(&self) -> Option<Stop> {
        self.seconds.map(|_| is_over as Stop)
    }

    /// What to say where a search took so many seconds and did not end: ten times as much, in a round number.
    pub fn more_time(&self, took: f64) -> String {
        let wanted = (10.0 * took.max(self.seconds.unwrap_or(0.0))).max(10.0).ceil() as u64;
        let unit = 10u64.pow(wanted.ilog10());
        format!("it took {took:.1} s; try --seconds {}", wanted.div_ceil(unit).saturating_mul(unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_round_and_more_than_what_was_spent() {
        let spend = |seconds| Spend { seconds, memory: 50 };
        for (seconds, took, expected) in
            [(None, 0.2, 10), (None, 4.2, 50), (None, 34.0, 400), (Some(2.0), 1.9, 20), (Some(60.0), 61.0, 700)]
        {
            let said = spend(seconds).more_time(took);
            assert!(said.ends_with(&format!("try --seconds {expected}")), "{took}: {said}");
        }
    }
}
