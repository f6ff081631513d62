//! Time, memory and targets: what the benchmarks of the checkers print of each history.

use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What it cost.
pub struct Cost {
    /// The least time of some runs.
    pub time: Duration,
    /// The most memory that one run had at once, beyond what was there before, in bytes.
    pub bytes: usize,
}

/// Runs something some times; what is slow, once.
pub fn measure<T>(mut f: impl FnMut() -> T) -> (T, Cost) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = Instant::now();
    let mut result = f();
    let mut time = start.elapsed();
    let bytes = MEMORY.peak_usage().saturating_sub(before);
    while start.elapsed() < Duration::from_millis(100) {
        let again = Instant::now();
        result = f();
        time = time.min(again.elapsed());
    }
    (result, Cost { time, bytes })
}

/// The head of the table.
pub fn head() {
    println!("{:<58} {:>9} {:>10} {:>12} {:>8} {:>8}  target", "history", "ops", "verdict", "time", "µs/op", "B/op");
}

/// A line of the table. The target is in milliseconds.
pub fn line(name: &str, operations: usize, verdict: &str, cost: &Cost, target: Option<f64>) {
    let milliseconds = cost.time.as_secs_f64() * 1e3;
    let count = operations.max(1) as f64;
    let (each, bytes) = (1e3 * milliseconds / count, cost.bytes as f64 / count);
    let met = target.map_or(String::new(), |target| {
        format!("{target:>7} ms  {}", if milliseconds <= target { "met" } else { "MISSED" })
    });
    println!("{name:<58} {operations:>9} {verdict:>10} {milliseconds:>9.3} ms {each:>8.2} {bytes:>8.0}  {met}");
}
