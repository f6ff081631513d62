//! Names of real panics and of messages, in pairs that must be the same and pairs that must not.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::process::NodeId;
use crate::run::{caught, property_and_message};
use crate::time::Time;

/// The name of the panic of `f`.
fn panics(f: impl FnOnce()) -> String {
    let panic = caught(f).expect_err("it panics");
    property_and_message(&*panic).0
}

fn named(message: &str) -> String {
    name(Some(&Place { file: "models/src/raft/log.rs".into(), line: 88, column: 9 }), message)
}

#[derive(Clone, Debug)]
#[allow(dead_code, reason = "they are printed")]
enum Shape {
    Follower,
    NotLeader { leader: Option<NodeId>, why: String },
    Pair(i64, f64),
    Deep(Vec<Shape>),
}

#[test]
fn places_are_the_same_on_every_machine() {
    for (file, expect) in [
        ("models/src/replication/raft/log.rs", "replication/raft/log.rs"),
        ("src/replication/raft/log.rs", "replication/raft/log.rs"),
        ("/home/a/checkouts/seedbed-12ab/9f/models/src/replication/raft/log.rs", "replication/raft/log.rs"),
        ("C:\\src\\mine\\src\\raft\\log.rs", "raft/log.rs"),
        ("/usr/src/mine/src/lib.rs", "lib.rs"),
        ("sim/tests/async_nodes.rs", "tests/async_nodes.rs"),
        ("models/src/examples/echo.rs", "examples/echo.rs"),
        ("/tmp/build/out/made.rs", "out/made.rs"),
        ("made.rs", "made.rs"),
    ] {
        assert_eq!(local(file), expect);
    }
}

#[test]
fn words_stay_and_values_go() {
    for (message, expect) in [
        ("a leader has peers", "a leader has peers"),
        ("raft reads what its snapshot has swallowed: 3 of 5", "raft reads what its snapshot has swallowed: _ of _"),
        ("raft answers clients only: n1 sent NotLeader { leader: Some(n2) }", "raft answers clients only: _ sent _"),
        ("a client runs one at a time: OpId(4) came during None", "a client runs one at a time: _ came during _"),
        ("a link: -3 below 1.204 s, or 12:30:05", "a link: _ below _ s, or _"),
        ("peers are n1, n2 and [n3, n4] (5)", "peers are _ and _"),
        ("no such key: \"a (strange } \\\" key\"", "no such key: _"),
        ("no such key: 'k' of the store's keys", "no such key: _ of the store's keys"),
        ("the followers' logs and the leader's differ", "the followers' logs and the leader's differ"),
        ("`key` is missing", "_ is missing"),
        ("Term went back: 3 to 2", "Term went back: _ to _"),
        // A value at the beginning looks like the first word of a sentence.
        ("Follower got Heartbeat", "Follower got _"),
        ("it is true that election_min is 3ms", "it is _ that _ is _"),
        ("a state:\n  Server {\n    id: 3,\n  }\nand more", "a state:"),
        ("a state: Server {\n    id: 3,\n} is wrong\nand more", "a state: _ is wrong"),
        ("\n  indented\nmore", "indented"),
        ("never closed: Some(3", "never closed: _"),
        ("never closed: \"abc", "never closed: _"),
        ("größer als 3 Grüße", "größer als _"),
    ] {
        assert_eq!(named(message), format!("assertion: raft/log.rs: {expect}"));
    }
}

#[test]
fn a_message_of_values_alone_has_its_line() {
    assert_eq!(named("3"), "assertion: raft/log.rs:88: no words");
    assert_eq!(named(""), "assertion: raft/log.rs:88: no words");
    assert_eq!(named("Some(3): None"), "assertion: raft/log.rs:88: no words");
}

#[test]
fn without_a_place_there_are_the_words() {
    assert_eq!(name(None, "a leader has peers: 3"), "assertion: a leader has peers: _");
}

#[test]
fn names_are_short() {
    assert!(named(&"word ".repeat(500)).chars().count() < 160);
    assert!(named(&format!("assertion failed: {}", "x.y() && ".repeat(90))).chars().count() < 160);
}

/// Uses a value, so that computing it is not optimised away.
fn used<T>(_: T) {}

/// Panics of every kind, each with several values; neighbours differ in one word, or only in their place.
#[test]
fn real_panics_keep_their_names_and_do_not_share_them() {
    let empty: Vec<u32> = Vec::new();
    let parse = |text: &str| text.parse::<u32>();
    type Cause<'a> = Box<dyn Fn(usize) + 'a>;
    let causes: Vec<(&str, Cause<'_>)> = vec![
        ("an assert with words", Box::new(|n| assert!(n > 99, "a number is too small: {n}"))),
        ("another", Box::new(|n| assert!(n > 99, "a number is too odd: {n}"))),
        ("an assert without words", Box::new(|n| assert!(n > 99))),
        ("another", Box::new(|n| assert!(n > 98))),
        ("assert_eq with words", Box::new(|n| assert_eq!(n, 99, "the numbers of {n} agree"))),
        ("another", Box::new(|n| assert_eq!(n, 99, "the numbers of {n} are the same"))),
        ("assert_eq without words", Box::new(|n| assert_eq!(vec![n], [99]))),
        ("another", Box::new(|n| assert_eq!(Some(n), None))),
        ("assert_ne without words", Box::new(|n| assert_ne!(n, n))),
        ("unwrap of None", Box::new(|n| used((n > 99).then_some(n).unwrap()))),
        ("another", Box::new(|n| used((n > 98).then_some(n).unwrap()))),
        ("unwrap of Err", Box::new(|n| used(parse(["x", "-3"][n % 2]).unwrap()))),
        ("another", Box::new(|n| used(parse(["y", ""][n % 2]).unwrap()))),
        ("unwrap_err of Ok", Box::new(|n| used(parse(&n.to_string()).unwrap_err()))),
        ("expect of None", Box::new(|n| used((n > 99).then_some(n).expect("a leader knows its members")))),
        ("another", Box::new(|n| used((n > 99).then_some(n).expect("a leader knows its term")))),
        ("expect of Err", Box::new(|n| used(parse(["x", ""][n % 2]).expect("a number was checked")))),
        ("another", Box::new(|n| used(parse(["x", ""][n % 2]).expect("a number was read")))),
        ("an index", Box::new(|n| used(empty[n]))),
        ("another", Box::new(|n| used(empty[n + 1]))),
        ("a range", Box::new(|n| used(empty[..n + 1].to_vec()))),
        ("a range from", Box::new(|n| used(empty[n + 1..].to_vec()))),
        ("an overflow", Box::new(|n| used(n - 50))),
        ("another", Box::new(|n| used(n - 60))),
        ("a product", Box::new(|n| used((n + 2) * usize::MAX))),
        ("a division", Box::new(|n| used(7 / (n - n)))),
        ("a removal", Box::new(|n| used(empty.clone().remove(n)))),
        ("a slice of text", Box::new(|n| used("é"[n - n + 1..].to_string()))),
        ("unreachable", Box::new(|_| unreachable!())),
        ("unreachable with words", Box::new(|n| unreachable!("just matched {n}"))),
        ("a panic", Box::new(|_| panic!())),
        ("a panic with words", Box::new(|n| panic!("raft has every entry behind {n}"))),
        ("a panic of values", Box::new(|n| panic!("{n}: {:?}", Some(n)))),
        ("another", Box::new(|n| panic!("{n} {:?}", Some(n)))),
        ("any payload", Box::new(|n| std::panic::panic_any(n))),
    ];
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, (what, cause)) in causes.iter().enumerate() {
        let names: Vec<String> = [1, 2, 7, 20].into_iter().map(|n| panics(|| cause(n))).collect();
        assert!(names.iter().all(|name| *name == names[0]), "{what} has several names: {names:#?}");
        assert!(names[0].starts_with("assertion: assertion/tests.rs:"), "{what}: {}", names[0]);
        if let Some(other) = seen.insert(names[0].clone(), at) {
            panic!("{what} and {} share a name: {}", causes[other].0, names[0]);
        }
    }
}

// The message of the violation keeps its values.
#[test]
fn what_a_panic_says_stays_whole_beside_its_name() {
    let (property, message) =
        property_and_message(&*caught(|| assert_eq!(1, 2, "the terms of n{} agree", 3)).expect_err("it panics"));
    assert_eq!(property, "assertion: assertion/tests.rs: the terms of _ agree");
    assert!(message.contains("left: 1") && message.contains("(asserted at sim/src/assertion/tests.rs:"), "{message}");
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Follower),
        (prop::option::of(any::<u16>()), any::<String>())
            .prop_map(|(leader, why)| Shape::NotLeader { leader: leader.map(NodeId), why }),
        (any::<i64>(), any::<f64>().prop_filter("`inf` is a word", |x| x.is_finite()))
            .prop_map(|(a, b)| Shape::Pair(a, b)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Shape::Deep))
}

proptest! {
    /// Whatever the values are, an assertion has one name.
    #[test]
    fn values_do_not_change_a_name(
        shape in shape(), node: u16, at: u64, text: String, n: i64, list in prop::collection::vec(any::<u32>(), 0..4),
    ) {
        let (node, at) = (NodeId(node), Time(at));
        let message = format!("raft sends {shape:?} to {node} after {at}: {list:?}, {text:?} and {n} of {shape:#?}");
        prop_assert_eq!(
            named(&message),
            "assertion: raft/log.rs: raft sends _ to _ after _ s: _ and _ of _"
        );
        let message = format!("assertion `left == right` failed: the log of {node} is whole\n  left: {shape:?}\n right: {text:?}");
        prop_assert_eq!(named(&message), "assertion: raft/log.rs: the log of _ is whole");
    }

    /// Any text at all has a name of one line.
    #[test]
    fn every_message_has_a_name(message: String) {
        let name = named(&message);
        prop_assert!(name.starts_with("assertion: raft/log.rs"));
        prop_assert!(!name.contains('\n'), "{name:?}");
    }
}
