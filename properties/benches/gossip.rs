//! How rumours spread in large groups: `cargo bench -p seedbed-properties --bench gossip`. For groups of 100, 1,000 and 10,000
//! and each way to spread them: the rounds until all have heard a rumour, and how they grow with the logarithm of the size; how
//! many messages a member sends meanwhile; how much memory the world takes; and how far the share of those who have heard it is from
//! the logistic curve.
//!
//! Members begin their rounds at random instants, so each of those who have heard a rumour passes it on at a constant rate: with
//! push or pull `di/dt = i (1 − i)` for the share i after t rounds, with both `di/dt = 2 i (1 − i)` (Demers and others 1987, §1.3
//! and §1.4; Bailey, *The Mathematical Theory of Infectious Diseases*, 1975). It reaches half at `ln n` rounds, or half of that, and all
//! at twice the time. Exits with 1 where a world takes more than 2 GB, or a rumour more than twice the time of the literature.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]
#![allow(missing_docs, reason = "a program")]

use std::process::ExitCode;

use peak_alloc::PeakAlloc;
use seedbed_models::communication::gossip::messages::Op;
use seedbed_models::communication::gossip::{Detector, Gossip, Spread};
use seedbed_sim::{Case, NodeId, Operation, Source, Span, Time, World};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// When the rumour is begun: all members have begun their rounds.
const BEGUN: Time = Time::ms(500);
/// The most memory that a world may take, in bytes.
const MOST_BYTES: usize = 2 << 30;

fn main() -> ExitCode {
    // `cargo test --benches` and listings pass flags: nothing to run then.
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return ExitCode::SUCCESS;
    }
    println!(
        "{:>9}  {:>7}  {:>6}  {:>13}  {:>12}  {:>15}  {:>8}  {:>9}",
        "", "members", "worlds", "rounds to all", "rounds/ln n", "messages/member", "memory", "from curve"
    );
    let mut kept = true;
    for spread in Spread::ALL {
        for (members, worlds) in [(100, 50), (1_000, 20), (10_000, 5)] {
            kept &= row(spread, members, worlds);
        }
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the means of some worlds. Whether they keep what is promised.
fn row(spread: Spread, members: u16, worlds: u64) -> bool {
    let runs: Vec<Run> = (0..worlds).map(|seed| Run::of(spread, members, seed)).collect();
    let mean = |of: fn(&Run) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
    let (rounds, messages, away) = (mean(|run| run.rounds), mean(|run| run.messages), mean(|run| run.away));
    let bytes = runs.iter().map(|run| run.bytes).max().unwrap_or(0);
    let logarithm = f64::from(members).ln();
    println!(
        "{:>9}  {members:>7}  {worlds:>6}  {rounds:>13.2}  {:>12.2}  {messages:>15.1}  {:>5.0} MB  {away:>10.3}",
        format!("{spread:?}"),
        rounds / logarithm,
        bytes as f64 / 1e6
    );
    bytes <= MOST_BYTES && rounds <= 2.0 * 2.0 * logarithm / rate(spread)
}

/// How often one who has heard a rumour passes it on in a round, while few have.
fn rate(spread: Spread) -> f64 {
    if spread == Spread::PushPull { 2.0 } else { 1.0 }
}

struct Run {
    rounds: f64,
    messages: f64,
    bytes: usize,
    /// How far the share of those who have heard it is from the logistic curve through the instant when half have: the greatest
    /// difference.
    away: f64,
}

impl Run {
    fn of(spread: Spread, members: u16, seed: u64) -> Run {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let model = Gossip { members, spread, detector: Detector::None, ..Gossip::default() };
        let round = model.round;
        let mut case = Case::quiet(model);
        case.operations = vec![Operation { at: BEGUN, client: NodeId(0), op: Op::Spread(1) }];
        case.scenario.phases.chaos = Span::secs(20);
        let mut world = World::new(&case, &Source::Seed(seed)).expect("it is possible");
        let mut heard = vec![false; members.into()];
        let mut instants: Vec<f64> = Vec::with_capacity(members.into());
        let mut sent_before = 0;
        while instants.len() < usize::from(members) && world.step() {
            if world.now() < BEGUN {
                sent_before = world.stats().sent;
            }
            for &node in world.changed() {
                let hears = world.process(node).is_some_and(|member| !member.rumours().delivered().is_empty());
                if hears && !std::mem::replace(&mut heard[node.index()], true) {
                    instants.push(world.now().since(BEGUN).as_secs_f64() / round.as_secs_f64());
                }
            }
        }
        assert_eq!(instants.len(), usize::from(members), "a rumour reaches all");
        Run {
            rounds: instants[instants.len() - 1],
            messages: (world.stats().sent - sent_before) as f64 / f64::from(members),
            bytes: MEMORY.peak_usage().saturating_sub(before),
            away: away_from_the_curve(&instants, rate(spread)),
        }
    }
}

fn away_from_the_curve(instants: &[f64], rate: f64) -> f64 {
    let half = instants[instants.len() / 2];
    let share = |place: usize| (place + 1) as f64 / instants.len() as f64;
    let logistic = |at: f64| 1.0 / (1.0 + (-rate * (at - half)).exp());
    instants.iter().enumerate().map(|(place, at)| (share(place) - logistic(*at)).abs()).fold(0.0, f64::max)
}
