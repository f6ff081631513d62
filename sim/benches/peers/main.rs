//! Seedbed beside its peers: the same echo workload on four simulators, in turn, on one thread.
//!
//! `cargo bench -p seedbed-sim --bench peers` prints medians of several interleaved rounds, and of the ratios that the
//! project promises to keep. It exits with 1 if a promise is broken. Ratios are of one run on one machine; the rates
//! themselves mean little elsewhere.

// A benchmark reads the wall clock, as nothing else here may.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod bare;
#[cfg(madsim)]
mod endpoint;
mod seedbed;
mod turmoil_udp;

use std::process::ExitCode;
use std::time::Instant;

/// A message takes one to ten milliseconds.
const LATENCY_NS: std::ops::RangeInclusive<u64> = 1_000_000..=10_000_000;

/// Servers say again what clients say; a client asks the servers in turn, one question at a time.
#[derive(Clone, Copy)]
struct Workload {
    servers: u16,
    clients: u16,
    /// How many each client makes.
    round_trips: u32,
}

impl Workload {
    const STEADY: Workload = Workload { servers: 3, clients: 8, round_trips: 25_000 };
    /// Turmoil is some hundred times slower, and its rate does not depend on the length: it gets a part.
    const STEADY_TURMOIL: Workload = Workload { round_trips: 500, ..Workload::STEADY };
    const SMALL: Workload = Workload { servers: 3, clients: 2, round_trips: 5 };

    fn messages(self) -> u64 {
        2 * u64::from(self.clients) * u64::from(self.round_trips)
    }
}

const ROUNDS: usize = 7;
const WORLDS: u64 = 2_000;

struct Peer {
    name: &'static str,
    steady: Workload,
    /// Runs one world of this workload with this seed; returns how many messages arrived.
    run: fn(Workload, u64) -> u64,
}

const PEERS: &[Peer] = &[
    Peer { name: "seedbed", steady: Workload::STEADY, run: seedbed::run },
    Peer { name: "bare loop", steady: Workload::STEADY, run: bare::run },
    #[cfg(madsim)]
    Peer { name: "madsim Endpoint", steady: Workload::STEADY, run: endpoint::run },
    Peer { name: "turmoil UDP", steady: Workload::STEADY_TURMOIL, run: turmoil_udp::run },
];

fn main() -> ExitCode {
    // `cargo test --benches` and listings pass flags: nothing to run then.
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let peers: Vec<&Peer> =
        PEERS.iter().filter(|peer| only.as_ref().is_none_or(|only| peer.name.contains(only))).collect();
    let mut steady = vec![Vec::new(); peers.len()];
    let mut small = vec![Vec::new(); peers.len()];
    for round in 0..ROUNDS as u64 {
        eprintln!("round {} of {ROUNDS}", round + 1);
        for (i, peer) in peers.iter().enumerate() {
            steady[i].push(steady_rate(peer, round));
            small[i].push(small_rate(peer, round));
        }
    }
    let rates = |measured: &[Vec<f64>]| -> Vec<f64> { measured.iter().map(|of| median(of.clone())).collect() };
    let (steady_rates, small_rates) = (rates(&steady), rates(&small));

    let Workload { servers, clients, .. } = Workload::STEADY;
    println!(
        "echo, {servers} servers, {clients} clients, latency 1 to 10 ms; {WORLDS} worlds of 5 nodes and 20 messages"
    );
    println!("medians of {ROUNDS} interleaved rounds, one thread\n");
    println!("{:<16} {:>12} {:>16} {:>16}", "", "round trips", "messages/s", "small worlds/s");
    for (i, peer) in peers.iter().enumerate() {
        println!(
            "{:<16} {:>12} {:>16.0} {:>16.0}",
            peer.name,
            peer.steady.messages() / 2,
            steady_rates[i],
            small_rates[i]
        );
    }
    println!("\n(seedbed and the bare loop draw from ChaCha8: four words a message, named, and one word in turn)");
    println!("(turmoil makes fewer round trips, for its slowness; rates are compared)\n");

    let place = |name: &str| peers.iter().position(|peer| peer.name == name);
    let Some(own) = place("seedbed") else {
        return ExitCode::SUCCESS;
    };
    // Of each round for itself: a machine that others use is slow for all peers of a round alike.
    let ratios = |measured: &[Vec<f64>], i: usize| {
        let rounds = measured[own].iter().zip(&measured[i]);
        median(rounds.map(|(own, other)| own / other).collect())
    };
    let ratio = |name: &str| place(name).map(|i| (ratios(&steady, i), ratios(&small, i)));
    let mut kept = true;
    for (name, at_least) in [("madsim Endpoint", 10.0), ("turmoil UDP", 80.0), ("bare loop", 0.6)] {
        if let Some((messages, worlds)) = ratio(name) {
            kept &= messages >= at_least;
            let verdict = verdict(messages >= at_least);
            println!(
                "seedbed / {name:<16} {messages:>9.2}  target ≥ {at_least:<6} {verdict}   (small worlds {worlds:.2})"
            );
        }
    }
    kept &= small_rates[own] >= 100_000.0;
    println!(
        "small worlds/s             {:>9.0}  target ≥ 100000 {}",
        small_rates[own],
        verdict(small_rates[own] >= 100_000.0)
    );
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn verdict(kept: bool) -> &'static str {
    if kept { "pass" } else { "FAIL" }
}

fn steady_rate(peer: &Peer, seed: u64) -> f64 {
    let start = Instant::now();
    let messages = (peer.run)(peer.steady, seed);
    let took = start.elapsed();
    assert_eq!(messages, peer.steady.messages(), "{} did other work than was asked", peer.name);
    messages as f64 / took.as_secs_f64()
}

fn small_rate(peer: &Peer, round: u64) -> f64 {
    let start = Instant::now();
    let messages: u64 = (0..WORLDS).map(|world| (peer.run)(Workload::SMALL, round * WORLDS + world)).sum();
    let took = start.elapsed();
    assert_eq!(messages, WORLDS * Workload::SMALL.messages(), "{} did other work than was asked", peer.name);
    WORLDS as f64 / took.as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
