//! Coherence transactions per second: misses of all cores on few blocks, each protocol on what it runs on, with every
//! invariant on and with none. A transaction is a request that a cache sends: a copy is asked for, given up, or (Dragon)
//! updated.
//!
//! `cargo bench -p seedbed-properties --bench coherence` prints a table. The rates are of one core of one machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark reads the wall clock")]
#![allow(missing_docs, reason = "a program")]

use std::time::Instant;

use seedbed_models::caching::coherence::messages::{Block, Data, MessageKind, Op, VirtualNetwork};
use seedbed_models::caching::coherence::protocol::combinations;
use seedbed_models::caching::coherence::{Coherence, Interconnect, Protocol};
use seedbed_properties::caching::coherence::suite;
use seedbed_sim::timeline::{Entry, Happening};
use seedbed_sim::{Case, Kinded, Latency, Maker, NodeId, Operation, Record, Source, Span, Time, World, run};

/// How many operations.
const OPERATIONS: u64 = 20_000;
/// Between two of them, with messages that take 1 ms: about as long as a miss that three nodes have to do with.
const PAUSE: Span = Span::ms(4);
const ROUNDS: usize = 3;

fn main() {
    // `cargo test --benches` and listings pass flags: nothing to run then.
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return;
    }
    println!(
        "{:<24} {:>12} {:>8} {:>20} {:>20}",
        "protocol", "transactions", "events", "transactions/s", "and checked"
    );
    for (protocol, on) in combinations() {
        let case = case(protocol, on);
        let transactions = transactions(&case);
        let (events, bare) = fastest(&case, &[]);
        let (_, checked) = fastest(&case, &suite().properties);
        let rate = |seconds: f64| transactions as f64 / seconds;
        println!(
            "{:<24} {transactions:>12} {events:>8} {:>20.0} {:>20.0}",
            format!("{protocol}/{on}"),
            rate(bare),
            rate(checked)
        );
    }
}

/// Cores take turns at one hot block and two others, and write every third time, so most accesses miss.
fn case(protocol: Protocol, on: Interconnect) -> Case<Coherence> {
    let model = Coherence::default().on(protocol, on);
    let operation = |n: u64| {
        let block = Block([0, 0, 1, 0, 2][n as usize % 5]);
        let op = if n.is_multiple_of(3) { Op::Store(block, n as Data + 1) } else { Op::Load(block) };
        let client = NodeId(1 + (n * 7 / 3 % u64::from(model.cores)) as u16);
        Operation { at: Time::ZERO + PAUSE * (n + 1), client, op }
    };
    let operations = (0..OPERATIONS).map(operation).collect();
    let mut case = Case::quiet(model.clone());
    case.operations = operations;
    case.scenario.network.latency = Latency::Constant { base: Span::ms(1) };
    case.scenario.phases.chaos = PAUSE * (OPERATIONS + 1);
    case
}

/// How many requests caches send.
fn transactions(case: &Case<Coherence>) -> usize {
    let mut world = World::recording(case, &Source::Seed(1)).expect("it is possible");
    while world.step() {}
    let requests: Vec<String> = MessageKind::ALL
        .into_iter()
        .filter(|kind| kind.network() == VirtualNetwork::Request)
        .map(|kind| MessageKind::kind_name(kind.kind()))
        .collect();
    let is_request = |entry: &&Entry| matches!(&entry.what, Happening::Sent { kind, .. } if requests.contains(kind));
    world.timeline().iter().filter(is_request).count()
}

/// The events of a run, and the seconds that the fastest of some takes.
fn fastest(case: &Case<Coherence>, properties: &[Maker<Coherence>]) -> (u64, f64) {
    let one = || {
        let start = Instant::now();
        let finished = run(case, &Source::Seed(1), properties, Record::No).expect("it is possible");
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(finished.violation, None);
        (finished.stats.events, seconds)
    };
    (0..ROUNDS).map(|_| one()).min_by(|a, b| a.1.total_cmp(&b.1)).expect("there are rounds")
}
