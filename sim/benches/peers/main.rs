//! Seedbed beside its peers: the same echo workload on four simulators, in turn, on one thread.
//!
//! `cargo bench -p seedbed-sim --bench peers` prints the rates of several rounds and the ratios that the project
//! promises to keep, and exits with 1 if the median of a ratio breaks its promise. In a round the peers run one after
//! the other, so that a machine that others use is slow for all of them alike: a ratio is of one round, and what is
//! printed is the least, the median and the greatest of all rounds. The rates themselves mean little elsewhere.
//!
//! `-- seedbed bare` after the command measures only peers with such names; `-- seedbed --once steady` (or `small`) runs
//! one workload once and prints nothing but how many messages arrived, for a profiler that counts instructions.

// A benchmark reads the wall clock, as nothing else here may.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod bare;
#[cfg(madsim)]
mod endpoint;
mod seedbed;
mod spread;
mod turmoil_udp;

use std::process::ExitCode;
use std::time::Instant;

use crate::spread::Spread;

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

const ROUNDS: usize = 15;
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

/// By what the ratio of seedbed's messages a second to a peer's is judged.
const PROMISED_RATIOS: [(&str, f64); 3] = [("madsim Endpoint", 10.0), ("turmoil UDP", 80.0), ("bare loop", 0.8)];
const PROMISED_SMALL_WORLDS: f64 = 400_000.0;

/// The rates of one peer, one of each round.
#[derive(Default)]
struct Rates {
    messages: Vec<f64>,
    small_worlds: Vec<f64>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` and listings pass flags: nothing to run then.
    if args.iter().any(|arg| arg == "--list" || arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let once = args.iter().position(|arg| arg == "--once").map(|flag| flag + 1);
    let named = args.iter().enumerate().filter(|(place, arg)| !arg.starts_with('-') && Some(*place) != once);
    let named: Vec<&str> = named.map(|(_, arg)| arg.as_str()).collect();
    let wanted = |peer: &&Peer| named.is_empty() || named.iter().any(|name| peer.name.contains(name));
    let peers: Vec<&Peer> = PEERS.iter().filter(wanted).collect();
    if let Some(which) = once {
        return run_once(&peers, args.get(which).map_or("", String::as_str));
    }
    let rates = measure(&peers);
    print_rates(&peers, &rates);
    if judge(&peers, &rates) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One workload of each of these peers, once.
fn run_once(peers: &[&Peer], which: &str) -> ExitCode {
    for peer in peers {
        let arrived = match which {
            "steady" => (peer.run)(peer.steady, 0),
            "small" => (0..WORLDS).map(|world| (peer.run)(Workload::SMALL, world)).sum(),
            _ => {
                eprintln!("--once steady, or --once small");
                return ExitCode::FAILURE;
            }
        };
        println!("{}: {arrived} messages", peer.name);
    }
    ExitCode::SUCCESS
}

fn measure(peers: &[&Peer]) -> Vec<Rates> {
    let mut rates: Vec<Rates> = peers.iter().map(|_| Rates::default()).collect();
    for round in 0..ROUNDS as u64 {
        eprintln!("round {} of {ROUNDS}", round + 1);
        for (peer, rates) in peers.iter().zip(&mut rates) {
            rates.messages.push(steady_rate(peer, round));
        }
        for (peer, rates) in peers.iter().zip(&mut rates) {
            rates.small_worlds.push(small_rate(peer, round));
        }
    }
    rates
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

fn print_rates(peers: &[&Peer], rates: &[Rates]) {
    let Workload { servers, clients, .. } = Workload::STEADY;
    println!(
        "echo, {servers} servers, {clients} clients, latency 1 to 10 ms; {WORLDS} worlds of 5 nodes and 20 messages"
    );
    println!("{ROUNDS} interleaved rounds, one thread: least, median, greatest\n");
    println!("{:<16} {:>12} {:>35} {:>29}", "", "round trips", "messages/s", "small worlds/s");
    for (peer, rates) in peers.iter().zip(rates) {
        println!(
            "{:<16} {:>12}  {:>34.0}  {:>28.0}",
            peer.name,
            peer.steady.messages() / 2,
            Spread::of(&rates.messages),
            Spread::of(&rates.small_worlds)
        );
    }
    println!("\n(seedbed and the bare loop draw from ChaCha8: four words a message, named, and one word in turn)");
    println!("(turmoil makes fewer round trips, for its slowness; rates are compared)\n");
}

/// Prints the ratios that are promised, and says whether all promises are kept.
fn judge(peers: &[&Peer], rates: &[Rates]) -> bool {
    let of = |name: &str| peers.iter().position(|peer| peer.name == name).map(|place| &rates[place]);
    let Some(own) = of("seedbed") else {
        return true;
    };
    let mut all_kept = true;
    let mut promise = |what: &str, got: String, median: f64, at_least: f64, more: String| {
        let kept = median >= at_least;
        all_kept &= kept;
        println!("{what:<26} {got:>24}  target ≥ {at_least:<6} {}{more}", if kept { "pass" } else { "FAIL" });
    };
    for (name, at_least) in PROMISED_RATIOS {
        if let Some(peer) = of(name) {
            let messages = Spread::of_ratios(&own.messages, &peer.messages);
            let worlds = Spread::of_ratios(&own.small_worlds, &peer.small_worlds);
            let more = format!("   (small worlds {worlds:.2})");
            promise(&format!("seedbed / {name}"), format!("{messages:.2}"), messages.median, at_least, more);
        }
    }
    let worlds = Spread::of(&own.small_worlds);
    promise("small worlds/s", format!("{worlds:.0}"), worlds.median, PROMISED_SMALL_WORLDS, String::new());
    all_kept
}
