//! Random histories: what a correct object does is accepted, one changed answer is judged as the definition judges it,
//! names do not matter, and algorithms agree.

use super::{Ops, agree, is_linearisation};
use proptest::prelude::*;
use seedbed_properties::checkers::linearizability::specs::*;
use seedbed_properties::checkers::linearizability::{Checker, Limits, Operation, Specification, Step, Verdict};

/// One step of a schedule: which client, and what it asks if it is idle.
type Tick<O> = (usize, O);

/// What a correct object does: a client that is picked invokes, then takes effect, then returns. Whoever is open at the
/// end stays pending, with or without having taken effect.
fn record<S: Specification>(spec: &S, answers: &[S::Ret], clients: usize, ticks: &[Tick<S::Op>]) -> Ops<S> {
    let mut state = spec.initial();
    let mut history: Ops<S> = Vec::new();
    let mut open: Vec<Option<usize>> = vec![None; clients];
    for (now, (client, op)) in (0u64..).zip(ticks) {
        let client = client % clients;
        let Some(n) = open[client] else {
            open[client] = Some(history.len());
            history.push(Operation::pending(client as u64, op.clone(), now));
            continue;
        };
        if history[n].ret.is_none() {
            // The answer is the first that is legal; where none is (the lock is taken), the client waits.
            let asked = history[n].op.clone();
            let legal = |ret: &&S::Ret| !matches!(spec.apply(&mut state.clone(), &asked, Some(*ret)), Step::Illegal);
            if let Some(ret) = answers.iter().find(legal) {
                spec.apply(&mut state, &asked, Some(ret));
                history[n].ret = Some(ret.clone());
            }
        } else {
            history[n].returned = Some(now);
            open[client] = None;
        }
    }
    history.iter_mut().filter(|operation| operation.returned.is_none()).for_each(|operation| operation.ret = None);
    history
}

fn ticks<O: Clone + std::fmt::Debug + 'static>(ops: Vec<O>, count: usize) -> impl Strategy<Value = Vec<Tick<O>>> {
    prop::collection::vec((0usize..8, prop::sample::select(ops)), 1..count)
}

/// Accepts a correct history, whole and twice in a row, and judges it like the definition once an answer is changed.
fn correct_and_mutated<S: Specification + Clone>(
    spec: S,
    answers: &[S::Ret],
    history: &Ops<S>,
    mutation: (prop::sample::Index, prop::sample::Index),
) -> Result<(), TestCaseError> {
    for checker in [Checker::new(spec.clone()), Checker::new(spec.clone()).search_only().whole()] {
        let limits = Limits { steps: 1_000_000, configurations: 100_000, ..Limits::default() };
        match checker.limits(limits).check(history) {
            Verdict::Linearizable(order) => prop_assert!(is_linearisation(&spec, history, &order)),
            other => prop_assert!(false, "{other:?} for {history:#?}"),
        }
    }
    let mut small: Ops<S> = history.iter().take(7).cloned().collect();
    let returned: Vec<usize> = (0..small.len()).filter(|&n| small[n].returned.is_some()).collect();
    if returned.is_empty() {
        return Ok(());
    }
    let victim = returned[mutation.0.index(returned.len())];
    small[victim].ret = Some(answers[mutation.1.index(answers.len())].clone());
    agree(&spec, &small);
    Ok(())
}

macro_rules! object {
    ($name:ident, $spec:expr, [$($op:expr),* $(,)?], $answers:expr) => {
        object!($name, $spec, [$($op),*], $answers, 120);
    };
    ($name:ident, $spec:expr, [$($op:expr),* $(,)?], $answers:expr, $length:expr) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
            #[test]
            fn $name(
                ticks in ticks(vec![$($op),*], $length),
                clients in 1usize..8,
                mutation in any::<(prop::sample::Index, prop::sample::Index)>(),
            ) {
                let (spec, answers) = ($spec, $answers);
                let history = record(&spec, &answers, clients, &ticks);
                correct_and_mutated(spec, &answers, &history, mutation)?;
            }
        }
    };
}

object!(
    a_register,
    register::Register::new(0u8),
    [register::Access::Read, register::Access::Write(1), register::Access::Write(2), register::Access::Write(0)],
    [0, 1, 2].map(register::Answer::Value).into_iter().chain([register::Answer::Written]).collect::<Vec<_>>()
);
object!(
    a_cas_register,
    cas_register::CasRegister::new(0u8),
    [
        cas_register::Access::Read,
        cas_register::Access::Write(1),
        cas_register::Access::Cas(0, 1),
        cas_register::Access::Cas(1, 2),
        cas_register::Access::Cas(2, 0),
        cas_register::Access::Cas(1, 1),
    ],
    [
        cas_register::Answer::Value(0),
        cas_register::Answer::Value(1),
        cas_register::Answer::Value(2),
        cas_register::Answer::Written,
        cas_register::Answer::Swapped(true),
        cas_register::Answer::Swapped(false),
    ]
);
object!(
    a_multi_register,
    multi_register::MultiRegister::new(0u8),
    [
        vec![('a', register::Access::Read), ('b', register::Access::Read)],
        vec![('a', register::Access::Write(1)), ('b', register::Access::Write(1))],
        vec![('b', register::Access::Write(0)), ('a', register::Access::Write(1))],
        vec![('b', register::Access::Write(0)), ('a', register::Access::Write(0))],
    ],
    [(0, 0), (0, 1), (1, 0), (1, 1)]
        .map(|(a, b)| vec![register::Answer::Value(a), register::Answer::Value(b)])
        .into_iter()
        .chain([vec![register::Answer::Written; 2]])
        .collect::<Vec<_>>()
);
object!(
    a_store,
    kv::Kv::<char, u8>::new(),
    [
        kv::Request::Get('k'),
        kv::Request::Get('l'),
        kv::Request::Put('k', 1),
        kv::Request::Put('l', 1),
        kv::Request::Put('k', 2),
        kv::Request::Cas('k', Some(1), 2),
        kv::Request::Delete('k'),
    ],
    [None, Some(1), Some(2)]
        .map(kv::Answer::Value)
        .into_iter()
        .chain([kv::Answer::Done, kv::Answer::Swapped(true), kv::Answer::Swapped(false)])
        .collect::<Vec<_>>()
);
object!(
    a_counter,
    counter::Counter,
    [counter::Request::Read, counter::Request::Add(1), counter::Request::Add(-2), counter::Request::AddAndGet(3)],
    (-200..200).map(counter::Answer::Value).chain([counter::Answer::Added]).collect::<Vec<_>>()
);
object!(
    a_set,
    set::Set::<u8>::new(),
    [
        set::Request::Insert(1),
        set::Request::Insert(2),
        set::Request::Remove(1),
        set::Request::Remove(2),
        set::Request::Contains(1),
        set::Request::Read,
    ],
    [vec![], vec![1], vec![2], vec![1, 2]]
        .map(|items| set::Answer::Items(items.into_iter().collect()))
        .into_iter()
        .chain([set::Answer::Said(true), set::Answer::Said(false)])
        .collect::<Vec<_>>()
);
object!(
    a_queue,
    queue::Queue::<u8>::new(),
    [queue::Request::Enqueue(1), queue::Request::Enqueue(2), queue::Request::Enqueue(3), queue::Request::Dequeue],
    [None, Some(1), Some(2), Some(3)]
        .map(queue::Answer::Dequeued)
        .into_iter()
        .chain([queue::Answer::Enqueued])
        .collect::<Vec<_>>(),
    // Of equal items nobody knows which is which, and the search may then be long: see `a_long_queue`.
    60
);
object!(
    a_stack,
    stack::Stack::<u8>::new(),
    [stack::Request::Push(1), stack::Request::Push(2), stack::Request::Push(3), stack::Request::Pop],
    [None, Some(1), Some(2), Some(3)]
        .map(stack::Answer::Popped)
        .into_iter()
        .chain([stack::Answer::Pushed])
        .collect::<Vec<_>>()
);
object!(
    a_mutex,
    mutex::Mutex,
    [mutex::Request::Acquire(1), mutex::Request::TryAcquire(2), mutex::Request::Release(1), mutex::Request::Release(2),],
    [mutex::Answer::Done, mutex::Answer::Took(true), mutex::Answer::Took(false)]
);
object!(
    a_semaphore,
    semaphore::Semaphore::new(3),
    [
        semaphore::Request::Acquire(2),
        semaphore::Request::TryAcquire(1),
        semaphore::Request::TryAcquire(3),
        semaphore::Request::Release(1),
    ],
    [semaphore::Answer::Done, semaphore::Answer::Took(true), semaphore::Answer::Took(false)]
);
object!(
    a_fenced_lock,
    fenced_lock::FencedLock::exclusive(),
    [
        fenced_lock::Request::Acquire(1),
        fenced_lock::Request::Acquire(2),
        fenced_lock::Request::Release(1),
        fenced_lock::Request::Release(2),
        fenced_lock::Request::Use(2),
        fenced_lock::Request::Use(5),
    ],
    (1..150)
        .map(fenced_lock::Answer::Granted)
        .chain([fenced_lock::Answer::Refused])
        .chain([true, false].map(fenced_lock::Answer::Released))
        .chain([true, false].map(fenced_lock::Answer::Used))
        .collect::<Vec<_>>()
);
object!(
    a_log,
    append_only_log::AppendOnlyLog::<u8>::new(),
    [append_only_log::Request::Append(1), append_only_log::Request::Append(2), append_only_log::Request::Read(50)],
    (0..200)
        .map(append_only_log::Answer::At)
        .chain([append_only_log::Answer::Entries(vec![]), append_only_log::Answer::Appended])
        .collect::<Vec<_>>()
);

/// A register history with arbitrary answers: small times, so that many operations overlap and touch.
fn register_history(values: u8, unique: bool) -> impl Strategy<Value = Ops<register::Register<u8>>> {
    let operation = (0u64..14, 0u64..8, any::<bool>(), 0..values, 0u8..8);
    prop::collection::vec(operation, 1..8).prop_map(move |operations| {
        let operations = (0u8..).zip(operations);
        let made = operations.map(|(n, (invoked, length, is_read, value, fate))| {
            let (op, ret) = if is_read {
                (register::Access::Read, register::Answer::Value(value))
            } else if unique {
                (register::Access::Write(n + 1), register::Answer::Written)
            } else {
                (register::Access::Write(value), register::Answer::Written)
            };
            let returned = (fate != 0).then_some(invoked + length);
            let ret = returned.and((fate != 1).then_some(ret));
            Operation { process: n.into(), op, invoked, returned, ret }
        });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The polynomial algorithm, the search, and the definition, on registers whose writes are unique.
    #[test]
    fn algorithms_agree_on_unique_writes(history in register_history(8, true)) {
        agree_in_time(&register::Register::new(0), &history);
    }

    #[test]
    fn algorithms_agree_on_any_writes(history in register_history(3, false)) {
        agree_in_time(&register::Register::new(0), &history);
    }

    /// Other names for processes and values, another unit of time, another order of the list: the same verdict.
    #[test]
    fn names_do_not_matter(history in register_history(4, false), shift in 1u8..50) {
        let verdict = Checker::new(register::Register::new(0)).check(&history).is_linearizable();
        let renamed = history.iter().rev().map(|operation| Operation {
            process: 99 - operation.process,
            op: match operation.op {
                register::Access::Read => register::Access::Read,
                register::Access::Write(v) => register::Access::Write(v ^ shift),
            },
            invoked: 3 * operation.invoked + 5,
            returned: operation.returned.map(|returned| 3 * returned + 5),
            ret: operation.ret.map(|ret| match ret {
                register::Answer::Value(v) => register::Answer::Value(v ^ shift),
                register::Answer::Written => register::Answer::Written,
            }),
        });
        let renamed: Ops<register::Register<u8>> = renamed.collect();
        prop_assert_eq!(Checker::new(register::Register::new(shift)).check(&renamed).is_linearizable(), verdict);
        // As keys of a store: each key is judged alone, under any name.
        let stored = |key: u8| history.iter().map(move |operation| Operation {
            // Other clients for the other key: what one client does at one instant has an order.
            process: operation.process + 100 * u64::from(key),
            op: match operation.op {
                register::Access::Read => kv::Request::Get(key),
                register::Access::Write(v) => kv::Request::Put(key, v),
            },
            invoked: operation.invoked,
            returned: operation.returned,
            ret: operation.ret.map(|ret| match ret {
                register::Answer::Value(v) => kv::Answer::Value(Some(v)),
                register::Answer::Written => kv::Answer::Done,
            }),
        });
        let both: Vec<_> = stored(shift).chain(stored(shift + 1)).collect();
        let store = Checker::new(kv::Kv::<u8, u8>::reading_absent_as(0));
        prop_assert_eq!(store.check(&both).is_linearizable(), verdict);
        prop_assert_eq!(store.whole().check(&both).is_linearizable(), verdict);
    }

    /// A good history after a good history is good, if the second begins where the first may end.
    #[test]
    fn good_after_good_is_good(first in register_history(3, false), second in register_history(3, false)) {
        let checker = Checker::new(register::Register::new(0u8));
        // Without pending operations, which might come in between; and the second begins with a write of 0.
        let complete = |history: Ops<register::Register<u8>>| -> Ops<register::Register<u8>> {
            history.into_iter().filter(|operation| operation.returned.is_some()).collect()
        };
        let (first, second) = (complete(first), complete(second));
        let verdict = checker.check(&first).is_linearizable() && checker.check(&second).is_linearizable();
        let reset = Operation::completed(0, register::Access::Write(0), 100, 101, register::Answer::Written);
        let later = second.into_iter().map(|operation| Operation {
            invoked: operation.invoked + 200,
            returned: operation.returned.map(|returned| returned + 200),
            ..operation
        });
        let both: Vec<_> = first.into_iter().chain([reset]).chain(later).collect();
        prop_assert_eq!(checker.check(&both).is_linearizable(), verdict);
        prop_assert_eq!(checker.search_only().check(&both).is_linearizable(), verdict);
    }
}

/// Like `agree`, for histories in which events may fall together: there, prefixes are not counted.
fn agree_in_time<S: Specification + Clone>(spec: &S, history: &Ops<S>) {
    let expected = super::brute_force(spec, history);
    for checker in [Checker::new(spec.clone()), Checker::new(spec.clone()).search_only()] {
        match checker.check(history) {
            Verdict::Linearizable(order) => {
                assert!(expected, "accepts what is not linearizable: {history:#?}");
                assert!(is_linearisation(spec, history, &order), "gives a wrong order {order:?}: {history:#?}");
            }
            Verdict::Violation(why) => assert!(!expected, "rejects what is linearizable: {history:#?}\n{why}"),
            Verdict::Unknown(why) => panic!("gave up: {why}"),
        }
    }
}

/// A history of up to 14 operations that overlap widely, many of them pending, with arbitrary answers of the right kind.
fn wide<O: Clone + std::fmt::Debug + 'static, R: Clone + std::fmt::Debug + 'static>(
    alphabet: Vec<(O, R)>,
) -> impl Strategy<Value = Vec<Operation<O, R>>> {
    let operation = (prop::sample::select(alphabet), 0u64..40, 0u64..25, 0u8..10);
    prop::collection::vec(operation, 6..15).prop_map(|operations| {
        let made = (0u64..).zip(operations).map(|(process, ((op, ret), invoked, length, fate))| {
            let returned = (fate > 2).then_some(invoked + length);
            Operation { process, op, invoked, returned, ret: returned.and((fate > 3).then_some(ret)) }
        });
        made.collect()
    })
}

/// The verdict, in every way, is that of the definition.
fn agree_on_wide<S: Specification + Clone>(spec: S, history: &Ops<S>) -> Result<(), TestCaseError> {
    let expected = super::subsets(&spec, history);
    let small = Limits { steps: 10_000_000, configurations: 8, ..Limits::default() };
    let checkers = [
        Checker::new(spec.clone()),
        Checker::new(spec.clone()).search_only().whole(),
        Checker::new(spec.clone()).search_only().limits(small),
    ];
    for checker in checkers {
        match checker.check(history) {
            Verdict::Linearizable(order) => {
                prop_assert!(expected && is_linearisation(&spec, history, &order), "order {order:?} of {history:#?}");
            }
            Verdict::Violation(why) => prop_assert!(!expected, "{why} of {history:#?}"),
            Verdict::Unknown(why) => prop_assert!(false, "gave up: {why}"),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wide_cas_registers(history in wide(vec![
        (cas_register::Access::Read, cas_register::Answer::Value(0u8)),
        (cas_register::Access::Read, cas_register::Answer::Value(1)),
        (cas_register::Access::Read, cas_register::Answer::Value(2)),
        (cas_register::Access::Write(1), cas_register::Answer::Written),
        (cas_register::Access::Write(2), cas_register::Answer::Written),
        (cas_register::Access::Cas(1, 2), cas_register::Answer::Swapped(true)),
        (cas_register::Access::Cas(2, 0), cas_register::Answer::Swapped(true)),
        (cas_register::Access::Cas(1, 2), cas_register::Answer::Swapped(false)),
    ])) {
        agree_on_wide(cas_register::CasRegister::new(0), &history)?;
    }

    #[test]
    fn wide_registers_and_stores(history in wide(vec![
        (kv::Request::Get('k'), kv::Answer::Value(None)),
        (kv::Request::Get('k'), kv::Answer::Value(Some(vec![1u8]))),
        (kv::Request::Get('k'), kv::Answer::Value(Some(vec![1, 2]))),
        (kv::Request::Put('k', vec![1]), kv::Answer::Done),
        (kv::Request::Append('k', vec![2]), kv::Answer::Done),
        (kv::Request::Append('k', vec![1]), kv::Answer::Done),
        (kv::Request::Delete('k'), kv::Answer::Done),
    ])) {
        agree_on_wide(kv::Kv::new(), &history)?;
    }

    #[test]
    fn wide_queues(history in wide(vec![
        (queue::Request::Enqueue(1u8), queue::Answer::Enqueued),
        (queue::Request::Enqueue(2), queue::Answer::Enqueued),
        (queue::Request::Dequeue, queue::Answer::Dequeued(None)),
        (queue::Request::Dequeue, queue::Answer::Dequeued(Some(1))),
        (queue::Request::Dequeue, queue::Answer::Dequeued(Some(2))),
    ])) {
        agree_on_wide(queue::Queue::new(), &history)?;
    }

    #[test]
    fn wide_stacks(history in wide(vec![
        (stack::Request::Push(1u8), stack::Answer::Pushed),
        (stack::Request::Push(2), stack::Answer::Pushed),
        (stack::Request::Pop, stack::Answer::Popped(None)),
        (stack::Request::Pop, stack::Answer::Popped(Some(1))),
        (stack::Request::Pop, stack::Answer::Popped(Some(2))),
    ])) {
        agree_on_wide(stack::Stack::new(), &history)?;
    }

    #[test]
    fn wide_semaphores(history in wide(vec![
        (semaphore::Request::Acquire(1), semaphore::Answer::Done),
        (semaphore::Request::Acquire(2), semaphore::Answer::Done),
        (semaphore::Request::TryAcquire(2), semaphore::Answer::Took(true)),
        (semaphore::Request::TryAcquire(1), semaphore::Answer::Took(false)),
        (semaphore::Request::Release(1), semaphore::Answer::Done),
        (semaphore::Request::Release(2), semaphore::Answer::Done),
    ])) {
        agree_on_wide(semaphore::Semaphore::new(3), &history)?;
    }
}
