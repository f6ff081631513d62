//! The polynomial algorithms against the search, which decides the same levels by the conditions of complete version
//! orders: on random histories of registers and lists, good and bad, that are too large for the definitions.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use seedbed_properties::checkers::isolation::{
    History, Kind, Level, Levels, Mop, Name, Options, Report, Seen, Status, Transaction, check,
};

const POLYNOMIAL: [Level; 6] = [
    Level::ReadUncommitted,
    Level::ReadCommitted,
    Level::StrongSessionReadCommitted,
    Level::MonotonicAtomicView,
    Level::ReadAtomic,
    Level::Causal,
];

/// One operation of a random history: the key, whether it writes, and how far back a read looks.
type Step = (u8, bool, u8);

/// A serial run whose reads are of the present value, or of one that is some versions old.
fn history(kind: Kind, keys: u8, txns: &[(u64, Vec<Step>)]) -> History {
    let mut versions: Vec<Vec<Name>> = vec![Vec::new(); keys.into()];
    let mut value = 0;
    let transactions = txns.iter().map(|(process, steps)| {
        let mops = steps.iter().map(|&(key, writes, back)| {
            let key = key % keys;
            let name = Name::Integer(key.into());
            let all = &mut versions[usize::from(key)];
            if writes {
                value += 1;
                all.push(value.into());
                return Mop::Write(name, value.into());
            }
            let end = all.len().saturating_sub(back.into());
            let seen = match kind {
                Kind::ListAppend => Seen::List(all[..end].to_vec()),
                Kind::RwRegister => all[..end].last().map_or(Seen::Nothing, |value| Seen::Value(value.clone())),
            };
            Mop::Read(name, seen)
        });
        let mops = mops.collect();
        Transaction { process: *process, status: Status::Ok, mops, invoked: None, returned: None }
    });
    History { kind, transactions: transactions.collect() }
}

fn judged(history: &History, options: Options) -> Report {
    check(history, &options).expect("the history is well formed")
}

/// Mostly fresh reads, so that good histories are not rare; a stale one now and then.
fn transactions() -> impl Strategy<Value = Vec<(u64, Vec<Step>)>> {
    let back = prop_oneof![12 => Just(0u8), 1 => 1..4u8];
    let step = (0..6u8, any::<bool>(), back);
    prop::collection::vec((0..4u64, prop::collection::vec(step, 1..5)), 1..14)
}

fn agree(history: &History, sessions: bool) -> Result<(), TestCaseError> {
    let usual = Options { sessions, ..Options::default() };
    let fast = judged(history, usual);
    let slow = judged(history, Options { search_only: true, ..usual });
    for level in POLYNOMIAL {
        prop_assert!(fast.keeps(level).is_some(), "{level} is undecided");
        prop_assert_eq!(fast.keeps(level), slow.keeps(level), "{}\n{}\n{}", level, fast, slow);
        let asked = judged(history, Options { levels: Levels::Asked(level), ..usual });
        prop_assert_eq!(asked.keeps(level), fast.keeps(level), "asked for {}", level);
        for other in Level::ALL {
            let said = asked.keeps(*other);
            prop_assert!(said.is_none() || said == fast.keeps(*other), "asked for {}, and said of {}", level, other);
        }
    }
    // Each cycle that is shown is one: its steps follow each other.
    for cycle in fast.anomalies.iter().chain(fast.refusals.iter().flat_map(|refusal| &refusal.cycles)) {
        let next = cycle.cycle.iter().cycle().skip(1);
        for (step, next) in cycle.cycle.iter().zip(next) {
            prop_assert_eq!(step.to, next.from, "{} does not close", cycle);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn registers(txns in transactions(), keys in 1..6u8, sessions: bool) {
        agree(&history(Kind::RwRegister, keys, &txns), sessions)?;
    }

    #[test]
    fn lists(txns in transactions(), keys in 1..6u8, sessions: bool) {
        agree(&history(Kind::ListAppend, keys, &txns), sessions)?;
    }
}

/// Random histories are of both sorts at each level, or they would show nothing.
#[test]
fn random_histories_are_good_and_bad() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts = [[0; 2]; POLYNOMIAL.len()];
    for _ in 0..400 {
        let txns = transactions().new_tree(&mut runner).expect("a value").current();
        let report = judged(&history(Kind::RwRegister, 4, &txns), Options::default());
        for (level, counts) in POLYNOMIAL.iter().zip(&mut counts) {
            counts[usize::from(report.keeps(*level) == Some(true))] += 1;
        }
    }
    for (level, [bad, good]) in POLYNOMIAL.iter().zip(counts) {
        assert!(good >= 20, "{level}: {good} good ones");
        assert!(bad >= 10 || *level == Level::ReadUncommitted, "{level}: {bad} bad ones");
    }
}

/// Ten thousand serial transactions are decided at once, also where the last one of them is bad: it reads the first value
/// of a key and the last one of another.
#[test]
fn long_histories_are_decided() {
    let step = |n: u64| (((n * 7) % 50) as u8, n.is_multiple_of(3), 0);
    let txns: Vec<(u64, Vec<Step>)> =
        (0..10_000).map(|t| (t % 20, (0..4).map(|m| step(t * 31 + m * 17)).collect())).collect();
    let mut long = history(Kind::RwRegister, 50, &txns);
    for level in POLYNOMIAL {
        let asked = Options { levels: Levels::Asked(level), ..Options::default() };
        assert_eq!(judged(&long, asked).keeps(level), Some(true), "{level}");
    }
    let mut writes = long.transactions.iter().flat_map(|txn| &txn.mops).filter_map(|mop| match mop {
        Mop::Write(key, value) => Some((key.clone(), value.clone())),
        Mop::Read(..) => None,
    });
    let (key, old) = writes.next().expect("there are writes");
    let (other, new) = writes.rfind(|(other, _)| *other != key).expect("there are others");
    let mops = vec![Mop::Read(other, Seen::Value(new)), Mop::Read(key, Seen::Value(old))];
    long.transactions.push(Transaction { process: 99, status: Status::Ok, mops, invoked: None, returned: None });
    for (level, holds) in [(Level::ReadCommitted, true), (Level::Causal, false)] {
        let asked = Options { levels: Levels::Asked(level), ..Options::default() };
        assert_eq!(judged(&long, asked).keeps(level), Some(holds), "{level}");
    }
}
