//! The checkers against the definition: every small history of every specification, and random ones.

use std::collections::BTreeSet;

use super::{agree, exhaust};
use seedbed_properties::checkers::linearizability::Specification;
use seedbed_properties::checkers::linearizability::specs::*;

/// All histories of up to three operations; of four, a sample (see `exhaust`).
fn all_small<S: Specification + Clone>(spec: S, alphabet: &[(S::Op, Option<S::Ret>)]) {
    let (good, bad) = exhaust(&spec, alphabet, 3, |history| agree(&spec, history));
    assert!(good > 50 && bad > 50, "both kinds must occur: {good} good, {bad} bad");
}

#[test]
fn register() {
    use register::{Access::*, Answer::*, Register};
    let alphabet = [
        (Read, Some(Value(0u8))),
        (Read, Some(Value(1))),
        (Read, Some(Value(2))),
        (Read, None),
        (Write(0), Some(Written)),
        (Write(1), Some(Written)),
        (Write(2), Some(Written)),
    ];
    all_small(Register::new(0), &alphabet);
}

#[test]
fn cas_register() {
    use cas_register::{Access::*, Answer::*, CasRegister};
    let alphabet = [
        (Read, Some(Value(0u8))),
        (Read, Some(Value(1))),
        (Write(1), Some(Written)),
        (Cas(0, 1), Some(Swapped(true))),
        (Cas(0, 1), Some(Swapped(false))),
        (Cas(0, 1), None),
        (Cas(1, 0), Some(Swapped(true))),
        (Cas(1, 1), Some(Swapped(true))),
        (Cas(1, 1), Some(Swapped(false))),
    ];
    all_small(CasRegister::new(0), &alphabet);
}

#[test]
fn multi_register() {
    use multi_register::MultiRegister;
    use register::{Access::*, Answer::*};
    let alphabet = [
        (vec![('a', Read)], Some(vec![Value(0u8)])),
        (vec![('a', Read), ('b', Read)], Some(vec![Value(1), Value(0)])),
        (vec![('a', Read), ('b', Read)], Some(vec![Value(1), Value(1)])),
        (vec![('a', Write(1)), ('a', Read)], Some(vec![Written, Value(1)])),
        (vec![('b', Write(1)), ('a', Read)], Some(vec![Written, Value(0)])),
        (vec![('a', Write(1)), ('b', Write(1))], Some(vec![Written, Written])),
        (vec![('b', Write(0)), ('b', Read), ('b', Write(1))], Some(vec![Written, Value(0), Written])),
    ];
    all_small(MultiRegister::new(0), &alphabet);
}

#[test]
fn kv() {
    use kv::{Answer::*, Kv, Request::*};
    let text = |s: &str| s.to_string();
    let alphabet = [
        (Get('k'), Some(Value(None))),
        (Get('k'), Some(Value(Some(text("a"))))),
        (Get('k'), Some(Value(Some(text("ab"))))),
        (Put('k', text("a")), Some(Done)),
        (Put('l', text("a")), Some(Done)),
        (Append('k', text("b")), Some(Done)),
        (Append('k', text("a")), Some(Done)),
        (Cas('k', Some(text("a")), text("b")), Some(Swapped(true))),
        (Cas('k', None, text("a")), Some(Swapped(false))),
        (Delete('k'), Some(Done)),
    ];
    all_small(Kv::new(), &alphabet);
}

#[test]
fn kv_with_a_default() {
    use kv::{Answer::*, Kv, Request::*};
    let alphabet = [
        (Get('k'), Some(Value(Some(vec![7u8])))),
        (Get('k'), Some(Value(Some(vec![7, 8])))),
        (Get('l'), Some(Value(Some(vec![8])))),
        (Append('k', vec![8]), Some(Done)),
        (Put('l', vec![8]), Some(Done)),
        (Put('k', vec![7]), Some(Done)),
        (Cas('k', Some(vec![7]), vec![8]), Some(Swapped(true))),
        (Delete('k'), Some(Done)),
    ];
    all_small(Kv::reading_absent_as(vec![7]), &alphabet);
}

#[test]
fn counter() {
    use counter::{Answer::*, Counter, Request::*};
    let alphabet = [
        (Read, Some(Value(0))),
        (Read, Some(Value(1))),
        (Read, Some(Value(-1))),
        (Add(1), Some(Added)),
        (Add(-1), Some(Added)),
        (AddAndGet(1), Some(Value(1))),
        (AddAndGet(1), Some(Value(2))),
        (AddAndGet(-2), Some(Value(-1))),
    ];
    all_small(Counter, &alphabet);
}

#[test]
fn set() {
    use set::{Answer::*, Request::*, Set};
    let alphabet = [
        (Insert(1u8), Some(Done)),
        (Insert(1), Some(Said(true))),
        (Insert(1), Some(Said(false))),
        (Insert(2), Some(Said(true))),
        (Remove(1), Some(Said(true))),
        (Remove(1), Some(Said(false))),
        (Contains(1), Some(Said(true))),
        (Contains(1), Some(Said(false))),
        (Read, Some(Items(BTreeSet::from([1])))),
        (Read, Some(Items(BTreeSet::from([1, 2])))),
    ];
    all_small(Set::new(), &alphabet);
}

#[test]
fn queue() {
    use queue::{Answer::*, Queue, Request::*};
    let alphabet = [
        (Enqueue(1u8), Some(Enqueued)),
        (Enqueue(2), Some(Enqueued)),
        (Dequeue, Some(Dequeued(None))),
        (Dequeue, Some(Dequeued(Some(1)))),
        (Dequeue, Some(Dequeued(Some(2)))),
        (Dequeue, None),
    ];
    all_small(Queue::new(), &alphabet);
    let (good, bad) = exhaust(&Queue::new(), &alphabet[..5], 4, |history| agree(&Queue::new(), history));
    assert!(good > 1000 && bad > 1000);
}

#[test]
fn stack() {
    use stack::{Answer::*, Request::*, Stack};
    let alphabet = [
        (Push(1u8), Some(Pushed)),
        (Push(2), Some(Pushed)),
        (Pop, Some(Popped(None))),
        (Pop, Some(Popped(Some(1)))),
        (Pop, Some(Popped(Some(2)))),
        (Pop, None),
    ];
    all_small(Stack::new(), &alphabet);
    let (good, bad) = exhaust(&Stack::new(), &alphabet[..5], 4, |history| agree(&Stack::new(), history));
    assert!(good > 1000 && bad > 1000);
}

#[test]
fn mutex() {
    use mutex::{Answer::*, Mutex, Request::*};
    let alphabet = [
        (Acquire(1), Some(Done)),
        (Acquire(2), Some(Done)),
        (TryAcquire(1), Some(Took(true))),
        (TryAcquire(1), Some(Took(false))),
        (TryAcquire(2), None),
        (Release(1), Some(Done)),
        (Release(2), Some(Done)),
    ];
    all_small(Mutex, &alphabet);
}

#[test]
fn semaphore() {
    use semaphore::{Answer::*, Request::*, Semaphore};
    let alphabet = [
        (Acquire(1), Some(Done)),
        (Acquire(2), Some(Done)),
        (TryAcquire(2), Some(Took(true))),
        (TryAcquire(1), Some(Took(false))),
        (TryAcquire(1), None),
        (Release(1), Some(Done)),
        (Release(2), Some(Done)),
    ];
    all_small(Semaphore::new(2), &alphabet);
}

#[test]
fn fenced_lock() {
    use fenced_lock::{Answer::*, FencedLock, Request::*};
    let alphabet = [
        (Acquire(1), Some(Granted(1))),
        (Acquire(2), Some(Granted(2))),
        (Acquire(2), Some(Refused)),
        (Acquire(2), None),
        (Release(1), Some(Released(true))),
        (Release(1), Some(Released(false))),
        (Use(1), Some(Used(true))),
        (Use(1), Some(Used(false))),
        (Use(2), Some(Used(true))),
    ];
    all_small(FencedLock::exclusive(), &alphabet);
    all_small(FencedLock::leased(), &alphabet);
}

#[test]
fn append_only_log() {
    use append_only_log::{Answer::*, AppendOnlyLog, Request::*};
    let alphabet = [
        (Append('a'), Some(Appended)),
        (Append('a'), Some(At(0))),
        (Append('b'), Some(At(1))),
        (Append('b'), None),
        (Read(0), Some(Entries(vec![]))),
        (Read(0), Some(Entries(vec!['a', 'b']))),
        (Read(0), Some(Entries(vec!['b']))),
        (Read(1), Some(Entries(vec!['b']))),
        (Read(2), Some(Entries(vec!['a']))),
    ];
    all_small(AppendOnlyLog::new(), &alphabet);
}
