//! What the checker says, what it costs, and where it gives up.

use std::fmt::Write;

use super::judged;
use seedbed_properties::checkers::linearizability::specs::{cas_register, fenced_lock, queue, register};
use seedbed_properties::checkers::linearizability::{Checker, Limits, Operation, Unknown, Verdict};
use seedbed_properties::formats::json::read;

use register::Access::{Read, Write as Set};
use register::Answer::{Value, Written};

/// Writes that nobody saw return, and reads between: the search must not try all subsets of them.
#[test]
fn pending_operations_are_no_cliff() {
    let mut history: Vec<_> = (0..200).map(|n| Operation::pending(n, cas_register::Access::Write(n % 50), n)).collect();
    for n in 0..500 {
        let value = cas_register::Answer::Value(if n % 7 == 0 { 1_000 + n } else { 1_000 + n - n % 7 });
        let (invoked, returned) = (1_000 + 10 * n, 1_005 + 10 * n);
        if n % 7 == 0 {
            let write = cas_register::Access::Write(1_000 + n);
            history.push(Operation::completed(900, write, invoked, returned, cas_register::Answer::Written));
        } else {
            history.push(Operation::completed(901, cas_register::Access::Read, invoked, returned, value));
        }
    }
    let limits = Limits { steps: 300_000, configurations: 10_000, ..Limits::default() };
    let checker = Checker::new(cas_register::CasRegister::new(0)).limits(limits).search_only();
    assert!(checker.check(&history).is_linearizable());
    // Now some of them are seen, the last one a second time although it can have been written only four times.
    for (at, value) in [(10_000, 3), (10_010, 7), (10_020, 3), (10_030, 7), (10_040, 3), (10_050, 7), (10_060, 3)] {
        let answer = cas_register::Answer::Value(value);
        history.push(Operation::completed(902, cas_register::Access::Read, at, at + 5, answer));
    }
    assert!(checker.check(&history).is_linearizable());
    for (at, value) in [(10_070, 7), (10_080, 3)] {
        let answer = cas_register::Answer::Value(value);
        history.push(Operation::completed(902, cas_register::Access::Read, at, at + 5, answer));
    }
    let verdict = checker.check(&history);
    let why = verdict.violation().unwrap_or_else(|| panic!("3 was there five times, and written four: {verdict:?}"));
    assert_eq!(why.culprit, history.len() - 1);
    assert!(why.minimal);
}

/// Beyond its limits the checker says so.
#[test]
fn unknown_is_said() {
    let writes = (0..16).map(|n| Operation::completed(n, Set(n as u8 % 3 + 1), n, 100 + n, Written));
    let reads = (0..30).map(|n| Operation::completed(n, Read, 40 + n, 90 - n / 2, Value((n as u8 * 7) % 3 + 1)));
    let impossible = Operation::completed(99, Read, 200, 201, Value(0));
    let history: Vec<_> = writes.chain(reads).chain([impossible]).collect();
    let limits = Limits { steps: 50, configurations: 10, ..Limits::default() };
    let verdict = Checker::new(register::Register::new(0)).limits(limits).check(&history);
    assert!(matches!(verdict, Verdict::Unknown(Unknown::Steps { limit: 50, .. })), "{verdict:?}");
    // With enough steps but hardly any memory it is only slower.
    let limits = Limits { steps: 10_000_000, configurations: 100, ..Limits::default() };
    let verdict = Checker::new(register::Register::new(0)).limits(limits).check(&history);
    assert_eq!(verdict.violation().expect("a stale read").culprit, 46);
}

#[test]
fn the_story_is_told_and_drawn() {
    let history = [
        Operation::completed(0, Set(1), 0, 10, Written),
        Operation::completed(1, Read, 2, 4, Value(1)),
        Operation::completed(2, Read, 6, 8, Value(0)),
        Operation::completed(1, Read, 20, 30, Value(1)),
    ];
    let verdict = Checker::new(register::Register::new(0)).search_only().check(&history);
    let told = verdict.violation().expect("a stale read").to_string();
    let expected = "\
p2 Read → Value(0) returned at 8, and no order of the operations until then explains it. It is event 5 of the history; \
all before can be explained.
  After p0 Write(1), then p1 Read → Value(1), it would have to return Value(1), not Value(0).
  p0 Write(1)         |---------…
  p1 Read → Value(1)    |-|
  p2 Read → Value(0)        |-|    ← no order explains this";
    assert_eq!(told, expected);
    let verdict = Checker::new(register::Register::new(0)).check(&history);
    let reason = verdict.violation().expect("a stale read").reason.clone();
    assert_eq!(reason.as_deref(), Some("1 came and went while it held 0, and each was written once"));
}

/// The shortest prefix counts what was not known then: a response that came later may forbid what was possible.
#[test]
fn the_shortest_prefix_knows_no_future() {
    use cas_register::{Access, Answer};
    let history = [
        // Had it succeeded, the read would be explained; that it failed is known only at 30.
        Operation::completed(0, Access::Cas(0, 5), 0, 30, Answer::Swapped(false)),
        Operation::completed(1, Access::Read, 5, 10, Answer::Value(5)),
    ];
    let verdict = Checker::new(cas_register::CasRegister::new(0)).check(&history);
    let why = verdict.violation().expect("5 was never written");
    assert_eq!((why.culprit, why.events), (0, 4));
}

#[test]
fn two_grants_of_one_token() {
    use fenced_lock::{Answer::*, FencedLock, Request::*};
    let history = [
        Operation::completed(1, Acquire(1), 0, 1, Granted(1)),
        Operation::completed(2, Acquire(2), 2, 3, Granted(2)),
        Operation::completed(2, Use(2), 4, 5, Used(true)),
        Operation::completed(1, Use(1), 6, 7, Used(false)),
    ];
    assert!(Checker::new(FencedLock::leased()).check(&history).is_linearizable());
    assert!(!Checker::new(FencedLock::exclusive()).check(&history).is_linearizable());
    let mut unfenced = history.to_vec();
    unfenced[3].ret = Some(Used(true));
    assert_eq!(Checker::new(FencedLock::leased()).check(&unfenced).violation().expect("an old token").culprit, 3);
}

/// Enqueues that overlap, taken out in an order that only the dequeues tell.
#[test]
fn a_long_queue() {
    use queue::{Answer::*, Queue, Request::*};
    let count = 400u64;
    let order = |n: u64| (n * 173) % count;
    let mut history: Vec<_> = (0..count).map(|n| Operation::completed(n, Enqueue(n), n, 1_000 + n, Enqueued)).collect();
    history.extend(
        (0..count).map(|n| Operation::completed(0, Dequeue, 2_000 + 10 * n, 2_005 + 10 * n, Dequeued(Some(order(n))))),
    );
    let limits = Limits { steps: 2_000_000, configurations: 100_000, ..Limits::default() };
    assert!(Checker::new(Queue::new()).limits(limits).check(&history).is_linearizable());
}

#[test]
fn files_that_make_no_sense_name_the_line() {
    let cases = [
        (
            r#"[[1,"ok","read",0]]"#,
            "line 2: event 1: process 1 has a response to read, but no invocation is open: is an event missing, or are they out of order?",
        ),
        (
            r#"[[1,"invoke","read",null],[1,"invoke","write",1]]"#,
            "line 2: event 2: process 1 invokes write, but its read of event 1 is still open; a process has one operation open at a time",
        ),
        (
            r#"[[1,"invoke","read",null],[1,"ok","write",1]]"#,
            "line 2: event 2: process 1 has a response to write, but it invoked read (event 1)",
        ),
        (
            r#"[[1,"invoke","frob",null],[1,"ok","frob",1]]"#,
            "line 2: event 1: unknown function \"frob\"; there are read, write, cas (is it another --model?)",
        ),
        (r#"[[1,"invoke","cas",3]]"#, "line 2: event 1: expected [expected, new], found 3"),
    ];
    for (events, expected) in cases {
        let mut text = String::from("\n");
        write!(text, r#"{{"id":"x","model":"cas-register","init":0,"events":{events}}}"#).unwrap();
        let recorded = read(&text).next().expect("one line");
        let error = recorded.and_then(|recorded| judged(&recorded)).expect_err("it makes no sense");
        assert_eq!(error.to_string(), expected);
    }
    let cut = read("{\"id\":\"x\",\"model\":\"cas-reg").next().expect("one line");
    assert_eq!(
        cut.expect_err("it is cut off").to_string(),
        "line 1: the line ends in the middle (after 26 characters): was the file cut off?"
    );
    let odd = read(r#"{"model":"cas-register","events":[[1,"maybe","read",0]]}"#).next().expect("one line");
    let odd = odd.expect_err("no such type").to_string();
    assert!(
        odd.starts_with(
            "line 1: events[0][1]: unknown variant `maybe`, expected one of `invoke`, `ok`, `fail`, `info`"
        ),
        "{odd}"
    );
}

/// The two points on which recorders disagree.
#[test]
fn failed_cas_and_reads_of_null() {
    let verdict = |failed_cas: &str, events: &str| {
        let text = format!(r#"{{"model":"cas-register","init":null{failed_cas},"events":{events}}}"#);
        let recorded = read(&text).next().expect("one line").expect("it is JSON");
        judged(&recorded).expect("it makes sense").0.is_linearizable()
    };
    let definite = r#","failed_cas":"definite""#;
    let failed_though_it_matched =
        r#"[[1,"invoke","write",3],[1,"ok","write",3],[1,"invoke","cas",[3,4]],[1,"fail","cas",[3,4]]]"#;
    assert!(verdict("", failed_though_it_matched));
    assert!(!verdict(definite, failed_though_it_matched));
    let null_though_written =
        r#"[[1,"invoke","write",3],[1,"ok","write",3],[1,"invoke","read",null],[1,"ok","read",null]]"#;
    assert!(verdict("", null_though_written));
    assert!(!verdict(definite, null_though_written));
    let info_takes_effect_late = r#"[[1,"invoke","write",3],[1,"info","write",3],[2,"invoke","read",null],[2,"ok","read",null],[2,"invoke","read",null],[2,"ok","read",3]]"#;
    assert!(verdict(definite, info_takes_effect_late));
}

/// At one instant, operations of different processes are concurrent, and those of one process are in order.
#[test]
fn what_touches_is_concurrent_but_for_one_process() {
    let stale_read_by = |process| {
        let history = [
            Operation::completed(1, Set(1), 0, 10, Written),
            Operation::completed(process, Read, 10, 10, Value(0)),
            Operation::completed(process, Read, 10, 20, Value(1)),
        ];
        Checker::new(register::Register::new(0)).check(&history).is_linearizable()
    };
    assert!(stale_read_by(2));
    assert!(!stale_read_by(1));
    let back_and_forth = |first, second| {
        let history = [
            Operation::completed(1, Set(1), 0, 20, Written),
            Operation::completed(2, Read, 10, 10, Value(first)),
            Operation::completed(2, Read, 10, 10, Value(second)),
        ];
        Checker::new(register::Register::new(0)).search_only().check(&history).is_linearizable()
    };
    assert!(back_and_forth(0, 1));
    assert!(!back_and_forth(1, 0));
}
