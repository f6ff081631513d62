//! `XADD`, `XTRIM`, `XDEL`, `XRANGE`, `XREAD`.

use seedbed_models::communication::stream::{
    After, Bound, Command, Engine, Error, Exactness, NewId, Reply, Threshold, Trim,
};
use seedbed_models::parts::redis::{self, Key};

use crate::say::{KEY, add, add_trimming, at, fields, found, id, items, range, there, with_entries};

fn trim(to: Threshold, how: Exactness) -> Command {
    Command::XTrim(KEY, Trim { to, how })
}

const ABOUT: Exactness = Exactness::Approximate { limit: None };

// "NOMKSTREAM: the stream will not be created".
#[test]
fn no_stream_is_made_where_that_is_asked() {
    let mut server = Engine::new(3);
    let add = Command::XAdd { key: KEY, id: NewId::Auto, fields: fields(7), no_make: true, trim: None };
    assert_eq!(at(&mut server, 1, &add), Reply::Nil);
    assert!(server.keys().stream(KEY).is_none());
}

#[test]
fn an_exact_length_is_kept_after_the_entry_is_added() {
    let mut server = with_entries(5);
    at(&mut server, 6, &add_trimming(NewId::Auto, Threshold::MaxLen(4), Exactness::Exact));
    assert_eq!(there(&mut server), [3, 4, 5, 6]);
    assert_eq!(at(&mut server, 7, &trim(Threshold::MaxLen(9), Exactness::Exact)), Reply::Number(0));
    at(&mut server, 7, &add_trimming(NewId::Auto, Threshold::MaxLen(0), Exactness::Exact));
    assert_eq!(there(&mut server), [] as [u64; 0]);
    assert_eq!(at(&mut server, 7, &Command::XLen(KEY)), Reply::Number(0), "an empty stream is a stream");
}

// "The trimming is performed only when we are able to remove a whole macro node": nodes have three entries here.
#[test]
fn an_approximate_length_is_kept_by_whole_nodes() {
    let mut server = with_entries(8);
    assert_eq!(at(&mut server, 9, &trim(Threshold::MaxLen(6), ABOUT)), Reply::Number(0), "five would be left");
    assert_eq!(at(&mut server, 9, &trim(Threshold::MaxLen(5), ABOUT)), Reply::Number(3));
    assert_eq!(
        at(&mut server, 9, &trim(Threshold::MinId(id(6, 0)), ABOUT)),
        Reply::Number(0),
        "its last is not before"
    );
    assert_eq!(at(&mut server, 9, &trim(Threshold::MinId(id(7, 0)), ABOUT)), Reply::Number(3));
    assert_eq!(there(&mut server), [7, 8]);
}

#[test]
fn a_limit_bounds_what_goes_at_once() {
    let mut server = with_entries(9);
    let limited = |limit| trim(Threshold::MaxLen(0), Exactness::Approximate { limit: Some(limit) });
    assert_eq!(at(&mut server, 10, &limited(2)), Reply::Number(0), "less than a node");
    assert_eq!(at(&mut server, 10, &limited(5)), Reply::Number(3));
    assert_eq!(at(&mut server, 10, &limited(0)), Reply::Number(6), "zero is no limit");
}

#[test]
fn a_deleted_entry_keeps_its_place_in_its_node() {
    let mut server = with_entries(3);
    assert_eq!(at(&mut server, 4, &Command::XDel(KEY, vec![id(2, 0), id(2, 0), id(9, 9)])), Reply::Number(1));
    at(&mut server, 4, &add(NewId::Auto));
    // The first node has two of three entries, and the fourth entry is in the next.
    assert_eq!(at(&mut server, 4, &trim(Threshold::MaxLen(1), ABOUT)), Reply::Number(2));
    assert_eq!(there(&mut server), [4]);
}

#[test]
fn ranges_have_open_and_closed_ends() {
    let mut server = with_entries(5);
    let mut asked =
        |start, end, count, reversed| at(&mut server, 9, &Command::XRange { key: KEY, start, end, count, reversed });
    let (with, without) = (|ms| Bound::Including(id(ms, 0)), |ms| Bound::Excluding(id(ms, 0)));
    let within = |reply: Reply| match reply {
        Reply::Entries(entries) => entries.iter().map(|entry| entry.id.ms).collect::<Vec<u64>>(),
        other => panic!("entries: {other:?}"),
    };
    assert_eq!(within(asked(with(2), with(4), None, false)), [2, 3, 4]);
    assert_eq!(within(asked(without(2), without(4), None, false)), [3]);
    assert_eq!(within(asked(with(2), with(5), Some(2), true)), [5, 4]);
    assert_eq!(within(asked(with(4), with(2), None, false)), [0_u64; 0]);
    assert_eq!(asked(with(2), with(4), Some(0), false), Reply::Nil);
    let last = Bound::Excluding(seedbed_models::communication::stream::Id::MAX);
    assert_eq!(asked(last, with(4), None, false), Reply::Error(Error::InvalidStart));
    let first = Bound::Excluding(seedbed_models::communication::stream::Id::ZERO);
    assert_eq!(asked(with(1), first, None, false), Reply::Error(Error::InvalidEnd));
}

#[test]
fn reading_goes_on_behind_a_position() {
    let mut server = with_entries(3);
    let read = |after| Command::XRead { streams: vec![(KEY, after)], count: Some(2), block: None };
    assert_eq!(at(&mut server, 9, &read(After::Id(id(0, 0)))), found(&[id(1, 0), id(2, 0)]));
    assert_eq!(at(&mut server, 9, &read(After::Id(id(2, 0)))), found(&[id(3, 0)]));
    assert_eq!(at(&mut server, 9, &read(After::Id(id(3, 0)))), Reply::Nil);
    assert_eq!(at(&mut server, 9, &read(After::Now)), Reply::Nil);
}

#[test]
fn a_key_holds_one_type() {
    let mut server = with_entries(1);
    let set = |key, nx| Command::Plain(redis::Command::Set { key, value: 3, nx, px: None });
    assert_eq!(at(&mut server, 2, &set(Key(2), false)), Reply::Ok);
    assert_eq!(at(&mut server, 2, &Command::XLen(Key(2))), Reply::Error(Error::WrongType));
    assert_eq!(at(&mut server, 2, &Command::Plain(redis::Command::Get(KEY))), Reply::Error(Error::WrongType));
    assert_eq!(at(&mut server, 2, &Command::Plain(redis::Command::Incr(KEY))), Reply::Error(Error::WrongType));
    assert_eq!(at(&mut server, 2, &set(KEY, true)), Reply::Nil, "there is such a key");
    assert_eq!(at(&mut server, 2, &range()), Reply::Entries(items(&[id(1, 0)])));
    assert_eq!(at(&mut server, 2, &set(KEY, false)), Reply::Ok, "whatever it held");
    assert_eq!(at(&mut server, 2, &range()), Reply::Error(Error::WrongType));
}

#[test]
fn a_stream_expires_with_its_groups() {
    let mut server = with_entries(1);
    let expire = Command::Plain(redis::Command::PExpire(KEY, seedbed_sim::Span::ms(10)));
    assert_eq!(at(&mut server, 5, &expire), Reply::Number(1));
    assert_eq!(at(&mut server, 14, &Command::XLen(KEY)), Reply::Number(1));
    assert_eq!(at(&mut server, 15, &Command::XLen(KEY)), Reply::Number(0));
    assert_eq!(at(&mut server, 15, &Command::XInfoGroups(KEY)), Reply::Error(Error::NoSuchKey));
}
