//! Replicated data types: joins of states and of deltas a second, by type; what recorded editing sessions take to
//! replay (with `SEEDBED_ORACLES` set; target: under 5 s each).
//!
//! `cargo bench -p seedbed-properties --bench crdt`
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark reads the wall clock")]
#![allow(missing_docs, reason = "a program")]

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use flate2::read::GzDecoder;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use seedbed_models::replication::crdt::Kind;
use seedbed_models::replication::crdt::clock::{Clock, Dot, ReplicaId, Stamp, Timestamp};
use seedbed_models::replication::crdt::types::State;
use seedbed_properties::replication::crdt::session::{Session, Writer};
use seedbed_sim::{NodeId, Span, Time};

const REPLICAS: u16 = 3;
const UPDATES: u64 = 300;

/// Two replicas' states after as many updates, half of them known to both, and all deltas.
fn states(kind: Kind) -> (State, State, Vec<State>) {
    let mut runner = TestRunner::deterministic();
    let updates = kind.updates(REPLICAS);
    let mut clock = Clock::new(Span(1));
    let mut states = [State::new(kind), State::new(kind)];
    let mut deltas = Vec::new();
    for n in 0..UPDATES {
        let op = updates.new_tree(&mut runner).expect("updates reject nothing").current();
        let at = (n % 2) as usize;
        let replica = ReplicaId { node: NodeId(at as u16), born: Time::ZERO, nonce: 0 };
        let time = Timestamp { time: clock.next(Time::ZERO), by: Some(replica) };
        clock.observe(time.time);
        let stamp = Stamp { dot: Dot { replica, counter: n / 2 + 1 }, time, addressee: None };
        if let Some(delta) = states[at].delta(&op, &stamp) {
            states[at].join(&delta);
            if n < UPDATES / 2 {
                states[1 - at].join(&delta);
            }
            deltas.push(delta);
        }
    }
    let [one, two] = states;
    (one, two, deltas)
}

/// How often a second `step` can be done; it says how many things it did.
fn rate(mut step: impl FnMut() -> usize) -> f64 {
    let (begun, mut done) = (Instant::now(), 0);
    while begun.elapsed().as_millis() < 150 {
        done += step();
    }
    done as f64 / begun.elapsed().as_secs_f64()
}

fn main() {
    println!("{:<20} {:>14} {:>14} {:>14}", "type", "joins/s", "deltas/s", "updates/s");
    for kind in Kind::ALL {
        let (one, two, deltas) = states(*kind);
        let joins = rate(|| {
            let mut state = one.clone();
            state.join(&two);
            1
        });
        let joined = rate(|| {
            let mut state = one.clone();
            deltas.iter().for_each(|delta| state.join(delta));
            deltas.len()
        });
        let updates = rate(|| states(*kind).2.len());
        println!("{:<20} {joins:>14.0} {joined:>14.0} {updates:>14.0}", format!("{kind:?}"));
    }
    let Some(oracles) = std::env::var_os("SEEDBED_ORACLES") else {
        return eprintln!("no sessions: SEEDBED_ORACLES is unset");
    };
    println!("\n{:<24} {:>8} {:>12} {:>12}", "session", "edits", "writing", "one reader");
    for name in ["friendsforever", "clownschool"] {
        let file = Path::new(&oracles).join("crdt-traces").join(format!("{name}.json.gz"));
        let session = Session::read(GzDecoder::new(File::open(file).expect("a session"))).expect("of its format");
        let begun = Instant::now();
        let (_, effects) = session.write();
        let writing = begun.elapsed();
        let begun = Instant::now();
        let mut reader = Writer::new(session.num_agents, session.txns.len());
        effects.iter().enumerate().for_each(|(n, effects)| reader.take(n, effects));
        assert!(reader.reads() == session.end_content);
        let edits: usize = effects.iter().map(Vec::len).sum();
        println!("{name:<24} {edits:>8} {writing:>12.2?} {:>12.2?}", begun.elapsed());
    }
}
