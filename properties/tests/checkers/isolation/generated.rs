//! Histories made by really executing databases: what they promise must be kept, and what has no meaning (the names of
//! processes, keys and values) must not matter.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedbed_properties::checkers::isolation::{
    Dependency, History, Kind, Level, Mop, Name, Options, Report, Seen, Status, Transaction, check, draw,
};

/// How the database isolates.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Isolation {
    /// One transaction after the other, at its commit.
    Serial,
    /// Reads from the state at the begin, first committer wins.
    Snapshot,
    /// Each read from what is committed then; writes are applied together at the commit, and lock their key until then:
    /// who finds it locked does not write.
    ReadCommitted,
}

const CLIENTS: usize = 4;

/// An open transaction of a client.
#[derive(Default)]
struct Open {
    begun: u64,
    /// What it will do, for a serial database; what it did, for the others.
    mops: Vec<Mop>,
    snapshot: BTreeMap<i64, Vec<Name>>,
    writes: BTreeMap<i64, Vec<Name>>,
}

/// Runs a schedule: each step is a client, a key, and what it does: 0 commits, 1 aborts, 2 commits without telling, 3 to 5
/// read, the rest write.
fn run(kind: Kind, isolation: Isolation, schedule: &[(usize, i64, u8)]) -> History {
    // A key's versions are states: a list, or at most one value. With the time of the last commit.
    let mut store: BTreeMap<i64, Vec<Name>> = BTreeMap::new();
    let mut changed: BTreeMap<i64, u64> = BTreeMap::new();
    let mut open: Vec<Option<Open>> = (0..CLIENTS).map(|_| None).collect();
    let mut transactions = Vec::new();
    let mut generation = [0u64; CLIENTS];
    for (now, &(client, key, what)) in schedule.iter().enumerate() {
        let now = now as u64 + 1;
        let locked = isolation == Isolation::ReadCommitted
            && open
                .iter()
                .enumerate()
                .any(|(other, txn)| other != client && txn.as_ref().is_some_and(|txn| txn.writes.contains_key(&key)));
        if what >= 6 && locked {
            continue;
        }
        let txn = open[client].get_or_insert_with(|| Open { begun: now, snapshot: store.clone(), ..Open::default() });
        let value = Name::from(now as i64);
        let state = |txn: &Open, store: &BTreeMap<i64, Vec<Name>>| {
            let base = if isolation == Isolation::Snapshot { &txn.snapshot } else { store };
            let mut state = base.get(&key).cloned().unwrap_or_default();
            for value in txn.writes.get(&key).into_iter().flatten() {
                write(kind, &mut state, value);
            }
            state
        };
        match what {
            3..=5 => {
                let seen = seen(kind, &state(txn, &store));
                txn.mops.push(Mop::Read(key.into(), seen));
            }
            6.. => {
                txn.writes.entry(key).or_default().push(value.clone());
                txn.mops.push(Mop::Write(key.into(), value));
            }
            _ => {
                let mut txn = open[client].take().expect("it is open");
                let beaten = isolation == Isolation::Snapshot
                    && txn.writes.keys().any(|key| changed.get(key).is_some_and(|&at| at > txn.begun));
                let commits = what != 1 && !beaten;
                if isolation == Isolation::Serial {
                    replay(kind, &mut txn, &store);
                }
                if commits {
                    for (key, values) in &txn.writes {
                        values.iter().for_each(|value| write(kind, store.entry(*key).or_default(), value));
                        changed.insert(*key, now);
                    }
                }
                let told = what != 2;
                let status = match (told, commits) {
                    (false, _) => Status::Info,
                    (true, true) => Status::Ok,
                    (true, false) => Status::Fail,
                };
                let process = client as u64 + CLIENTS as u64 * generation[client];
                // Who gets no answer goes on as another process.
                generation[client] += u64::from(!told);
                let returned = told.then_some(now);
                transactions.push(Transaction { process, status, mops: txn.mops, invoked: Some(txn.begun), returned });
            }
        }
    }
    History { kind, transactions }
}

fn write(kind: Kind, state: &mut Vec<Name>, value: &Name) {
    if kind == Kind::RwRegister {
        state.clear();
    }
    state.push(value.clone());
}

fn seen(kind: Kind, state: &[Name]) -> Seen {
    match kind {
        Kind::ListAppend => Seen::List(state.to_vec()),
        Kind::RwRegister => state.last().map_or(Seen::Nothing, |value| Seen::Value(value.clone())),
    }
}

/// Gives the reads the answers that they have when all happens now.
fn replay(kind: Kind, txn: &mut Open, store: &BTreeMap<i64, Vec<Name>>) {
    let mut store = store.clone();
    for mop in &mut txn.mops {
        let (Mop::Write(Name::Integer(key), _) | Mop::Read(Name::Integer(key), _)) = &*mop else { unreachable!() };
        let state = store.entry(*key).or_default();
        match mop {
            Mop::Write(_, value) => write(kind, state, value),
            Mop::Read(_, answer) => *answer = seen(kind, state),
        }
    }
}

fn judged(history: &History) -> Report {
    check(history, &Options::default()).expect("the history is well formed")
}

fn schedules() -> impl Strategy<Value = Vec<(usize, i64, u8)>> {
    // Mostly reads and writes, some commits, few aborts and lost answers.
    let what = prop_oneof![6 => 3..9u8, 3 => Just(0u8), 1 => Just(1u8), 1 => Just(2u8)];
    prop::collection::vec((0..CLIENTS, 0..3i64, what), 0..80)
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::ListAppend), Just(Kind::RwRegister)]
}

/// Other names for everything. Values keep to their own sign, so that nothing becomes an initial value.
fn renamed(history: &History, by: i64) -> History {
    let name = |name: &Name| match name {
        Name::Integer(n) => Name::from(format!("{}", (n + by) * -7).as_str()),
        Name::Text(text) => Name::Text(text.clone()),
    };
    let transactions = history.transactions.iter().map(|txn| {
        let mops = txn.mops.iter().map(|mop| match mop {
            Mop::Write(key, value) => Mop::Write(name(key), name(value)),
            Mop::Read(key, Seen::Value(value)) => Mop::Read(name(key), Seen::Value(name(value))),
            Mop::Read(key, Seen::List(list)) => Mop::Read(name(key), Seen::List(list.iter().map(name).collect())),
            Mop::Read(key, seen) => Mop::Read(name(key), seen.clone()),
        });
        Transaction { process: 1_000_003 * (txn.process + 1) % 65_537, mops: mops.collect(), ..txn.clone() }
    });
    History { kind: history.kind, transactions: transactions.collect() }
}

/// One history after the other, on other keys, by the same clients.
fn concatenated(first: &History, second: &History) -> History {
    let mut all = first.clone();
    for txn in &second.transactions {
        let mut txn = txn.clone();
        for mop in &mut txn.mops {
            let (Mop::Write(key, _) | Mop::Read(key, _)) = mop;
            let Name::Integer(n) = key else { unreachable!() };
            *n += 1000;
        }
        txn.process += 1000 * u64::from(txn.process >= CLIENTS as u64);
        txn.invoked = txn.invoked.map(|t| t + 10_000);
        txn.returned = txn.returned.map(|t| t + 10_000);
        all.transactions.push(txn);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_serial_database_keeps_every_level(kind in kinds(), schedule in schedules()) {
        let report = judged(&run(kind, Isolation::Serial, &schedule));
        prop_assert_eq!(&report.holds[..], Level::ALL, "{}", report);
    }

    #[test]
    fn a_snapshot_database_keeps_strong_snapshot_isolation(kind in kinds(), schedule in schedules()) {
        let report = judged(&run(kind, Isolation::Snapshot, &schedule));
        for level in Level::ALL.iter().filter(|level| Level::StrongSnapshotIsolation.implies(**level)) {
            prop_assert_eq!(report.keeps(*level), Some(true), "{} is kept: {}", level, report);
        }
    }

    #[test]
    fn a_read_committed_database_keeps_read_committed(kind in kinds(), schedule in schedules()) {
        let report = judged(&run(kind, Isolation::ReadCommitted, &schedule));
        for level in [Level::ReadUncommitted, Level::ReadCommitted, Level::StrongSessionReadCommitted] {
            prop_assert_eq!(report.keeps(level), Some(true), "{} is kept: {}", level, report);
        }
    }

    #[test]
    fn names_do_not_matter(kind in kinds(), schedule in schedules(), by in 0..100i64) {
        let history = run(kind, Isolation::ReadCommitted, &schedule);
        let (one, other) = (judged(&history), judged(&renamed(&history, by)));
        prop_assert_eq!((one.violates, one.holds, one.unknown), (other.violates, other.holds, other.unknown));
    }

    #[test]
    fn good_after_good_is_good(kind in kinds(), first in schedules(), second in schedules()) {
        for (isolation, level) in [
            (Isolation::Serial, Level::StrictSerializable),
            (Isolation::Snapshot, Level::StrongSnapshotIsolation),
        ] {
            let both = concatenated(&run(kind, isolation, &first), &run(kind, isolation, &second));
            prop_assert_eq!(judged(&both).keeps(level), Some(true));
        }
    }

    /// Every cycle is one: it closes, and each class has the edges it is named after. It can be drawn.
    #[test]
    fn cycles_close(kind in kinds(), schedule in schedules()) {
        let history = run(kind, Isolation::ReadCommitted, &schedule);
        let report = judged(&history);
        prop_assert_eq!(&report, &judged(&history), "the same again");
        for anomaly in report.anomalies.iter().filter(|anomaly| !anomaly.cycle.is_empty()) {
            let cycle = &anomaly.cycle;
            for (i, edge) in cycle.iter().enumerate() {
                prop_assert_eq!(edge.to, cycle[(i + 1) % cycle.len()].from, "{}", anomaly);
            }
            let anti = cycle.iter().filter(|edge| edge.why == Dependency::Rw).count();
            let expected = match anomaly.name.as_str() {
                name if name.starts_with("G0") || name.starts_with("G1c") => anti == 0,
                name if name.starts_with("G-single") => anti == 1,
                _ => anti > 1,
            };
            prop_assert!(expected, "{} has {} anti-dependencies", anomaly, anti);
            prop_assert_eq!(draw::dot(&history, anomaly).matches(" -> ").count(), cycle.len());
            prop_assert_eq!(draw::mermaid(&history, anomaly).matches("|\"").count(), cycle.len());
            prop_assert!(draw::text(&history, anomaly).lines().count() > 2 * cycle.len());
        }
    }
}

/// The databases are not the same to the checker: each weaker one is caught somewhere.
#[test]
fn weaker_databases_are_caught() {
    let mut schedule = Vec::new();
    // Two clients read what the other is to write, and both count up the same key.
    for key in [1, 2] {
        schedule.extend([(0, key, 3), (1, 3 - key, 3)]);
    }
    schedule.extend([(0, 2, 6), (1, 1, 6), (0, 2, 0), (1, 1, 0)]);
    for kind in [Kind::ListAppend, Kind::RwRegister] {
        let skewed = judged(&run(kind, Isolation::Snapshot, &schedule));
        assert_eq!(skewed.keeps(Level::Serializable), Some(false), "{skewed}");
        assert!(skewed.has("G2-item"), "{skewed}");
        let lost = [(0, 1, 3), (1, 1, 3), (0, 1, 6), (0, 1, 0), (1, 1, 6), (1, 1, 0)];
        let lost = judged(&run(kind, Isolation::ReadCommitted, &lost));
        assert_eq!(lost.keeps(Level::CursorStability), Some(false), "{lost}");
        assert!(lost.has("lost-update"), "{lost}");
        let stale = judged(&run(kind, Isolation::Serial, &schedule));
        assert_eq!(stale.keeps(Level::StrictSerializable), Some(true), "{stale}");
    }
}
