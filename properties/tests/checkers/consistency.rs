//! The weaker models against their definitions, on small random histories, and on the examples of the papers.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seedbed_properties::checkers::consistency::causal::{causal, causal_convergence, causal_memory};
use seedbed_properties::checkers::consistency::eventual::{Observation, eventual, strong_eventual};
use seedbed_properties::checkers::consistency::pram::pram;
use seedbed_properties::checkers::consistency::registers::{regular, safe};
use seedbed_properties::checkers::consistency::sequential::{Sequential, sequential};
use seedbed_properties::checkers::consistency::session::{
    Guarantees, guarantees, monotonic_reads, monotonic_writes, read_your_writes, writes_follow_reads,
};
use seedbed_properties::checkers::consistency::staleness::{least_delta, least_k};
use seedbed_properties::checkers::consistency::{Access, Event, Outcome};
use seedbed_properties::checkers::linearizability::specs::{kv, queue, register};
use seedbed_properties::checkers::linearizability::{Checker, Limits, Operation, Specification, Step};

/// More steps than any of these histories takes.
fn limits() -> Limits {
    Limits { steps: 1_000_000, ..Limits::default() }
}

type History = Vec<Event<char, u32>>;

/// Sessions written as `w(x,1) r(x,2) r(y,-)`; event n of a session happens at n.
fn sessions(lines: &[&str]) -> History {
    let mut history = Vec::new();
    for (session, line) in (0..).zip(lines) {
        for (at, word) in (0..).zip(line.split_whitespace()) {
            let letters: Vec<char> = word.chars().collect();
            let value: Option<u32> = word[4..word.len() - 1].parse().ok();
            let access = match letters[0] {
                'w' => Access::Write(letters[2], value.expect("a value")),
                _ => Access::Read(letters[2], value),
            };
            history.push(Event { session, access, invoked: 2 * at, returned: Some(2 * at + 1) });
        }
    }
    history
}

fn pattern(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Holds => "holds",
        Outcome::Violation(anomaly) => anomaly.pattern,
        Outcome::Unknown(why) => panic!("{why}"),
    }
}

/// Bouajjani 2017, figure 3 and its kin: what separates the forms.
#[test]
fn the_forms_of_causal_consistency_differ() {
    // CM but not CCv: two sessions see two concurrent writes in opposite orders.
    let opposite = sessions(&["w(x,1) r(x,2)", "w(x,2) r(x,1)"]);
    assert_eq!(pattern(causal(&opposite)), "holds");
    assert_eq!(pattern(causal_memory(&opposite)), "holds");
    assert_eq!(pattern(causal_convergence(&opposite)), "CyclicCF");
    // CCv but not CM: once x is 2, the writes to y and z of the other session were before; yet z reads as nothing.
    let forgetful = sessions(&["w(z,1) w(x,1) w(y,1)", "w(x,2) r(z,-) r(y,1) r(x,2)"]);
    assert_eq!(pattern(causal_convergence(&forgetful)), "holds");
    assert_eq!(pattern(causal_memory(&forgetful)), "WriteHBInitRead");
    // CC but neither: one session changes its mind.
    let wavering = sessions(&["w(x,1)", "w(x,2) r(x,1) r(x,2)"]);
    assert_eq!(pattern(causal(&wavering)), "holds");
    assert_eq!(pattern(causal_memory(&wavering)), "CyclicHB");
    assert_eq!(pattern(causal_convergence(&wavering)), "CyclicCF");
    // Not even CC: the answer is seen without the question.
    let rude = sessions(&["w(x,1)", "r(x,1) w(y,1)", "r(y,1) r(x,-)"]);
    assert_eq!(pattern(causal(&rude)), "WriteCOInitRead");
    assert_eq!(pattern(pram(&rude)), "holds");
    let stale = sessions(&["w(x,1) w(x,2)", "r(x,2) w(y,1)", "r(y,1) r(x,1)"]);
    assert_eq!(pattern(causal(&stale)), "WriteCORead");
    assert_eq!(pattern(causal(&sessions(&["r(x,1) w(x,1)"]))), "CyclicCO");
    assert_eq!(pattern(causal(&sessions(&["r(x,1)"]))), "ThinAirRead");
    let twice = sessions(&["w(x,1) w(x,1)"]);
    assert!(matches!(causal(&twice), Outcome::Unknown(_)));
}

#[test]
fn each_session_guarantee_has_its_violation() {
    type Judge = fn(&[Event<char, u32>]) -> Outcome;
    let judges: [(&str, Judge); 4] = [
        ("ryw", read_your_writes::<char, u32>),
        ("mr", monotonic_reads::<char, u32>),
        ("mw", monotonic_writes::<char, u32>),
        ("wfr", writes_follow_reads::<char, u32>),
    ];
    let broken = |lines: &[&str]| -> Vec<&str> {
        let history = sessions(lines);
        judges.iter().filter(|(_, judge)| !judge(&history).holds()).map(|(name, _)| *name).collect()
    };
    assert_eq!(broken(&["w(x,1) r(x,-)"]), ["ryw"]);
    // Readers of the last two have monotonic reads themselves.
    assert_eq!(broken(&["w(x,1)", "r(x,1) r(x,-)"]), ["mr", "mw", "wfr"]);
    assert_eq!(broken(&["w(x,1) w(y,1)", "r(y,1) r(x,-)"]), ["mw"]);
    assert_eq!(broken(&["w(x,1)", "r(x,1) w(y,1)", "r(y,1) r(x,-)"]), ["wfr"]);
    assert_eq!(broken(&["w(x,1) r(x,1) w(y,2)", "r(y,2) r(x,1)"]), [""; 0]);
}

#[test]
fn regular_and_safe_registers() {
    let at = |session, access, invoked, returned| Event { session, access, invoked, returned: Some(returned) };
    let write = |v, from, to| at(0, Access::Write('x', v), from, to);
    let read = |v, from, to| at(1, Access::Read('x', v), from, to);
    let judge = |history: &[Event<char, u32>]| (regular(history).holds(), safe(history).holds());
    // New-old inversion: regular, not atomic.
    let inversion = [write(1, 0, 1), write(2, 10, 20), read(Some(2), 11, 12), read(Some(1), 13, 14)];
    assert_eq!(judge(&inversion), (true, true));
    // During a write a safe register may return anything.
    assert_eq!(judge(&[write(1, 0, 1), write(2, 10, 20), read(Some(7), 11, 12)]), (false, true));
    assert_eq!(judge(&[write(1, 0, 1), write(2, 10, 20), read(Some(1), 21, 22)]), (false, false));
    assert_eq!(judge(&[write(1, 0, 1), read(None, 2, 3)]), (false, false));
    assert_eq!(judge(&[write(1, 5, 6), read(None, 2, 5)]), (true, true));
    assert_eq!(judge(&[write(1, 5, 6), read(Some(1), 2, 4)]), (false, false));
}

#[test]
fn staleness_is_measured() {
    use register::Access::{Read, Write};
    use register::Answer::{Value, Written};
    let write = |v, from, to| Operation::completed(0, Write(v), from, to, Written);
    let read = |v, from, to| Operation::completed(1, Read, from, to, Value(v));
    let limits = Limits::default();
    let measure = |history: &[_]| (least_k(&0, history, 5, limits).unwrap(), least_delta(&0, history, limits).unwrap());
    assert_eq!(measure(&[write(1, 0, 10), read(1, 20, 30)]), (Some(1), Some(0)));
    // 1 was overwritten at 30 at the latest, and read at 50: the read would have to begin 20 earlier.
    assert_eq!(measure(&[write(1, 0, 10), write(2, 20, 30), read(1, 50, 60)]), (Some(2), Some(20)));
    let two_behind = [write(1, 0, 10), write(2, 20, 30), write(3, 40, 45), read(1, 50, 60)];
    assert_eq!(measure(&two_behind), (Some(3), Some(20)));
    // Never written; and written only later.
    assert_eq!(measure(&[read(9, 0, 1)]), (None, None));
    assert_eq!(measure(&[read(9, 0, 1), write(9, 5, 6)]), (None, None));
}

#[test]
fn convergence() {
    let write = Event { session: 0, access: Access::Write('x', 1), invoked: 0, returned: Some(1) };
    let read = |session, v, invoked| Event { session, access: Access::Read('x', v), invoked, returned: Some(invoked) };
    assert!(eventual(&[write.clone(), read(1, None, 5), read(1, Some(1), 10), read(2, Some(1), 11)], 10).holds());
    assert_eq!(pattern(eventual(&[write.clone(), read(1, Some(1), 10), read(2, None, 11)], 10)), "LostConvergence");
    let other = Event { access: Access::Write('x', 2), ..write.clone() };
    assert_eq!(pattern(eventual(&[write, other, read(1, Some(1), 10), read(2, Some(2), 11)], 10)), "Divergence");
    let seen =
        |replica, updates: &[u8], state| Observation { replica, updates: updates.iter().copied().collect(), state };
    assert!(strong_eventual(&[seen(0, &[1, 2], 'a'), seen(1, &[1], 'b'), seen(1, &[2, 1], 'a')]).holds());
    assert_eq!(pattern(strong_eventual(&[seen(0, &[1, 2], 'a'), seen(1, &[2, 1], 'b')])), "Divergence");
}

/// All strict partial orders on `0..count`, each as rows of bits: who is after whom.
fn partial_orders(count: usize) -> Vec<Vec<u8>> {
    let mut all = vec![vec![0u8; count]];
    for b in 0..count {
        for a in 0..b {
            let extended = all.iter().flat_map(|rows| {
                [(a, b), (b, a)].into_iter().map(|(x, y)| {
                    let mut rows = rows.clone();
                    rows[x] |= 1 << y;
                    rows
                })
            });
            let extended: Vec<Vec<u8>> = extended.collect();
            all.extend(extended);
        }
    }
    let transitive = |rows: &Vec<u8>| {
        (0..count).all(|a| (0..count).filter(|&b| rows[a] >> b & 1 == 1).all(|b| rows[b] & !rows[a] == 0))
    };
    all.retain(transitive);
    all
}

/// Calls `f` with each order of `members` that respects the partial order, until one is good.
fn some_order(members: u8, order: &[u8], placed: &mut Vec<usize>, good: &mut dyn FnMut(&[usize]) -> bool) -> bool {
    let left = (0..order.len()).filter(|&n| members >> n & 1 == 1 && !placed.contains(&n));
    let left: Vec<usize> = left.collect();
    if left.is_empty() {
        return good(placed);
    }
    for &n in &left {
        if left.iter().any(|&other| order[other] >> n & 1 == 1) {
            continue;
        }
        placed.push(n);
        let found = some_order(members, order, placed, good);
        placed.pop();
        if found {
            return true;
        }
    }
    false
}

/// Whether the reads among `visible` return what a register would in this order.
fn explains(history: &History, order: &[usize], visible: u8) -> bool {
    let mut last = std::collections::BTreeMap::new();
    order.iter().all(|&n| match &history[n].access {
        Access::Write(key, v) => {
            last.insert(*key, *v);
            true
        }
        Access::Read(key, v) => visible >> n & 1 == 0 || last.get(key).copied() == *v,
    })
}

fn session_order(history: &History) -> Vec<u8> {
    let later = |a: usize| (a + 1..history.len()).filter(move |&b| history[a].session == history[b].session);
    (0..history.len()).map(|a| later(a).map(|b| 1 << b).sum()).collect()
}

fn causal_past(order: &[u8], n: usize) -> u8 {
    1 << n | (0..order.len()).filter(|&a| order[a] >> n & 1 == 1).map(|a| 1 << a).sum::<u8>()
}

/// Bouajjani 2017, definitions 3 to 5, word for word; and Perrin 2016's reading of causal memory.
fn causal_by_definition(history: &History, orders: &[Vec<u8>]) -> (bool, bool, bool) {
    let sessions = session_order(history);
    let count = history.len();
    let (mut cc, mut ccv, mut cm) = (false, false, false);
    for order in orders {
        if (0..count).any(|a| sessions[a] & !order[a] != 0) {
            continue;
        }
        let explained = |n: usize, visible: u8| {
            some_order(causal_past(order, n), order, &mut Vec::new(), &mut |line| explains(history, line, visible))
        };
        cc = cc || (0..count).all(|n| explained(n, 1 << n));
        let own_past =
            |n: usize| 1 << n | (0..count).filter(|&a| sessions[a] >> n & 1 == 1).map(|a| 1 << a).sum::<u8>();
        cm = cm || (0..count).all(|n| explained(n, own_past(n)));
        ccv = ccv
            || some_order(((1u16 << count) - 1) as u8, order, &mut Vec::new(), &mut |line| {
                (0..count).all(|n| {
                    let past = causal_past(order, n);
                    let seen: Vec<usize> = line.iter().copied().filter(|&a| past >> a & 1 == 1).collect();
                    // What comes after n in the common order is not in its past.
                    explains(history, &seen, 1 << n)
                })
            });
    }
    (cc, ccv, cm)
}

fn pram_by_definition(history: &History) -> bool {
    let order = session_order(history);
    (0..4).all(|session| {
        let counts = |n: &usize| history[*n].session == session || matches!(history[*n].access, Access::Write(..));
        let members = (0..history.len()).filter(counts).map(|n| 1 << n).sum::<u8>();
        some_order(members, &order, &mut Vec::new(), &mut |line| explains(history, line, 0xff))
    })
}

/// The axioms: is there a set of writes that each read sees, and an order of all writes?
fn guarantees_by_definition(history: &History, asked: Guarantees) -> bool {
    let order = session_order(history);
    let writes: Vec<usize> = (0..history.len()).filter(|&n| matches!(history[n].access, Access::Write(..))).collect();
    let reads: Vec<usize> = (0..history.len()).filter(|n| !writes.contains(n)).collect();
    let members = writes.iter().map(|n| 1 << n).sum::<u8>();
    let free = vec![0u8; history.len()];
    let readers_are_monotonic = asked.monotonic_reads || asked.monotonic_writes || asked.writes_follow_reads;
    let before = |a: usize, b: usize| order[a] >> b & 1 == 1;
    some_order(members, &free, &mut Vec::new(), &mut |line: &[usize]| {
        let rank = |w: usize| line.iter().position(|&n| n == w).unwrap();
        // Every choice of what each read sees.
        (0u32..1 << (writes.len() * reads.len())).any(|choice| {
            let sees = |r: usize, w: usize| {
                let (r, w) =
                    (reads.iter().position(|&n| n == r).unwrap(), writes.iter().position(|&n| n == w).unwrap());
                choice >> (r * writes.len() + w) & 1 == 1
            };
            let all_writes = |f: &dyn Fn(usize) -> bool| writes.iter().all(|&w| f(w));
            reads.iter().all(|&r| {
                let Access::Read(key, value) = &history[r].access else { unreachable!() };
                let of_key = writes.iter().copied().filter(|&w| sees(r, w) && history[w].access.key() == key);
                let last = of_key.max_by_key(|&w| rank(w)).map(|w| match history[w].access {
                    Access::Write(_, v) => v,
                    Access::Read(..) => unreachable!(),
                });
                last == *value
                    && all_writes(&|w| !(before(r, w) && sees(r, w)))
                    && (!asked.read_your_writes || all_writes(&|w| !before(w, r) || sees(r, w)))
                    && (!readers_are_monotonic
                        || reads.iter().all(|&s| !before(s, r) || all_writes(&|w| !sees(s, w) || sees(r, w))))
                    && (!asked.monotonic_writes
                        || all_writes(&|b| {
                            all_writes(&|a| !before(a, b) || (rank(a) < rank(b) && (!sees(r, b) || sees(r, a))))
                        }))
                    && (!asked.writes_follow_reads
                        || all_writes(&|b| {
                            reads.iter().filter(|&&s| before(s, b)).all(|&s| {
                                all_writes(&|a| !sees(s, a) || (rank(a) < rank(b) && (!sees(r, b) || sees(r, a))))
                            })
                        }))
            })
        })
    })
}

/// Small histories with unique writes: each read returns a write of its key, whoever made it, or nothing.
fn small(most: usize) -> impl Strategy<Value = History> {
    let event = (0u64..3, any::<bool>(), 0usize..2, any::<prop::sample::Index>());
    prop::collection::vec(event, 1..=most).prop_map(|drawn| {
        let key = |at: usize| ['x', 'y'][at];
        let writes: Vec<(char, u32)> =
            (1..).zip(&drawn).filter(|(_, event)| event.1).map(|(n, event)| (key(event.2), n)).collect();
        let events = (1u32..).zip(&drawn).map(|(n, &(session, is_write, at, pick))| {
            let of_key: Vec<Option<u32>> =
                writes.iter().filter(|(k, _)| *k == key(at)).map(|&(_, v)| Some(v)).chain([None]).collect();
            let access = if is_write {
                Access::Write(key(at), n)
            } else {
                Access::Read(key(at), of_key[pick.index(of_key.len())])
            };
            Event { session, access, invoked: n.into(), returned: Some(n.into()) }
        });
        events.collect()
    })
}

thread_local! {
    static ORDERS: Vec<Vec<Vec<u8>>> = (0..=5).map(partial_orders).collect();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn causal_models_are_as_defined(history in small(5)) {
        let (cc, ccv, cm) = ORDERS.with(|orders| causal_by_definition(&history, &orders[history.len()]));
        prop_assert_eq!(causal(&history).holds(), cc, "CC");
        prop_assert_eq!(causal_convergence(&history).holds(), ccv, "CCv");
        prop_assert_eq!(causal_memory(&history).holds(), cm, "CM");
        prop_assert_eq!(pram(&history).holds(), pram_by_definition(&history), "PRAM");
    }

    #[test]
    fn pram_is_as_defined(history in small(8)) {
        prop_assert_eq!(pram(&history).holds(), pram_by_definition(&history));
    }

    #[test]
    fn guarantees_are_as_defined(history in small(6), bits in 0u8..16) {
        let asked = Guarantees {
            read_your_writes: bits & 1 != 0,
            monotonic_reads: bits & 2 != 0,
            monotonic_writes: bits & 4 != 0,
            writes_follow_reads: bits & 8 != 0,
        };
        prop_assert_eq!(guarantees(&history, asked).holds(), guarantees_by_definition(&history, asked), "{:?}", asked);
    }

    /// The order of the models.
    #[test]
    fn stronger_models_imply_weaker_ones(history in small(12)) {
        let all = Guarantees { read_your_writes: true, monotonic_reads: true, monotonic_writes: true, writes_follow_reads: true };
        let (cc, ccv, cm) = (causal(&history).holds(), causal_convergence(&history).holds(), causal_memory(&history).holds());
        prop_assert!(cc || !(ccv || cm));
        prop_assert!(pram(&history).holds() || !cm);
        prop_assert_eq!(guarantees(&history, all).holds(), ccv, "the four guarantees with one order of writes are CCv");
        let consistent = sequential(&kv::Kv::new(), &as_store(&history), limits());
        if let Sequential::Consistent(_) = consistent {
            prop_assert!(ccv && cm);
        }
        if Checker::new(kv::Kv::new()).check(&as_store(&history)).is_linearizable() {
            prop_assert!(matches!(consistent, Sequential::Consistent(_)));
            prop_assert!(regular(&history).holds());
        }
        prop_assert!(safe(&history).holds() || !regular(&history).holds());
    }

    #[test]
    fn sequential_consistency_is_as_defined(history in small(7), pending in 0u8..8) {
        let mut history = as_store(&history);
        for (n, operation) in history.iter_mut().enumerate() {
            if pending >> (n % 3) & 1 == 1 && n % 2 == 1 {
                (operation.returned, operation.ret) = (None, None);
            }
        }
        check_sequential(&kv::Kv::new(), &history)?;
    }

    #[test]
    fn sequential_queues(ops in prop::collection::vec((0u64..3, 0u8..6), 1..8)) {
        let operations = ops.iter().map(|&(process, what)| match what {
            0 => Operation::completed(process, queue::Request::Enqueue(1u8), 0, 0, queue::Answer::Enqueued),
            1 => Operation::completed(process, queue::Request::Enqueue(2), 0, 0, queue::Answer::Enqueued),
            2 => Operation::completed(process, queue::Request::Dequeue, 0, 0, queue::Answer::Dequeued(None)),
            3 => Operation::completed(process, queue::Request::Dequeue, 0, 0, queue::Answer::Dequeued(Some(1))),
            4 => Operation::completed(process, queue::Request::Dequeue, 0, 0, queue::Answer::Dequeued(Some(2))),
            _ => Operation::pending(process, queue::Request::Dequeue, 0),
        });
        check_sequential(&queue::Queue::new(), &operations.collect::<Vec<_>>())?;
    }

    /// k against its definition; Δ against trying every shift.
    #[test]
    fn staleness_is_as_defined(events in prop::collection::vec((any::<bool>(), 0u8..4, 0u64..12, 0u64..4), 1..7)) {
        let history: Vec<Operation<register::Access<u8>, register::Answer<u8>>> = (0u8..)
            .zip(&events)
            .map(|(n, &(is_write, value, invoked, length))| {
                if is_write {
                    Operation::completed(n.into(), register::Access::Write(n + 1), invoked, invoked + length, register::Answer::Written)
                } else {
                    Operation::completed(n.into(), register::Access::Read, invoked, invoked + length, register::Answer::Value(value))
                }
            })
            .collect();
        let k = (1..=7).find(|&k| k_atomic(&history, k));
        prop_assert_eq!(least_k(&0, &history, 7, Limits::default()), Ok(k));
        let delta = (0..=12).find(|&delta| {
            let earlier = history.iter().cloned().map(|operation| match operation.op {
                register::Access::Read => Operation { invoked: operation.invoked.saturating_sub(delta), ..operation },
                register::Access::Write(_) => operation,
            });
            crate::linearizability::brute_force(&register::Register::new(0), &earlier.collect())
        });
        prop_assert_eq!(least_delta(&0, &history, Limits::default()), Ok(delta));
    }
}

fn as_store(history: &History) -> Vec<Operation<kv::Request<char, u32>, kv::Answer<u32>>> {
    let operations = history.iter().map(|event| {
        let (op, ret) = match &event.access {
            Access::Write(key, v) => (kv::Request::Put(*key, *v), kv::Answer::Done),
            Access::Read(key, v) => (kv::Request::Get(*key), kv::Answer::Value(*v)),
        };
        Operation { process: event.session, op, invoked: event.invoked, returned: event.returned, ret: Some(ret) }
    });
    operations.collect()
}

/// Sequential consistency is linearizability where the clock counts for one process at a time only.
fn check_sequential<S: Specification>(spec: &S, history: &[Operation<S::Op, S::Ret>]) -> Result<(), TestCaseError> {
    fn place<S: Specification>(
        spec: &S,
        history: &[Operation<S::Op, S::Ret>],
        done: &[bool],
        state: &S::State,
    ) -> bool {
        if (0..history.len()).all(|n| done[n] || history[n].returned.is_none()) {
            return true;
        }
        // The pending ones that an operation jumps over are lost.
        for n in (0..history.len()).filter(|&n| !done[n]).collect::<Vec<_>>() {
            let earlier: Vec<usize> =
                (0..n).filter(|&m| !done[m] && history[m].process == history[n].process).collect();
            if earlier.iter().any(|&m| history[m].returned.is_some()) {
                continue;
            }
            let mut next = state.clone();
            let ret = history[n].ret.as_ref().filter(|_| history[n].returned.is_some());
            if let Step::Illegal = spec.apply(&mut next, &history[n].op, ret) {
                continue;
            }
            let mut done = done.to_vec();
            earlier.iter().chain([&n]).for_each(|&m| done[m] = true);
            if place(spec, history, &done, &next) {
                return true;
            }
        }
        false
    }
    let expected = place(spec, history, &vec![false; history.len()], &spec.initial());
    match sequential(spec, history, limits()) {
        Sequential::Consistent(order) => {
            prop_assert!(expected);
            let mut state = spec.initial();
            let mut seen = BTreeSet::new();
            for &n in &order {
                let ret = history[n].ret.as_ref().filter(|_| history[n].returned.is_some());
                prop_assert!(!matches!(spec.apply(&mut state, &history[n].op, ret), Step::Illegal));
                prop_assert!(seen.insert(n));
                let later = |&m: &usize| m > n && history[m].process == history[n].process;
                prop_assert!(!seen.iter().any(later), "session order");
            }
            prop_assert!((0..history.len()).all(|n| seen.contains(&n) || history[n].returned.is_none()));
        }
        Sequential::Violation { .. } => prop_assert!(!expected),
        Sequential::Unknown(steps) => prop_assert!(false, "gave up after {steps} steps"),
    }
    Ok(())
}

/// By trying all orders: each read returns one of the last k values.
fn k_atomic(history: &[Operation<register::Access<u8>, register::Answer<u8>>], k: usize) -> bool {
    fn place(
        history: &[Operation<register::Access<u8>, register::Answer<u8>>],
        k: usize,
        left: &mut Vec<usize>,
        values: &mut Vec<u8>,
    ) -> bool {
        if left.is_empty() {
            return true;
        }
        for at in 0..left.len() {
            let n = left[at];
            if left.iter().any(|&m| history[m].returned.unwrap() < history[n].invoked) {
                continue;
            }
            let recent = &values[values.len().saturating_sub(k)..];
            match (history[n].op, history[n].ret) {
                (register::Access::Read, Some(register::Answer::Value(v))) if !recent.contains(&v) => continue,
                (register::Access::Write(v), _) => values.push(v),
                _ => {}
            }
            left.remove(at);
            let found = place(history, k, left, values);
            left.insert(at, n);
            if let register::Access::Write(_) = history[n].op {
                values.pop();
            }
            if found {
                return true;
            }
        }
        false
    }
    place(history, k, &mut (0..history.len()).collect(), &mut vec![0])
}
