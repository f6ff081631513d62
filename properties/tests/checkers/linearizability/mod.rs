//! The checker of linearizability; and what these tests share: its definition, word for word, and all small histories.

mod brute_force;
mod of_models;
mod oracles;
mod random;
mod told;

use std::collections::BTreeMap;

use seedbed_properties::checkers::linearizability::{Checker, Limits, Operation, Specification, Step, Verdict};
use seedbed_properties::formats::{Contents, LineError, Reading, Recorded, linearizable};
use seedbed_sim::fingerprint::stable_hash;

/// A history of a specification.
pub type Ops<S> = Vec<Operation<<S as Specification>::Op, <S as Specification>::Ret>>;

/// Tries every order of every choice of operations: exponential, and uses nothing but `initial` and `apply`.
pub fn brute_force<S: Specification>(spec: &S, history: &Ops<S>) -> bool {
    let mut left: Vec<usize> = (0..history.len()).collect();
    place(spec, history, &mut left, &spec.initial())
}

fn place<S: Specification>(spec: &S, history: &Ops<S>, left: &mut Vec<usize>, state: &S::State) -> bool {
    if left.iter().all(|&n| history[n].returned.is_none()) {
        return true;
    }
    for at in 0..left.len() {
        let n = left[at];
        let precedes = |&m: &usize| history[m].returned.is_some_and(|returned| returned < history[n].invoked);
        if left.iter().any(precedes) {
            continue;
        }
        let mut next = state.clone();
        let ret = history[n].ret.as_ref().filter(|_| history[n].returned.is_some());
        if let Step::Illegal = spec.apply(&mut next, &history[n].op, ret) {
            continue;
        }
        left.remove(at);
        let found = place(spec, history, left, &next);
        left.insert(at, n);
        if found {
            return true;
        }
    }
    false
}

/// The same with a memory: every set of operations with every state that some order of them leads to. Still exponential
/// in the number of operations, and still nothing but the definition.
pub fn subsets<S: Specification>(spec: &S, history: &Ops<S>) -> bool {
    assert!(history.len() < 32, "the sets have bits of one word");
    // Whether an operation returned before this instant; all of them did if there is none.
    let returned_before = |instant: Option<u64>| -> u32 {
        let early =
            history.iter().map(|other| other.returned.is_some_and(|at| instant.is_none_or(|instant| at < instant)));
        (0..).zip(early).map(|(n, early)| u32::from(early) << n).sum()
    };
    let complete = returned_before(None);
    let before: Vec<u32> = history.iter().map(|operation| returned_before(Some(operation.invoked))).collect();
    // By the hash of the state, and then the state itself, for states need not be ordered.
    let mut seen: BTreeMap<(u32, u64), Vec<S::State>> = BTreeMap::new();
    let mut todo = vec![(0u32, spec.initial())];
    while let Some((placed, state)) = todo.pop() {
        if placed & complete == complete {
            return true;
        }
        for (n, operation) in history.iter().enumerate() {
            if placed >> n & 1 == 1 || before[n] & !placed != 0 {
                continue;
            }
            let mut next = state.clone();
            let ret = operation.ret.as_ref().filter(|_| operation.returned.is_some());
            if let Step::Illegal = spec.apply(&mut next, &operation.op, ret) {
                continue;
            }
            let states = seen.entry((placed | 1 << n, stable_hash(&next))).or_default();
            if !states.contains(&next) {
                states.push(next.clone());
                todo.push((placed | 1 << n, next));
            }
        }
    }
    false
}

/// Whether `order` is a linearisation of the history.
pub fn is_linearisation<S: Specification>(spec: &S, history: &Ops<S>, order: &[usize]) -> bool {
    let mut placed = vec![None; history.len()];
    for (at, &n) in order.iter().enumerate() {
        if placed[n].replace(at).is_some() {
            return false;
        }
    }
    let complete = history.iter().zip(&placed).all(|(operation, at)| at.is_some() || operation.returned.is_none());
    // Whoever comes later must not have returned before somebody earlier was invoked.
    let mut latest = 0;
    let real_time = order.iter().all(|&n| {
        latest = latest.max(history[n].invoked);
        history[n].returned.is_none_or(|returned| returned >= latest)
    });
    let mut state = spec.initial();
    let legal = order.iter().all(|&n| {
        let ret = history[n].ret.as_ref().filter(|_| history[n].returned.is_some());
        !matches!(spec.apply(&mut state, &history[n].op, ret), Step::Illegal)
    });
    complete && real_time && legal
}

/// The prefix of a history up to and with its first `events` events.
pub fn prefix<S: Specification>(history: &Ops<S>, events: usize) -> Ops<S> {
    let mut times: Vec<(u64, bool)> = history.iter().map(|operation| (operation.invoked, false)).collect();
    times.extend(history.iter().filter_map(|operation| Some((operation.returned?, true))));
    times.sort_unstable();
    times.truncate(events);
    let last = times.last().copied().unwrap_or((0, false));
    let began = history.iter().filter(|operation| (operation.invoked, false) <= last);
    let cut = began.cloned().map(|operation| match operation.returned {
        Some(returned) if (returned, true) <= last => operation,
        _ => Operation { returned: None, ret: None, ..operation },
    });
    cut.collect()
}

/// Checks a history in every way and compares with the definition; gives the verdict.
pub fn agree<S: Specification + Clone>(spec: &S, history: &Ops<S>) -> bool {
    let expected = brute_force(spec, history);
    let all = || Checker::new(spec.clone());
    for (name, checker) in [("all", all()), ("search", all().search_only()), ("whole", all().search_only().whole())] {
        match checker.check(history) {
            Verdict::Linearizable(order) => {
                assert!(expected, "{name} accepts what is not linearizable: {history:#?}");
                assert!(is_linearisation(spec, history, &order), "{name} gives a wrong order {order:?}: {history:#?}");
            }
            Verdict::Violation(why) => {
                assert!(!expected, "{name} rejects what is linearizable: {history:#?}\n{why}");
                assert!(why.minimal);
                let failing = prefix::<S>(history, why.events);
                assert!(!brute_force(spec, &failing), "{name}: the prefix of {} is good: {history:#?}", why.events);
                let shorter = prefix::<S>(history, why.events - 1);
                assert!(brute_force(spec, &shorter), "{name}: {} events are not the least: {history:#?}", why.events);
            }
            Verdict::Unknown(why) => panic!("{name} gave up on {} operations: {why}", history.len()),
        }
    }
    expected
}

/// Calls `judge` with all histories of `1..=count` operations over an alphabet, in all their overlaps, with each set of
/// operations pending; up to the names of operations. Gives how many were good and bad.
pub fn exhaust<S: Specification>(
    _: &S,
    alphabet: &[(S::Op, Option<S::Ret>)],
    count: usize,
    mut judge: impl FnMut(&Ops<S>) -> bool,
) -> (usize, usize) {
    let mut shapes = Vec::new();
    (1..=count).for_each(|n| overlaps(&mut shapes, &mut Vec::new(), &mut Vec::new(), n, 0));
    let (mut good, mut bad) = (0, 0);
    for shape in shapes {
        let mut letters = vec![0; shape.len()];
        loop {
            let operations = shape.iter().zip(&letters).zip(0..);
            let history: Ops<S> = operations
                .map(|((&(invoked, returned), &letter), process)| {
                    let (op, ret): &(S::Op, Option<S::Ret>) = &alphabet[letter];
                    let ret = ret.clone().filter(|_| returned.is_some());
                    Operation { process, op: op.clone(), invoked, returned, ret }
                })
                .collect();
            if judge(&history) {
                good += 1;
            } else {
                bad += 1;
            }
            let Some(at) = letters.iter().position(|&letter| letter + 1 < alphabet.len()) else {
                break;
            };
            letters[..at].fill(0);
            letters[at] += 1;
        }
    }
    (good, bad)
}

/// An interval of an operation: invoked, and returned.
type Interval = (u64, Option<u64>);

/// All ways in which `count` operations can overlap, some of them without end.
fn overlaps(shapes: &mut Vec<Vec<Interval>>, ops: &mut Vec<Interval>, open: &mut Vec<usize>, count: usize, now: u64) {
    if ops.len() == count {
        // Whoever is still open may return in any order, or never; the order of the last returns does not matter.
        for ends in 0..1u32 << open.len() {
            let mut shape = ops.clone();
            for (bit, &n) in open.iter().enumerate() {
                shape[n].1 = (ends >> bit & 1 == 1).then_some(now + bit as u64);
            }
            shapes.push(shape);
        }
        return;
    }
    ops.push((now, None));
    open.push(ops.len() - 1);
    overlaps(shapes, ops, open, count, now + 1);
    ops.pop();
    open.pop();
    for at in 0..open.len() {
        let n = open.remove(at);
        ops[n].1 = Some(now);
        overlaps(shapes, ops, open, count, now + 1);
        ops[n].1 = None;
        open.insert(at, n);
    }
}

/// Judges a recorded history as its file says: the verdict, and how many operations were judged.
pub fn judged(recorded: &Recorded) -> Result<(Verdict, usize), LineError> {
    let Contents::Operations(operations) = &recorded.contents else { panic!("line {}: transactions", recorded.line) };
    let (verdict, places) = linearizable(operations, &Reading::of(operations)?, Limits::default())?;
    Ok((verdict, places.len()))
}
