//! The transaction checker against the definitions of the levels, on all small histories and on random ones.

use super::definitions::{Id, KEYS, Op, Small, permutations};
use proptest::prelude::*;
use seedbed_properties::checkers::isolation::{Kind, Level, Options, check};

fn agrees(small: &Small, sessions: bool) -> Result<(), String> {
    let history = small.history();
    let report = check(&history, &Options { sessions, ..Options::default() }).map_err(|e| e.to_string())?;
    for (level, held) in small.levels(sessions) {
        if held.is_some() && report.keeps(level) != held {
            let said = report.keeps(level);
            return Err(format!("{level} (sessions {sessions}): is {held:?}, said {said:?}\n{small:?}\n{report}"));
        }
    }
    Ok(())
}

/// Processes, and times of invocation and return.
type Setting = (Vec<u64>, Vec<Option<(u64, u64)>>);

/// All histories with these many operations a transaction: 2 keys, each operation a write or a read of any value (for
/// lists: of any sequence of values).
fn all(kind: Kind, sizes: &[usize], each: &mut dyn FnMut(Vec<Vec<Op>>)) {
    let places: Vec<Id> = sizes.iter().enumerate().flat_map(|(t, &size)| (0..size).map(move |m| (t, m))).collect();
    for shape in 0..(2 * KEYS).pow(places.len() as u32) {
        let op = |i: usize| shape / (2 * KEYS).pow(i as u32) % (2 * KEYS);
        let writes =
            |key: usize| -> Vec<Id> { (0..places.len()).filter(|&i| op(i) == 2 * key).map(|i| places[i]).collect() };
        let options: Vec<Vec<Op>> = (0..places.len())
            .map(|i| {
                let key = op(i) / 2;
                if op(i) % 2 == 0 {
                    return vec![Op::Write(key)];
                }
                let writes = writes(key);
                let seen: Vec<Vec<Id>> = match kind {
                    Kind::RwRegister => [vec![]].into_iter().chain(writes.iter().map(|w| vec![*w])).collect(),
                    Kind::ListAppend => {
                        let mut lists: Vec<Vec<Id>> = permutations(&writes)
                            .into_iter()
                            .flat_map(|order| (0..=order.len()).map(move |end| order[..end].to_vec()))
                            .collect();
                        lists.sort();
                        lists.dedup();
                        lists
                    }
                };
                seen.into_iter().map(|seen| Op::Read(key, seen)).collect()
            })
            .collect();
        let count: usize = options.iter().map(Vec::len).product();
        for mut choice in 0..count {
            let mut txns: Vec<Vec<Op>> = vec![Vec::new(); sizes.len()];
            for (i, options) in options.iter().enumerate() {
                txns[places[i].0].push(options[choice % options.len()].clone());
                choice /= options.len();
            }
            each(txns);
        }
    }
}

fn exhaust(kind: Kind, sizes: &[usize], orders: &[Setting], least: usize) {
    let mut count = 0;
    let mut wrong: Option<String> = None;
    all(kind, sizes, &mut |txns| {
        for (processes, times) in orders {
            let small = Small { kind, txns: txns.clone(), processes: processes.clone(), times: times.clone() };
            for sessions in [false, true] {
                count += 1;
                if wrong.is_none() {
                    wrong = agrees(&small, sessions).err();
                }
            }
        }
    });
    assert!(wrong.is_none(), "{}", wrong.unwrap());
    eprintln!("{kind:?} {sizes:?}: {count} histories");
    assert!(count >= least, "only {count} histories");
}

fn two() -> Vec<Setting> {
    let none = vec![None, None];
    let times = |a: (u64, u64), b: (u64, u64)| vec![Some(a), Some(b)];
    vec![
        (vec![0, 1], none.clone()),
        (vec![0, 0], none),
        (vec![0, 1], times((0, 1), (2, 3))),
        (vec![0, 1], times((2, 3), (0, 1))),
        (vec![0, 1], times((0, 2), (2, 3))),
    ]
}

fn three() -> Vec<Setting> {
    vec![(vec![0, 0, 1], vec![Some((0, 3)), Some((4, 9)), Some((5, 6))])]
}

#[test]
fn all_pairs_of_register_transactions() {
    exhaust(Kind::RwRegister, &[2, 2], &two(), 1_000);
    exhaust(Kind::RwRegister, &[3, 2], &two(), 10_000);
}

#[test]
fn all_pairs_of_list_transactions() {
    exhaust(Kind::ListAppend, &[2, 2], &two(), 1_000);
    exhaust(Kind::ListAppend, &[3, 2], &two(), 10_000);
}

#[test]
fn all_triples_of_register_transactions() {
    exhaust(Kind::RwRegister, &[2, 2, 2], &three(), 50_000);
}

#[test]
fn all_triples_of_list_transactions() {
    exhaust(Kind::ListAppend, &[1, 2, 2], &three(), 10_000);
}

/// Four transactions; reads mostly of what a serial run would show, so that good histories are not rare.
fn random(kind: Kind) -> impl Strategy<Value = Small> {
    let op = (0..KEYS, any::<bool>(), any::<prop::sample::Index>(), 0..4u8);
    let txns = prop::collection::vec(prop::collection::vec(op, 1..=3), 4);
    let times = prop::collection::vec((0..8u64, 0..8u64, any::<bool>()), 4);
    (txns, prop::collection::vec(0..3u64, 4), times).prop_map(move |(txns, processes, times)| {
        let writes = |key: usize| -> Vec<Id> {
            let ops =
                txns.iter().enumerate().flat_map(|(t, ops)| ops.iter().enumerate().map(move |(m, op)| ((t, m), op)));
            ops.filter(|(_, op)| op.0 == key && op.1).map(|(id, _)| id).collect()
        };
        let op = |t: usize, m: usize, &(key, write, pick, how): &(usize, bool, prop::sample::Index, u8)| {
            if write {
                return Op::Write(key);
            }
            let before: Vec<Id> = writes(key).into_iter().filter(|&id| id < (t, m)).collect();
            let all = if how == 0 { writes(key) } else { before };
            let end = if how == 1 { all.len() } else { pick.index(all.len() + 1) };
            let seen = match kind {
                Kind::ListAppend => all[..end].to_vec(),
                Kind::RwRegister => all[..end].last().copied().into_iter().collect(),
            };
            Op::Read(key, seen)
        };
        let ops = txns.iter().enumerate().map(|(t, ops)| ops.iter().enumerate().map(|(m, o)| op(t, m, o)).collect());
        let times = times.iter().map(|&(a, b, known)| known.then_some((a.min(b), a.max(b)))).collect();
        Small { kind, txns: ops.collect(), processes, times }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_registers(small in random(Kind::RwRegister), sessions: bool) {
        prop_assert_eq!(agrees(&small, sessions), Ok(()));
    }

    #[test]
    fn random_lists(small in random(Kind::ListAppend), sessions: bool) {
        prop_assert_eq!(agrees(&small, sessions), Ok(()));
    }
}

/// A history that violates a level violates every stronger one, by the definitions too.
#[test]
fn the_lattice_is_one() {
    all(Kind::RwRegister, &[2, 2], &mut |txns| {
        let small =
            Small { kind: Kind::RwRegister, txns, processes: vec![0, 0], times: vec![Some((0, 1)), Some((2, 3))] };
        let levels = small.levels(false);
        for (strong, held) in &levels {
            for (weak, also) in levels.iter().filter(|(weak, _)| strong.implies(*weak)) {
                assert!(*held != Some(true) || *also != Some(false), "{strong} held but {weak} did not: {small:?}");
            }
        }
    });
    assert!(Level::StrictSerializable.implies(Level::ReadUncommitted));
    assert!(!Level::SnapshotIsolation.implies(Level::RepeatableRead) && !Level::RepeatableRead.implies(Level::Prefix));
}
