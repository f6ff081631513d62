//! Raft at speed: what five servers and their clients cost with every invariant on, and with none; and whether memory
//! grows with what is in flight, as it must, or with what has happened.
//!
//! `cargo bench -p seedbed-properties --bench raft` prints medians of interleaved rounds, and exits with 1 if a promise
//! is broken. The ratio is of one run on one machine; the rates themselves mean little elsewhere.

// A benchmark reads the wall clock, as nothing else here may.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use seedbed_models::replication::raft::Raft;
use seedbed_models::replication::raft::client::Ask;
use seedbed_models::replication::raft::kv::Command;
use seedbed_properties::replication::raft::suite;
use seedbed_sim::{Case, Maker, NodeId, Operation, Property, Record, Source, Span, Time, Verdict, World, maker, run};

const ROUNDS: usize = 7;
/// When clients begin: by then somebody leads.
const BEGIN: Time = Time::ms(500);
/// How long the steady run is.
const STEADY: Span = Span::secs(60);
/// Between two commands of a client.
const PAUSE: Span = Span::ms(40);
/// How long the run is whose memory is looked at; the first tenth of it is the run to compare with.
const LONG: Span = Span::secs(20_000);

fn main() -> ExitCode {
    // `cargo test --benches` and listings pass flags: nothing to run then.
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return ExitCode::SUCCESS;
    }
    // Memory first: what earlier runs gave back to the allocator would hide what a later one takes.
    let kept = [memory(), speed()];
    if kept == [true; 2] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Five servers, three clients, no faults; each client asks once every `PAUSE` until `end`.
fn case(length: Span, end: Time) -> Case<Raft> {
    let model = Raft::cluster(5);
    let clients = (model.servers..model.servers + model.clients).map(NodeId);
    let rounds = (0..).map(|n| BEGIN + PAUSE * n).take_while(|at| *at < end);
    let asked = rounds.flat_map(|at| clients.clone().map(move |client| (at, client)));
    let operation = |(n, (at, client)): (usize, (Time, NodeId))| {
        let (key, item) = ((n % 5 % 3) as u8, n as u32 + 1);
        let op = match n % 4 {
            0 | 1 => Command::Get { key },
            2 => Command::Put { key, item },
            _ => Command::Cas { key, expect: item.checked_sub(3), new: item },
        };
        Operation { at, client, op: Ask::Command(op) }
    };
    let operations = asked.enumerate().map(operation).collect();
    let mut case = Case::quiet(model);
    case.operations = operations;
    case.scenario.phases.chaos = length;
    case
}

/// Runs it; says how many events there were, and how many a second.
fn measure(case: &Case<Raft>, seed: u64, properties: &[Maker<Raft>]) -> (u64, f64) {
    let start = Instant::now();
    let outcome = run(case, &Source::Seed(seed), properties, Record::No).expect("the case is possible");
    let took = start.elapsed();
    if let Some(violation) = outcome.violation {
        panic!("raft broke in a benchmark: {violation}");
    }
    let asked = case.operations.len();
    let answered = outcome.history.returned().count();
    assert_eq!(answered, asked, "raft did other work than was asked");
    (outcome.stats.events, outcome.stats.events as f64 / took.as_secs_f64())
}

fn speed() -> bool {
    let case = case(STEADY, Time::ZERO + STEADY);
    let every = suite().properties;
    let (mut events, mut with, mut without) = (0, Vec::new(), Vec::new());
    for round in 0..ROUNDS as u64 {
        let (count, rate) = measure(&case, round, &every);
        events = count;
        with.push(rate);
        without.push(measure(&case, round, &[]).1);
    }
    let (with, without) = (median(with), median(without));
    println!(
        "raft, 5 servers, 3 clients, {} commands in {STEADY}, {events} events; medians of {ROUNDS} rounds, one thread\n",
        case.operations.len()
    );
    println!("events/s, {:>2} properties {with:>12.0}  target ≥ 1000000 {}", every.len(), verdict(with >= 1e6));
    println!("events/s, none          {without:>12.0}");
    println!("ratio                   {:>12.2}\n", with / without);
    with >= 1e6
}

/// The clients ask during the first 40 seconds of the long run; what they asked and were answered is kept, and so is
/// what was committed, for it is judged in the end. From then on heartbeats go round, and nothing is to be kept. What
/// each command does keep is told by a second run, in which they never stop asking.
fn memory() -> bool {
    let busy = case(LONG, Time::ZERO + Span(LONG.0 / 500));
    let [(short, tenth), (long, all)] = resident(&busy);
    let grown = all as f64 / tenth as f64 - 1.0;
    println!("memory, {} commands first, then heartbeats only, with every property", busy.operations.len());
    println!("resident after {short:>8} events {tenth:>8} KiB");
    println!("resident after {long:>8} events {all:>8} KiB");
    println!("growth                  {:>11.1}%  target < 10 % {}\n", grown * 100.0, verdict(grown < 0.1));

    let length = STEADY * 10;
    let asking = case(length, Time::ZERO + length);
    let [(short, tenth), (long, all)] = resident(&asking);
    let commands = asking.operations.len() as f64 * 0.9;
    println!(
        "with commands all along, {:.0} bytes a command (history, and the log as the properties know it): \
         {tenth} KiB after {short} events, {all} KiB after {long}",
        all.saturating_sub(tenth) as f64 * 1024.0 / commands
    );
    grown < 0.1
}

/// After how many events, and how many KiB were resident.
type Look = (u64, u64);

/// Runs it with every property; tells of a tenth of the run, and of its end.
fn resident(case: &Case<Raft>) -> [Look; 2] {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tenth = Time(case.scenario.phases.chaos.0 / 10);
    // It looks before the history is judged, for that takes memory of its own.
    let mut properties = vec![maker(Resident { tenth, seen: seen.clone() })];
    properties.extend(suite().properties);
    measure(case, 0, &properties);
    let seen = seen.lock().expect("nobody panicked");
    *seen.as_array().expect("memory is looked at twice")
}

/// Looks at the resident memory of the process after a tenth of the run and at its end; holds always.
#[derive(Clone)]
struct Resident {
    /// When to look next, but for the end.
    tenth: Time,
    seen: Arc<Mutex<Vec<Look>>>,
}

impl Resident {
    fn look(&mut self, world: &World<Raft>) {
        self.tenth = Time::NEVER;
        let status = std::fs::read_to_string("/proc/self/status").expect("memory is measured on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        let kib = kib.expect("a process has a line of this form: VmRSS, a number, kB");
        self.seen.lock().expect("one thread").push((world.stats().events, kib));
    }
}

impl Property<Raft> for Resident {
    fn name(&self) -> String {
        "resident memory".into()
    }
    fn after_event(&mut self, world: &World<Raft>) -> Verdict {
        if world.now() >= self.tenth {
            self.look(world);
        }
        Ok(())
    }
    fn at_end(&mut self, world: &World<Raft>) -> Verdict {
        self.look(world);
        Ok(())
    }
}

fn verdict(kept: bool) -> &'static str {
    if kept { "pass" } else { "FAIL" }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
