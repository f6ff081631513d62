//! "Consumer groups" (Redis Streams), `XGROUP`, `XREADGROUP`, `XACK`, `XPENDING`, `XINFO`.

use seedbed_models::communication::stream::reply::{GroupInfo, Summary};
use seedbed_models::communication::stream::{Command, Engine, Error, GroupAfter, GroupStart, Id, Item, NewId, Reply};

use crate::say::{ANN, BOB, GROUP, KEY, ack, add, at, create, found, id, owed, read, read_new, with_entries};

#[test]
fn each_entry_is_new_to_one_consumer() {
    let mut server = with_entries(3);
    assert_eq!(at(&mut server, 9, &read(ANN, GroupAfter::New, Some(2))), found(&[id(1, 0), id(2, 0)]));
    assert_eq!(at(&mut server, 9, &read_new(BOB)), found(&[id(3, 0)]));
    assert_eq!(at(&mut server, 9, &read_new(ANN)), Reply::Nil);
    assert_eq!(owed(&mut server), [(1, ANN, 1), (2, ANN, 1), (3, BOB, 1)]);
}

#[test]
fn an_acknowledgement_is_of_what_it_names() {
    let mut server = with_entries(3);
    at(&mut server, 9, &read_new(ANN));
    assert_eq!(at(&mut server, 9, &ack(&[id(2, 0), id(9, 0)])), Reply::Number(1));
    assert_eq!(at(&mut server, 9, &ack(&[id(2, 0)])), Reply::Number(0));
    assert_eq!(owed(&mut server), [(1, ANN, 1), (3, ANN, 1)]);
    assert_eq!(at(&mut server, 9, &Command::XLen(KEY)), Reply::Number(3), "nothing is deleted");
}

// "NOACK … equivalent to acknowledging the message when it is read."
#[test]
fn without_acknowledgement_nothing_is_pending() {
    let mut server = with_entries(1);
    let streams = vec![(KEY, GroupAfter::New)];
    let read = Command::XReadGroup { group: GROUP, consumer: ANN, streams, count: None, block: None, no_ack: true };
    assert_eq!(at(&mut server, 9, &read), found(&[id(1, 0)]));
    assert_eq!(owed(&mut server), []);
    assert_eq!(at(&mut server, 9, &read_new(BOB)), Reply::Nil);
}

// "If the ID is any other valid numerical ID, then the command will let us access our history of pending messages."
#[test]
fn a_history_is_of_the_consumer_alone_and_counts() {
    let mut server = with_entries(3);
    at(&mut server, 9, &read(ANN, GroupAfter::New, Some(2)));
    at(&mut server, 9, &read_new(BOB));
    at(&mut server, 9, &Command::XDel(KEY, vec![id(1, 0)]));
    let mut gone = found(&[id(1, 0), id(2, 0)]);
    if let Reply::Streams(streams) = &mut gone {
        streams[0].1[0] = Item { id: id(1, 0), fields: None };
    }
    assert_eq!(at(&mut server, 9, &read(ANN, GroupAfter::Pending(Id::ZERO), None)), gone);
    assert_eq!(owed(&mut server), [(1, ANN, 1), (2, ANN, 2), (3, BOB, 1)], "what is gone is not delivered");
    assert_eq!(at(&mut server, 9, &read(ANN, GroupAfter::Pending(id(2, 0)), None)), found(&[]));
}

#[test]
fn a_group_begins_where_it_is_told_to() {
    let mut server = with_entries(0);
    assert_eq!(at(&mut server, 1, &create(GroupStart::Last)), Reply::Error(Error::BusyGroup));
    at(&mut server, 1, &add(NewId::Auto));
    let set = |start| Command::XGroupSetId { key: KEY, group: GROUP, start, entries_read: None };
    assert_eq!(at(&mut server, 1, &set(GroupStart::Last)), Reply::Ok);
    assert_eq!(at(&mut server, 1, &read_new(ANN)), Reply::Nil);
    assert_eq!(at(&mut server, 1, &set(GroupStart::Id(Id::ZERO))), Reply::Ok);
    assert_eq!(at(&mut server, 1, &read_new(ANN)), found(&[id(1, 0)]));
    // What is pending already is delivered anew, and counted from one.
    assert_eq!(at(&mut server, 1, &set(GroupStart::Id(Id::ZERO))), Reply::Ok);
    assert_eq!(at(&mut server, 1, &read_new(BOB)), found(&[id(1, 0)]));
    assert_eq!(owed(&mut server), [(1, BOB, 1)]);
}

#[test]
fn commands_say_what_is_missing() {
    let mut server = Engine::new(3);
    let without_make =
        Command::XGroupCreate { key: KEY, group: GROUP, start: GroupStart::Last, make: false, entries_read: None };
    assert_eq!(at(&mut server, 1, &without_make), Reply::Error(Error::KeyRequired));
    assert_eq!(at(&mut server, 1, &read_new(ANN)), Reply::Error(Error::NoGroup));
    assert_eq!(at(&mut server, 1, &ack(&[id(1, 0)])), Reply::Number(0));
    assert_eq!(at(&mut server, 1, &Command::XPendingSummary(KEY, GROUP)), Reply::Error(Error::NoGroup));
    assert_eq!(at(&mut server, 1, &Command::XInfoStream(KEY)), Reply::Error(Error::NoSuchKey));
}

// "Any pending messages that the consumer had will become unclaimable after it was deleted."
#[test]
fn a_deleted_consumer_takes_its_pending_entries_along() {
    let mut server = with_entries(3);
    at(&mut server, 9, &read(ANN, GroupAfter::New, Some(2)));
    at(&mut server, 9, &read_new(BOB));
    assert_eq!(at(&mut server, 9, &Command::XGroupDelConsumer(KEY, GROUP, ANN)), Reply::Number(2));
    assert_eq!(owed(&mut server), [(3, BOB, 1)]);
    assert_eq!(at(&mut server, 9, &Command::XGroupCreateConsumer(KEY, GROUP, ANN)), Reply::Number(1));
    assert_eq!(at(&mut server, 9, &Command::XGroupCreateConsumer(KEY, GROUP, ANN)), Reply::Number(0));
    assert_eq!(at(&mut server, 9, &Command::XGroupDestroy(KEY, GROUP)), Reply::Number(1));
    assert_eq!(at(&mut server, 9, &Command::XGroupDestroy(KEY, GROUP)), Reply::Number(0));
}

#[test]
fn a_summary_counts_by_consumer() {
    let mut server = with_entries(3);
    let summary = |server: &mut Engine| match at(server, 9, &Command::XPendingSummary(KEY, GROUP)) {
        Reply::Summary(summary) => summary,
        reply => panic!("a summary: {reply:?}"),
    };
    assert_eq!(summary(&mut server), Summary { count: 0, range: None, consumers: vec![] });
    at(&mut server, 9, &read(ANN, GroupAfter::New, Some(1)));
    at(&mut server, 9, &read_new(BOB));
    let expected = Summary { count: 3, range: Some((id(1, 0), id(3, 0))), consumers: vec![(ANN, 1), (BOB, 2)] };
    assert_eq!(summary(&mut server), expected);
}

/// How far the group has read, and how much is left.
fn progress(server: &mut Engine) -> (Option<u64>, Option<i64>) {
    match at(server, 9, &Command::XInfoGroups(KEY)) {
        Reply::Groups(groups) => match groups[..] {
            [GroupInfo { entries_read, lag, .. }] => (entries_read, lag),
            _ => panic!("one group: {groups:?}"),
        },
        reply => panic!("groups: {reply:?}"),
    }
}

// "lag: the number of entries in the stream that are still waiting to be delivered, or a NULL when that number can't be determined."
#[test]
fn a_lag_is_known_unless_a_deletion_has_left_a_gap() {
    let mut server = with_entries(4);
    assert_eq!(progress(&mut server), (None, Some(4)));
    at(&mut server, 9, &read(ANN, GroupAfter::New, Some(1)));
    assert_eq!(progress(&mut server), (Some(1), Some(3)));
    at(&mut server, 9, &Command::XDel(KEY, vec![id(3, 0)]));
    assert_eq!(progress(&mut server), (Some(1), None), "a gap is ahead");
    at(&mut server, 9, &read_new(ANN));
    assert_eq!(progress(&mut server), (Some(4), Some(0)), "at the last entry all is known again");
}
