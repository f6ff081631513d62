//! How long the transaction checker takes: list-append histories of a serial database with concurrent clients, good ones
//! and ones with a planted anomaly. Prints a table. Target: 100,000 transactions in under 5 s on one core.
//!
//! `cargo bench -p seedbed-properties --bench transactions`
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark reads the wall clock")]
#![allow(missing_docs, reason = "a program")]

mod measure;

use measure::{head, line, measure};
use seedbed_properties::checkers::isolation::{History, Kind, Level, Mop, Options, Seen, Status, Transaction, check};

/// Elements of a list before its key is retired.
const LIST: usize = 32;
/// Keys in use at a time.
const KEYS: usize = 10;
const PROCESSES: u64 = 20;

/// A database with snapshot isolation, and blind writes: what it does is refused as not serializable, and nothing but a
/// search can tell that snapshot isolation is kept.
fn snapshots(transactions: usize, kind: Kind) -> History {
    let mut draw = random();
    // By key: (when, the list until then).
    let mut versions: Vec<Vec<(usize, Vec<i64>)>> = vec![vec![(0, Vec::new())]; KEYS];
    let mut names: Vec<i64> = (0..KEYS as i64).collect();
    let mut all = Vec::new();
    for now in 1..=transactions {
        let snapshot = (now - 1).saturating_sub(draw(6));
        let mut mops: Vec<Mop> = Vec::new();
        let mut used: Vec<usize> = Vec::new();
        for _ in 0..1 + draw(4) {
            let k = draw(KEYS);
            let name = names[k];
            let (last, list) = versions[k].last().expect("there is an initial version").clone();
            if used.contains(&k) || versions[k][0].0 > snapshot {
                continue;
            }
            used.push(k);
            if draw(2) == 0 && last <= snapshot {
                let value = (now * 10 + mops.len()) as i64;
                versions[k].push((now, [&list[..], &[value]].concat()));
                mops.push(Mop::Write(name.into(), value.into()));
                continue;
            }
            let (_, list) = versions[k].iter().rev().find(|(when, _)| *when <= snapshot).expect("the first is so old");
            let seen = match kind {
                Kind::ListAppend => Seen::List(list.iter().map(|&v| v.into()).collect()),
                Kind::RwRegister => list.last().map_or(Seen::Nothing, |&v| Seen::Value(v.into())),
            };
            mops.push(Mop::Read(name.into(), seen));
        }
        for k in 0..KEYS {
            if versions[k].len() > LIST {
                versions[k] = vec![(now, Vec::new())];
                names[k] = now as i64 * KEYS as i64 + k as i64 + KEYS as i64;
            }
        }
        let (invoked, returned) = (Some(10 * snapshot as u64 + 1), Some(10 * now as u64));
        all.push(Transaction { process: now as u64 % PROCESSES, status: Status::Ok, mops, invoked, returned });
    }
    History { kind, transactions: all }
}

/// xorshift: below its argument.
fn random() -> impl FnMut(usize) -> usize {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    move |n| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % n
    }
}

/// What is wrong with the history.
#[derive(Clone, Copy, PartialEq)]
enum Plant {
    Nothing,
    /// In the middle, two transactions miss each other's appends.
    WriteSkew,
    /// One read in a hundred is stale by one element.
    StaleReads,
    /// The database has only snapshot isolation.
    Snapshots,
}

fn history(transactions: usize, kind: Kind, plant: Plant) -> History {
    let mut draw = random();
    let mut lists: Vec<Vec<i64>> = vec![Vec::new(); KEYS];
    let mut names: Vec<i64> = (0..KEYS as i64).collect();
    let (mut next_name, mut next_value) = (KEYS as i64, 0);
    let mut all = Vec::new();
    for t in 0..transactions {
        let mut mops = Vec::new();
        for _ in 0..1 + draw(4) {
            let k = draw(KEYS);
            if draw(2) == 0 {
                next_value += 1;
                lists[k].push(next_value);
                mops.push(Mop::Write(names[k].into(), next_value.into()));
                continue;
            }
            let own = mops.iter().any(|mop| matches!(mop, Mop::Write(key, _) if *key == names[k].into()));
            let stale = plant == Plant::StaleReads && draw(100) == 0 && !own;
            let list = &lists[k][..lists[k].len() - usize::from(stale && !lists[k].is_empty())];
            let seen = match kind {
                Kind::ListAppend => Seen::List(list.iter().map(|&v| v.into()).collect()),
                Kind::RwRegister => list.last().map_or(Seen::Nothing, |&v| Seen::Value(v.into())),
            };
            mops.push(Mop::Read(names[k].into(), seen));
        }
        if plant == Plant::WriteSkew && t == transactions / 2 {
            for (mine, other) in [("a", "b"), ("b", "a")] {
                let nothing = if kind == Kind::ListAppend { Seen::List(Vec::new()) } else { Seen::Nothing };
                let mops = vec![Mop::Read(mine.into(), nothing), Mop::Write(other.into(), 1.into())];
                let process = PROCESSES + all.len() as u64;
                let (invoked, returned) = (Some(10 * t as u64), Some(10 * t as u64 + 5));
                all.push(Transaction { process, status: Status::Ok, mops, invoked, returned });
            }
        }
        for k in 0..KEYS {
            if lists[k].len() >= LIST {
                lists[k].clear();
                names[k] = next_name;
                next_name += 1;
            }
        }
        // Up to 20 are open at a time, and take effect in the order of the history.
        let (invoked, returned) = (10 * t as u64, 10 * (t as u64 + 1 + draw(PROCESSES as usize - 1) as u64));
        let (invoked, returned) = (Some(invoked), Some(returned));
        all.push(Transaction { process: t as u64 % PROCESSES, status: Status::Ok, mops, invoked, returned });
    }
    History { kind, transactions: all }
}

fn main() {
    head();
    for (kind, plant, name, sizes) in [
        (Kind::ListAppend, Plant::Nothing, "nothing", &[10, 100, 1_000, 10_000, 100_000][..]),
        (Kind::ListAppend, Plant::WriteSkew, "write skew", &[10, 100, 1_000, 10_000, 100_000]),
        (Kind::ListAppend, Plant::StaleReads, "stale reads", &[1_000, 10_000, 100_000]),
        (Kind::ListAppend, Plant::Snapshots, "snapshots", &[1_000, 10_000, 100_000]),
        (Kind::RwRegister, Plant::Nothing, "nothing", &[1_000, 10_000]),
        (Kind::RwRegister, Plant::WriteSkew, "write skew", &[1_000, 10_000]),
        (Kind::RwRegister, Plant::StaleReads, "stale reads", &[1_000]),
        (Kind::RwRegister, Plant::Snapshots, "snapshots", &[1_000, 3_000]),
    ] {
        for &size in sizes {
            let history = if plant == Plant::Snapshots { snapshots(size, kind) } else { history(size, kind, plant) };
            let (report, cost) = measure(|| check(&history, &Options::default()).expect("the history is well formed"));
            assert_eq!(report.violates.is_empty() && report.unknown.is_empty(), plant == Plant::Nothing, "{report}");
            if plant == Plant::Snapshots {
                assert_ne!(report.keeps(Level::StrongSnapshotIsolation), Some(false), "{report}");
            }
            let verdict = match report.keeps(Level::Serializable) {
                Some(true) => "good",
                Some(false) => "violation",
                None => "unknown",
            };
            let target = (kind == Kind::ListAppend && size == 100_000).then_some(5_000.0);
            line(&format!("{kind:?}, {name} planted"), size, verdict, &cost, target);
        }
    }
}
