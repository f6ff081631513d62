//! How rumours spread in large groups: `cargo bench -p seedbed-properties --bench gossip`. For groups of 100, 1,000 and 10,000
//! and each way to spread them: the rounds until all have heard a rumour, and how they grow with the logarithm of the size; how
//! many messages a member sends meanwhile; how much memory the world takes; and how far the share of those who have heard it is from
//! the logistic curve, which is then printed beside it.
//!
//! Members begin their rounds at random instants, so each of those who have heard a rumour passes it on at a constant rate: with
//! push or pull `di/dt = i (1 − i)` for the share i after t rounds, with both `di/dt = 2 i (1 − i)` (Demers and others 1987, §1.3;
//! Bailey, *The Mathematical Theory of Infectious Diseases*, 1975). It reaches half after about `ln n` rounds, or half of that, and
//! all after at most twice as many: whoever pulls asks once in each round, and not at random instants, so that the last ones hear it
//! sooner than the curve says. Exits with 1 where a world takes more than 2 GB, or a rumour more than 1.25 times the rounds of the
//! curve and two more.
#![allow(clippy::disallowed_methods, reason = "what a benchmark prints may differ in the last digit between platforms")]
#![allow(missing_docs, reason = "a program")]

use std::process::ExitCode;

use peak_alloc::PeakAlloc;
use seedbed_models::communication::gossip::Spread;
use seedbed_properties::communication::gossip::spreading::Spreading;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most memory that a world may take, in bytes.
const MOST_BYTES: usize = 2 << 30;
/// The sizes of groups, and in how many worlds each is measured.
const GROUPS: [(u16, u64); 3] = [(100, 50), (1_000, 20), (10_000, 5)];
/// Of which group the curve is printed.
const DRAWN: u16 = 10_000;

fn main() -> ExitCode {
    // `cargo test --benches` and listings pass flags: nothing to run then.
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return ExitCode::SUCCESS;
    }
    println!(
        "How a rumour spreads: means of so many worlds, memory the most of any. In a round each member speaks to one other."
    );
    println!(
        "The last column is the greatest difference between the share that has heard it and the logistic curve.\n"
    );
    println!(
        "{:>9}  {:>7}  {:>6}  {:>13}  {:>12}  {:>11}  {:>15}  {:>8}  {:>14}",
        "",
        "members",
        "worlds",
        "rounds to all",
        "by the curve",
        "rounds/ln n",
        "messages/member",
        "memory",
        "from the curve"
    );
    let mut kept = true;
    let mut drawn = Vec::new();
    for spread in Spread::ALL {
        for (members, worlds) in GROUPS {
            let runs: Vec<Run> = (0..worlds).map(|seed| Run::of(spread, members, seed)).collect();
            kept &= row(spread, members, &runs);
            if members == DRAWN {
                drawn.push((spread, runs));
            }
        }
    }
    curve(&drawn);
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the means of some worlds. Whether they keep what is promised.
fn row(spread: Spread, members: u16, runs: &[Run]) -> bool {
    let mean = |of: fn(&Run) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
    let (rounds, messages, away) = (mean(Run::to_all), mean(|run| run.messages), mean(|run| run.away));
    let bytes = runs.iter().map(|run| run.bytes).max().unwrap_or(0);
    let logarithm = f64::from(members).ln();
    let by_the_curve = 2.0 * logarithm / rate(spread);
    println!(
        "{:>9}  {members:>7}  {:>6}  {rounds:>13.1}  {by_the_curve:>12.1}  {:>11.2}  {messages:>15.1}  {:>5.1} MB  {away:>14.3}",
        format!("{spread:?}"),
        runs.len(),
        rounds / logarithm,
        bytes as f64 / 1e6
    );
    bytes <= MOST_BYTES && rounds <= 1.25 * by_the_curve + 2.0
}

/// Prints which share has heard the rumour, by rounds before and after half had, and what the logistic curve says.
fn curve(drawn: &[(Spread, Vec<Run>)]) {
    println!("\nOf {DRAWN}, the share that has heard it, in percent, and that of the logistic curve:\n");
    print!("rounds from half");
    drawn.iter().for_each(|(spread, _)| print!("  {:>9}  curve", format!("{spread:?}")));
    println!();
    for rounds in -8..=8 {
        print!("{rounds:>16}");
        for (spread, runs) in drawn {
            let mean = runs.iter().map(|run| run.share(f64::from(rounds))).sum::<f64>() / runs.len() as f64;
            print!("  {:>9.2}  {:>5.1}", 100.0 * mean, 100.0 * logistic(rate(*spread), f64::from(rounds)));
        }
        println!();
    }
}

/// How often one who has heard a rumour passes it on in a round, while few have.
fn rate(spread: Spread) -> f64 {
    if spread == Spread::PushPull { 2.0 } else { 1.0 }
}

/// The logistic curve, by rounds from where it is one half.
fn logistic(rate: f64, rounds: f64) -> f64 {
    1.0 / (1.0 + (-rate * rounds).exp())
}

struct Run {
    /// After how many rounds each has heard it, in that order.
    heard: Vec<f64>,
    messages: f64,
    bytes: usize,
    /// The greatest difference between the share of those who have heard it and the curve.
    away: f64,
}

impl Run {
    fn of(spread: Spread, members: u16, seed: u64) -> Run {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let spreading = Spreading::measure(spread, members, seed);
        let bytes = MEMORY.peak_usage().saturating_sub(before);
        let messages = spreading.messages as f64 / f64::from(members);
        let mut run = Run { heard: spreading.rounds(), messages, bytes, away: 0.0 };
        let half = run.half();
        let away = |(place, at): (usize, &f64)| {
            let share = (place + 1) as f64 / run.heard.len() as f64;
            (share - logistic(rate(spread), at - half)).abs()
        };
        run.away = run.heard.iter().enumerate().map(away).fold(0.0, f64::max);
        run
    }

    fn to_all(&self) -> f64 {
        self.heard[self.heard.len() - 1]
    }

    fn half(&self) -> f64 {
        self.heard[self.heard.len() / 2]
    }

    /// The share that has heard it so many rounds after half had.
    fn share(&self, rounds: f64) -> f64 {
        let at = self.half() + rounds;
        self.heard.partition_point(|heard| *heard <= at) as f64 / self.heard.len() as f64
    }
}
